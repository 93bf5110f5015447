import { z } from "zod";
import { isLargerThan, MAX_STEP_BYTES, type Rescheduled, type TaskRecord } from "#engine";
import { commands, may, sees, type Caller } from "./access.ts";
import { taskId as anyTaskId } from "./answers.ts";
import { CanvasResult } from "./canvas-result.ts";
import { conflict, invalid, notFound, Problem } from "./problems.ts";
import { operation } from "./operation.ts";
import { seconds } from "./query-params.ts";
import type { ApiParts, Route } from "./route.ts";
import { statusAnswer, taskAnswer } from "./task-answers.ts";
import { callKey, idempotencyKey, rescheduleSchema } from "./task-calls.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { awaited, MAX_WAIT_SECONDS } from "./task-wait.ts";
import { streamStates } from "./task-stream.ts";
import { isResultExpired, statusView, taskView } from "./task-views.ts";

const revokeSchema = z.strictObject({ terminate: z.boolean().default(false) });
const eventSchema = z.strictObject({ payload: z.unknown().optional() });

const EVENT_NAME = /^[^\n\0]{1,100}$/;

const TAG = "tasks";
const path = { id: anyTaskId };

const eventAnswer = z.strictObject({
  task_id: anyTaskId,
  event: z.string(),
  duplicate: z.boolean().describe("It was delivered before, with the same Idempotency-Key."),
});
/** What becomes of tasks: seen, waited for, changed. */
export function taskRoutes(parts: ApiParts): Route[] {
  /** @throws Problem 404 for a task that is unknown or not the caller's */
  async function visible(taskId: string, caller: Caller): Promise<TaskRecord> {
    const task = await parts.tasks.get(taskId);
    if (task === null || !sees(caller, task.owner)) throw notFound();
    return task;
  }

  /** @throws Problem 404 as `visible`; 403 for a task that the caller may only see */
  async function commanded(taskId: string, caller: Caller): Promise<TaskRecord> {
    const task = await visible(taskId, caller);
    if (commands(caller, task.owner)) return task;
    throw new Problem(403, "forbidden", "To change others' tasks needs the scope control.");
  }

  return [
    operation({
      method: "GET",
      path: "/api/tasks/status/:id",
      scope: "tasks:read",
      tag: TAG,
      summary: "Show a task's status and result, in short",
      description:
        "The result of a task that failed is its error, and that of one with a state of its own the details of that, as in Celery.",
      params: path,
      answers: { 200: statusAnswer },
      handle: async ({ params, caller }) =>
        Response.json(statusView(await visible(params.id ?? "", caller), parts.clock.now())),
    }),
    operation({
      method: "GET",
      path: "/api/tasks/:id",
      scope: "tasks:read",
      tag: TAG,
      summary: "Show everything known about a task",
      params: path,
      query: {
        wait: seconds(MAX_WAIT_SECONDS, "Answer when it has ended, or after so many seconds."),
      },
      answers: { 200: taskAnswer },
      handle: async ({ params, query, caller }) => {
        const id = params.id ?? "";
        const last = await awaited(parts, id, caller, query.wait);
        return Response.json(
          taskView(last ?? (await visible(id, caller)), caller, parts.clock.now()),
        );
      },
    }),
    operation({
      method: "GET",
      path: "/api/tasks/:id/result",
      scope: "tasks:read",
      tag: TAG,
      summary: "Get a task's result, however large",
      params: path,
      answers: { 200: z.unknown().describe("What the task returned, as JSON.") },
      problems: { 410: ["result_expired"] },
      handle: async ({ params, caller }) => {
        const task = await visible(params.id ?? "", caller);
        if (isResultExpired(task, parts.clock.now())) {
          throw new Problem(410, "result_expired", "The result is not kept any longer.");
        }
        const { tree, joined } = task.options;
        const body =
          tree !== undefined && joined === true
            ? new CanvasResult(task, tree, parts, parts.clock.now()).stream()
            : task.large === undefined
              ? task.result
              : await parts.largeResults.get(task.large.key);
        if (body === null) throw notFound();
        return new Response(body, { headers: { "Content-Type": "application/json" } });
      },
    }),
    operation({
      method: "GET",
      path: "/api/tasks/:id/events",
      scope: "tasks:read",
      tag: TAG,
      summary: "Follow a task's states",
      description:
        "Server-sent events: one `state` now and after every change, with the task as JSON, until it has ended.",
      params: path,
      answers: { 200: { types: ["text/event-stream"], words: "The states, as they come." } },
      handle: async ({ params, caller }) => {
        const { id } = await visible(params.id ?? "", caller);
        return streamStates(
          (signal) => parts.tasks.watch(id, signal),
          (task) => taskView(task, caller, parts.clock.now()),
        );
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/events/:name",
      scope: "tasks:write",
      tag: TAG,
      summary: "Send an event to a task that waits for it",
      params: { ...path, name: z.string().regex(EVENT_NAME).describe("The event's name.") },
      headers: { "Idempotency-Key": idempotencyKey },
      body: eventSchema,
      example: { payload: { approved: true } },
      answers: { 202: eventAnswer },
      problems: { 409: ["task_ended", "too_many_events"] },
      handle: async ({ request, params, caller, body }) => {
        const { payload = null } = body;
        const { name = "" } = params;
        if (!EVENT_NAME.test(name)) {
          throw invalid([{ field: "name", message: "An event's name has 1 to 100 characters." }]);
        }
        const text = JSON.stringify(payload);
        if (isLargerThan(text, MAX_STEP_BYTES)) {
          const message = `May have ${MAX_STEP_BYTES} bytes of JSON at most.`;
          throw invalid([{ field: "payload", message }]);
        }
        const key = callKey(request, "")?.key ?? null;
        const { id } = await commanded(params.id ?? "", caller);
        const answer = await parts.tasks.sendEvent(id, { name, payload: text, key });
        if (answer === "ended") throw conflict("task_ended", "The task has ended.");
        if (answer === "too_many") {
          throw conflict("too_many_events", "Too many events wait to be taken by this task.");
        }
        return Response.json(
          { task_id: id, event: name, duplicate: answer === "exists" },
          { status: 202 },
        );
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/revoke",
      scope: "tasks:write",
      tag: TAG,
      summary: "Call a task off",
      description: "`terminate` also stops it while it runs, and needs the scope `control`.",
      params: path,
      body: revokeSchema,
      example: { terminate: false },
      answers: { 200: taskAnswer },
      handle: async ({ params, caller, body: { terminate } }) => {
        const { id } = await commanded(params.id ?? "", caller);
        if (terminate && !may(caller, "control")) {
          throw new Problem(403, "forbidden", "To terminate a task needs the scope control.");
        }
        const task = await parts.tasks.revoke(id, { terminate });
        if (task === null) throw notFound();
        return Response.json(taskView(task, caller, parts.clock.now()));
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/reschedule",
      scope: "tasks:write",
      tag: TAG,
      summary: "Change when, where or how urgently a waiting task runs",
      params: path,
      body: rescheduleSchema,
      example: { countdown: 60 },
      answers: { 200: taskAnswer },
      problems: { 409: ["task_running", "task_ended"] },
      handle: async ({ params, caller, body }) => {
        const { id } = await commanded(params.id ?? "", caller);
        const moved = parts.lovageFor(caller.owner).rescheduling(withoutUndefined(body));
        const changed = await parts.tasks.reschedule(id, moved);
        if (changed === null) throw notFound();
        refuseMove(changed.answer);
        return Response.json(taskView(changed.task, caller, parts.clock.now()));
      },
    }),
  ];
}

/** Turns the answers that are no success into problems. */
function refuseMove(answer: Rescheduled["answer"]): void {
  if (answer === "expires") {
    throw invalid([{ field: "eta", message: "Is not before the task expires." }]);
  }
  if (answer === "running") throw conflict("task_running", "The task is running already.");
  if (answer === "ended") throw conflict("task_ended", "The task has ended.");
}
