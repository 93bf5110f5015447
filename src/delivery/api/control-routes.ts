import { z } from "zod";
import { readBody } from "./body.ts";
import { ControlDesk } from "./control-desk.ts";
import { invalid } from "./problems.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { withoutUndefined } from "./without-undefined.ts";

const name = z.string().min(1).max(200);
const seconds = z.number().positive().nullable();
const labels = z.record(z.string().regex(/^[A-Za-z_][\w.-]{0,49}$/), z.string().min(1).max(200));

const queueSchema = z.strictObject({ queue: name });
const rateSchema = z.strictObject({ task: name, rate_limit: z.string().max(50).nullable() });
const timeSchema = z.strictObject({
  task: name,
  soft: seconds.default(null),
  hard: seconds.default(null),
});
const revokeSchema = z.strictObject({
  ids: z.array(z.string().max(100)).max(1_000).optional(),
  name: name.optional(),
  queue: name.optional(),
  labels: labels.optional(),
  terminate: z.boolean().default(false),
});
const nothingSchema = z.strictObject({});

/** Operators' commands, in Celery's words (`celery control`), for the whole deployment. */
export function controlRoutes(parts: ApiParts): Route[] {
  const { control } = parts;
  const desk = new ControlDesk(parts);

  function command(path: string, run: (call: ApiCall) => Promise<unknown>): Route {
    return {
      method: "POST",
      path: `/api/control/${path}`,
      scope: "control",
      handle: async (call) => Response.json(await run(call)),
    };
  }

  function consumption(kind: "cancel_consumer" | "add_consumer", done: string): Route {
    return command(kind, async ({ request }) => {
      const { queue } = await readBody(request, queueSchema);
      await desk.consume(kind, queue);
      return { ok: `${done} ${queue}` };
    });
  }

  function everything(kind: "shutdown" | "start", done: string): Route {
    return command(kind, async ({ request }) => {
      await readBody(request, nothingSchema);
      await desk.consumeAll(kind);
      return { ok: done };
    });
  }

  async function revokeMany({ request }: ApiCall): Promise<unknown> {
    const { ids, terminate, ...rest } = await readBody(request, revokeSchema);
    const filter = withoutUndefined(rest);
    if ((ids === undefined) === (Object.keys(filter).length === 0)) {
      const message = "Give either ids, or a filter of name, queue and labels.";
      throw invalid([{ field: "ids", message }]);
    }
    if (ids === undefined) return control.revoke(filter, terminate);
    const tasks = await Promise.all(ids.map((id) => parts.tasks.revoke(id, { terminate })));
    return {
      revoked: tasks.filter((task) => task?.state === "REVOKED").length,
      marked: tasks.filter((task) => task?.state === "STARTED").length,
      unknown: ids.filter((_id, index) => tasks[index] === null),
    };
  }

  return [
    command("rate_limit", async ({ request }) => {
      const { task, rate_limit: rate } = await readBody(request, rateSchema);
      await desk.setRate(task, rate);
      return { ok: "new rate limit set successfully" };
    }),
    command("time_limit", async ({ request }) => {
      const { task, soft, hard } = await readBody(request, timeSchema);
      await desk.setTimes(task, soft, hard);
      return { ok: "time limits set successfully" };
    }),
    command("revoke", revokeMany),
    consumption("cancel_consumer", "no longer consuming from"),
    consumption("add_consumer", "add consumer"),
    everything("shutdown", "no queue is consumed any more"),
    everything("start", "all queues are consumed that are not cancelled"),
    command("purge", async ({ request }) => {
      const { queue } = await readBody(request, queueSchema);
      return { ok: await desk.purge(queue) };
    }),
  ];
}
