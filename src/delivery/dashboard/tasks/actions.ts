import * as z from "zod";
import { jsonOf } from "../../api/http/body.ts";
import { invalid, Problem, problemOf } from "../../api/http/problems.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import {
  replayTask,
  rescheduleTask,
  revokeTask,
  sendTaskEvent,
} from "../../api/tasks/task-commands.ts";
import { count, counted, ownPath, placeOf, readForm, seeOther } from "../shell/index.ts";
import { LIMITS, LIST } from "./list-query.ts";

/** Tasks that are dealt with at once: an invocation may call other objects so often. */
const AT_ONCE = 10;

const flag = z.literal("1").optional();
const revokeForm = z.strictObject({ terminate: flag });
const replayForm = z.strictObject({ kwargs: z.string().max(300_000).optional() });
const rescheduleForm = z.strictObject({
  eta: z.string().max(30),
  queue: z.string().max(100),
  priority: z.string().max(3),
});
const eventForm = z.strictObject({ name: z.string(), payload: z.string() });
const id = z.string().max(100);
const bulkForm = z.strictObject({
  id: z
    .union([id.transform((one) => [one]), z.array(id).max(LIMITS[LIMITS.length - 1] ?? 200)])
    .default([]),
  what: z.enum(["revoke", "terminate", "replay"]),
  next: z.string().max(4_000),
});

/** What operators do to tasks, by forms. */
export function taskActions(parts: ApiParts): Route[] {
  const action = (
    what: string,
    run: (call: ApiCall, taskId: string) => Promise<Response>,
  ): Route => ({
    method: "POST",
    path: `${LIST}/:id/${what}`,
    scope: "control",
    rate: "control",
    handle: (call) => run(call, call.params.id ?? ""),
  });
  return [
    action("revoke", async ({ request, caller }, taskId) => {
      const { terminate } = await readForm(request, revokeForm);
      const how = { id: taskId, terminate: terminate !== undefined };
      const { state } = await revokeTask(parts, caller, how);
      const hasFailed = state !== "REVOKED" && state !== "STARTED";
      return seeOther(placeOf.task(taskId), wordsOfRevoke(state), { hasFailed });
    }),
    action("replay", async ({ request, caller }, taskId) => {
      const { kwargs: text } = await readForm(request, replayForm);
      const kwargs = text === undefined ? null : objectIn("kwargs", text);
      const made = await replayTask(parts, caller, { id: taskId, kwargs });
      return seeOther(placeOf.task(made), `This task replays ${taskId}.`);
    }),
    action("reschedule", async ({ request, caller }, taskId) => {
      const change = rescheduleOf(await readForm(request, rescheduleForm));
      await rescheduleTask(parts, caller, { id: taskId, ...change });
      return seeOther(placeOf.task(taskId), "The task was rescheduled.");
    }),
    action("event", async ({ request, caller }, taskId) => {
      const { name, payload: text } = await readForm(request, eventForm);
      const payload = text.trim() === "" ? null : jsonIn("payload", text);
      await sendTaskEvent(parts, caller, { id: taskId, name, payload, key: null });
      return seeOther(placeOf.task(taskId), `The event ${name} was sent.`);
    }),
    {
      method: "POST",
      path: `${LIST}/bulk`,
      scope: "control",
      rate: "control",
      handle: (call) => doToMany(parts, call),
    },
  ];
}

function wordsOfRevoke(state: string): string {
  if (state === "REVOKED") return "The task is revoked.";
  if (state === "STARTED") return "The task runs, and is not tried again.";
  return `The task had ended before: it is ${state}.`;
}

/** @throws Problem 422 when nothing is to change, or something makes no sense */
function rescheduleOf({ eta, queue, priority }: z.output<typeof rescheduleForm>) {
  const at = eta === "" ? null : new Date(`${eta}Z`);
  if (at !== null && Number.isNaN(at.getTime())) {
    throw invalid([{ field: "eta", message: "Must be a time (UTC) as 2026-11-21T08:00." }]);
  }
  if (priority !== "" && !/^\d+$/.test(priority)) {
    throw invalid([{ field: "priority", message: "Must be a whole number." }]);
  }
  if (at === null && queue === "" && priority === "") {
    throw invalid([{ field: "eta", message: "Give a new eta, queue or priority." }]);
  }
  return {
    ...(at !== null && { eta: at }),
    ...(queue !== "" && { queue }),
    ...(priority !== "" && { priority: Number(priority) }),
  };
}

/** @throws Problem 422 */
function jsonIn(field: string, text: string): unknown {
  try {
    return jsonOf(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [first] = error.errors;
    throw invalid([{ field, message: first?.message ?? "Is no JSON." }]);
  }
}

/** @throws Problem 422 */
function objectIn(field: string, text: string): Record<string, unknown> {
  const value = jsonIn(field, text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid([{ field, message: "Must be a JSON object." }]);
}

/** Some can't be dealt with, which must not keep the others back: it says how many, and why the first. */
async function doToMany(parts: ApiParts, { request, caller }: ApiCall): Promise<Response> {
  const { id: ids, what, next } = await readForm(request, bulkForm);
  if (ids.length === 0) return seeOther(ownPath(next), "No task was chosen.", { hasFailed: true });
  const errors: unknown[] = [];
  const one = async (taskId: string) => {
    try {
      if (what === "replay") await replayTask(parts, caller, { id: taskId, kwargs: null });
      else await revokeTask(parts, caller, { id: taskId, terminate: what === "terminate" });
    } catch (error) {
      // What nobody foresaw is the page's, and the log's.
      if (problemOf(error).status >= 500) throw error;
      errors.push(error);
    }
  };
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    await Promise.all(ids.slice(start, start + AT_ONCE).map(one));
  }
  const done = ids.length - errors.length;
  const words = `${DONE[what]} ${count(done)} of ${counted(ids.length, "task")}.`;
  if (errors.length === 0) return seeOther(ownPath(next), words);
  const why = `${words} The first that was not: ${problemOf(errors[0]).message}`;
  return seeOther(ownPath(next), why, { hasFailed: true });
}

const DONE = { revoke: "Revoked", terminate: "Terminated", replay: "Replayed" } as const;
