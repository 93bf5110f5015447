import * as z from "zod";
import { ControlDesk } from "../../api/operations/control-desk.ts";
import { invalid, type FieldError } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import { registeredViews } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import {
  counted,
  filledIn,
  faultsOf,
  numberOf,
  readFields,
  readForm,
  seeOther,
  textOf,
  type Fields,
} from "../shell/index.ts";
import { queuesPage } from "./queues-page.tsx";

const PLACE = "/dashboard/queues";
const nothingSchema = z.strictObject({});
const queueSchema = z.strictObject({ queue: z.string().min(1).max(200) });

/** Queues and what limits tasks: as it is, and as operators set it. */
export function queuePages(parts: ApiParts): Route[] {
  const { control, registry, clock } = parts;
  const desk = new ControlDesk(parts);

  async function show(call: ApiCall, values: Fields = {}, faults: readonly FieldError[] = []) {
    const [queues, controls, tasks] = await Promise.all([
      control.queues(),
      control.controls(),
      registeredViews(parts),
    ]);
    const declared = new Map(registry.names().map((name) => [name, registry.get(name)]));
    const form = { values, faults };
    return queuesPage(call, { queues, controls, tasks, declared, form, now: clock.now() });
  }

  function action(what: string, run: (call: ApiCall) => Promise<Response>): Route {
    return {
      method: "POST",
      path: `${PLACE}/${what}`,
      scope: "control",
      rate: "control",
      handle: run,
    };
  }

  function consumption(kind: "cancel_consumer" | "add_consumer", done: string): Route {
    return action(kind, async ({ request }) => {
      const { queue } = await readForm(request, queueSchema);
      await desk.consume(kind, queue);
      return seeOther(PLACE, `${queue} ${done}.`);
    });
  }

  function everything(kind: "shutdown" | "start", done: string): Route {
    return action(kind, async ({ request }) => {
      await readForm(request, nothingSchema);
      await desk.consumeAll(kind);
      return seeOther(PLACE, done);
    });
  }

  /** A form about one task; what does not fit comes back with the page. */
  function setting(what: string, set: (task: string, values: Fields) => Promise<string>): Route {
    return action(what, async (call) => {
      const values = await readFields(call.request);
      try {
        return seeOther(PLACE, await set(textOf(values, "task"), values));
      } catch (error) {
        return show(call, values, faultsOf(error));
      }
    });
  }

  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: (call) => {
        new QueryReader(filledIn(call.query)).check();
        return show(call);
      },
    },
    consumption("cancel_consumer", "is paused: what runs goes on, nothing new begins"),
    consumption("add_consumer", "goes on"),
    everything("shutdown", "No queue is consumed any more."),
    everything("start", "All queues are consumed that are not paused."),
    action("purge", async ({ request }) => {
      const { queue } = await readForm(request, queueSchema);
      const revoked = counted(await desk.purge(queue), "task");
      return seeOther(PLACE, `Revoked in ${queue}: ${revoked}.`);
    }),
    setting("rate_limit", async (task, values) => {
      const rate = textOf(values, "do") === "declared" ? null : textOf(values, "rate_limit").trim();
      if (rate === "") {
        throw invalid([{ field: "rate_limit", message: "As 10/m, 100/h or 5/s; 0 for none." }]);
      }
      await desk.setRate(task, rate);
      return rate === null
        ? `${task} has its declared rate again.`
        : `${task} has the rate ${rate}.`;
    }),
    setting("time_limit", async (task, values) => {
      const isDeclared = textOf(values, "do") === "declared";
      const soft = isDeclared ? null : secondsOf(values, "soft");
      const hard = isDeclared ? null : secondsOf(values, "hard");
      await desk.setTimes(task, soft, hard);
      return soft === null && hard === null
        ? `${task} has its declared time limits again.`
        : `${task} has other time limits now.`;
    }),
  ];
}

/** Null: empty. */
function secondsOf(values: Fields, field: string): number | null {
  const seconds = numberOf(textOf(values, field)) ?? null;
  if (seconds === null || (typeof seconds === "number" && seconds > 0)) return seconds;
  throw invalid([{ field, message: "Must be seconds, more than none." }]);
}
