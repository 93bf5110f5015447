import * as z from "zod";
import { queueMeant } from "#engine";
import { ControlDesk } from "./control-desk.ts";
import { filterLabels } from "../tasks/filter-labels.ts";
import { operation } from "../http/operation.ts";
import { invalid } from "../http/problems.ts";
import type { ApiParts, Route, RouteDoc } from "../route.ts";
import { withoutUndefined } from "../http/without-undefined.ts";

const name = z.string().min(1).max(200);
const seconds = z.number().positive().nullable();

const queueSchema = z.strictObject({ queue: name });
const rateSchema = z.strictObject({
  task: name,
  rate_limit: z.union([z.string().max(50), z.number()]).nullable(),
});
const timeSchema = z.strictObject({
  task: name,
  soft: seconds.default(null),
  hard: seconds.default(null),
});
const revokeSchema = z.strictObject({
  ids: z.array(z.string().max(100)).max(1_000).optional(),
  name: name.optional(),
  queue: name.optional(),
  labels: filterLabels.optional(),
  terminate: z.boolean().default(false),
});
const nothingSchema = z.strictObject({});

const okAnswer = z.strictObject({ ok: z.string() }).meta({ id: "Done" });
const purgedAnswer = z.strictObject({ ok: z.int().describe("How many there were.") });
const revokedAnswer = z.strictObject({
  revoked: z.int(),
  marked: z.int().describe("They run: they are not run again, and stopped if that was asked for."),
  unknown: z.array(z.string()).optional().describe("Of the ids that were given."),
});

interface Command<Body extends z.ZodType> extends Pick<RouteDoc, "summary" | "description"> {
  readonly body: Body;
  readonly example: unknown;
  /** What it answers; absent: that it is done. */
  readonly answer?: z.ZodType;
  readonly run: (body: z.output<Body>) => Promise<unknown>;
}

/** Operators' commands, in Celery's words (`celery control`), for the whole deployment. */
export function controlRoutes(parts: ApiParts): Route[] {
  const { control } = parts;
  const desk = new ControlDesk(parts);

  function command<Body extends z.ZodType>(
    path: string,
    { body, answer = okAnswer, run, ...doc }: Command<Body>,
  ): Route {
    return operation({
      method: "POST",
      path: `/api/control/${path}`,
      scope: "control",
      rate: "control",
      tag: "control",
      ...doc,
      body,
      answers: { 200: answer },
      handle: async (call) => Response.json(await run(call.body as z.output<Body>)),
    });
  }

  function consumption(
    kind: "cancel_consumer" | "add_consumer",
    summary: string,
    done: string,
  ): Route {
    return command(kind, {
      summary,
      body: queueSchema,
      example: { queue: "emails" },
      run: async ({ queue }) => {
        await desk.consume(kind, queue);
        return { ok: `${done} ${queue}` };
      },
    });
  }

  function everything(kind: "shutdown" | "start", summary: string, done: string): Route {
    return command(kind, {
      summary,
      body: nothingSchema,
      example: {},
      run: async () => {
        await desk.consumeAll(kind);
        return { ok: done };
      },
    });
  }

  async function revokeMany(body: z.output<typeof revokeSchema>) {
    const { ids, terminate, queue: said, ...rest } = body;
    const filter = withoutUndefined({ ...rest, queue: queueMeant(parts.queues, said) });
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
    command("rate_limit", {
      summary: "Set a task's rate limit",
      description:
        "A number is starts a second. `0`: none. Null: the declared one again. It holds everywhere, and over restarts.",
      body: rateSchema,
      example: { task: "send_welcome_email", rate_limit: "10/m" },
      run: async ({ task, rate_limit: rate }) => {
        await desk.setRate(task, typeof rate === "number" ? String(rate) : rate);
        return { ok: "new rate limit set successfully" };
      },
    }),
    command("time_limit", {
      summary: "Set a task's time limits, in seconds",
      body: timeSchema,
      example: { task: "backup_database", soft: 300, hard: 600 },
      run: async ({ task, soft, hard }) => {
        await desk.setTimes(task, soft, hard);
        return { ok: "time limits set successfully" };
      },
    }),
    command("revoke", {
      summary: "Call off many tasks: by their ids, or all that fit a filter",
      body: revokeSchema,
      example: { name: "send_bulk_notifications", terminate: false },
      answer: revokedAnswer,
      run: revokeMany,
    }),
    consumption("cancel_consumer", "Stop consuming a queue", "no longer consuming from"),
    consumption("add_consumer", "Consume a queue again", "add consumer"),
    everything(
      "shutdown",
      "Stop consuming every queue, until start",
      "no queue is consumed any more",
    ),
    everything(
      "start",
      "Consume again what was shut down",
      "all queues are consumed that are not cancelled",
    ),
    command("purge", {
      summary: "Call off everything that waits in a queue",
      body: queueSchema,
      example: { queue: "emails" },
      answer: purgedAnswer,
      run: async ({ queue }) => ({ ok: await desk.purge(queue) }),
    }),
  ];
}
