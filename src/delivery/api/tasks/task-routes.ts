import * as z from "zod";
import { isTerminal, type TaskRecord } from "#engine";
import { may, type Caller } from "../callers/access.ts";
import { taskId as anyTaskId } from "../http/answers.ts";
import { CanvasResult } from "../canvas/canvas-result.ts";
import { notFound, Problem } from "../http/problems.ts";
import { operation } from "../http/operation.ts";
import { seconds } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { statusAnswer, taskAnswer } from "./task-answers.ts";
import { callKey, idempotencyKey, rescheduleSchema } from "./task-calls.ts";
import { withoutUndefined } from "../http/without-undefined.ts";
import { rescheduleTask, revokeTask, sendTaskEvent, visibleTask } from "./task-commands.ts";
import { awaited, MAX_WAIT_SECONDS } from "./task-wait.ts";
import { streamStates } from "./task-stream.ts";
import { isResultExpired, statusView, taskView } from "./task-views.ts";

const revokeSchema = z.strictObject({ terminate: z.boolean().default(false) });
const eventSchema = z.strictObject({ payload: z.unknown().optional() });

const TAG = "tasks";
const path = { id: anyTaskId };

const eventAnswer = z.strictObject({
  task_id: anyTaskId,
  event: z.string(),
  duplicate: z.boolean().describe("It was delivered before, with the same Idempotency-Key."),
});
const CHANGED = {
  200: taskAnswer,
  204: "It is done; who has not the scope `tasks:read` is told nothing of the task.",
};

/** What becomes of tasks: seen, waited for, changed. */
export function taskRoutes(parts: ApiParts): Route[] {
  const visible = (id: string, caller: Caller) => visibleTask(parts, id, caller);
  const changed = (task: TaskRecord, caller: Caller) =>
    may(caller, "tasks:read")
      ? Response.json(taskView(task, caller, parts.clock.now()))
      : new Response(null, { status: 204 });

  return [
    operation({
      method: "GET",
      path: "/api/tasks/status/:id",
      scope: "tasks:read",
      rate: "read",
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
      rate: "read",
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
        // Who watches is not told why a task waits.
        const task = last !== null && isTerminal(last.state) ? last : await visible(id, caller);
        return Response.json(taskView(task, caller, parts.clock.now()));
      },
    }),
    operation({
      method: "GET",
      path: "/api/tasks/:id/result",
      scope: "tasks:read",
      rate: "read",
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
      rate: "read",
      tag: TAG,
      summary: "Follow a task's states",
      description:
        "Server-sent events: one `state` now and after every change, with the task as JSON, until it has ended.",
      params: path,
      answers: { 200: { types: ["text/event-stream"], words: "The states, as they come." } },
      handle: async ({ params, caller, ...call }) => {
        const { id } = await visible(params.id ?? "", caller);
        return streamStates(
          call,
          (signal) => parts.tasks.watch(id, signal),
          (task) => taskView(task, caller, parts.clock.now()),
        );
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/events/:name",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Send an event to a task that waits for it",
      params: {
        ...path,
        name: z
          .string()
          .regex(/^[^\n\0]{1,100}$/)
          .describe("The event's name."),
      },
      headers: { "Idempotency-Key": idempotencyKey },
      body: eventSchema,
      example: { payload: { approved: true } },
      answers: { 202: eventAnswer },
      problems: { 409: ["task_ended", "too_many_events"] },
      handle: async ({ request, params, caller, body: { payload = null } }) => {
        const { id: asked = "", name = "" } = params;
        const key = callKey(request, "")?.key ?? null;
        const event = { id: asked, name, payload, key };
        const { id, isDuplicate } = await sendTaskEvent(parts, caller, event);
        return Response.json({ task_id: id, event: name, duplicate: isDuplicate }, { status: 202 });
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/revoke",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Call a task off",
      description: "`terminate` also stops it while it runs, and needs the scope `control`.",
      params: path,
      body: revokeSchema,
      example: { terminate: false },
      answers: CHANGED,
      handle: async ({ params, caller, body: { terminate } }) => {
        const task = await revokeTask(parts, caller, { id: params.id ?? "", terminate });
        return changed(task, caller);
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks/:id/reschedule",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Change when, where or how urgently a waiting task runs",
      params: path,
      body: rescheduleSchema,
      example: { countdown: 60 },
      answers: CHANGED,
      problems: { 409: ["task_running", "task_ended"] },
      handle: async ({ params, caller, body }) => {
        const change = { id: params.id ?? "", ...withoutUndefined(body) };
        const task = await rescheduleTask(parts, caller, change);
        return changed(task, caller);
      },
    }),
  ];
}
