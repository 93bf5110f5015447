import { z } from "zod";
import { isLargerThan, MAX_STEP_BYTES, type Rescheduled, type TaskRecord } from "#engine";
import { commands, may, sees, type Caller } from "./access.ts";
import { readBody } from "./body.ts";
import { CanvasResult } from "./canvas-result.ts";
import { conflict, invalid, notFound, Problem } from "./problems.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import {
  callKey,
  callSchema,
  checkCall,
  refuse,
  rescheduleSchema,
  toSignature,
} from "./task-calls.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { awaited } from "./task-wait.ts";
import { streamStates } from "./task-stream.ts";
import { isResultExpired, statusView, taskView } from "./task-views.ts";

const processSchema = z.strictObject({ data: z.string().max(100_000) });
const bulkSchema = z.strictObject({ tasks: z.array(callSchema).min(1).max(1_000) });
const revokeSchema = z.strictObject({ terminate: z.boolean().default(false) });
const eventSchema = z.strictObject({ payload: z.unknown().optional() });

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

  async function submitOne(
    { request, caller }: ApiCall,
    path: string,
    call: z.output<typeof callSchema>,
  ) {
    const key = callKey(request, path);
    const signature = toSignature(call);
    checkCall(caller, signature);
    const { taskId, answer } = await parts.lovageFor(caller.owner).send(signature, key);
    refuse(answer);
    const merged = answer === "duplicate" || answer === "replaced" ? { [answer]: true } : {};
    return Response.json({ task_id: taskId, ...merged }, { status: 202 });
  }

  return [
    {
      method: "POST",
      path: "/api/tasks/process",
      scope: "tasks:write",
      handle: async (call) => {
        const { data } = await readBody(call.request, processSchema);
        const kwargs = { data };
        return submitOne(call, "/api/tasks/process", { name: "process_data", args: [], kwargs });
      },
    },
    {
      method: "POST",
      path: "/api/tasks",
      scope: "tasks:write",
      handle: async (call) =>
        submitOne(call, "/api/tasks", await readBody(call.request, callSchema)),
    },
    {
      method: "POST",
      path: "/api/tasks/bulk",
      scope: "tasks:write",
      handle: async ({ request, caller }) => {
        if (request.headers.has("Idempotency-Key")) {
          throw invalid([{ field: "Idempotency-Key", message: "Not possible for bulk requests." }]);
        }
        const { tasks } = await readBody(request, bulkSchema);
        const calls = tasks.map(toSignature);
        for (const each of calls) checkCall(caller, each);
        const ids = await parts.lovageFor(caller.owner).sendAll(calls);
        return Response.json({ task_ids: ids }, { status: 202 });
      },
    },
    {
      method: "GET",
      path: "/api/tasks/status/:id",
      scope: "tasks:read",
      handle: async ({ params, caller }) =>
        Response.json(statusView(await visible(params.id ?? "", caller), parts.clock.now())),
    },
    {
      method: "GET",
      path: "/api/tasks/:id",
      scope: "tasks:read",
      handle: async ({ params, query, caller }) => {
        const id = params.id ?? "";
        const last = await awaited(parts, id, caller, query.get("wait"));
        return Response.json(
          taskView(last ?? (await visible(id, caller)), caller, parts.clock.now()),
        );
      },
    },
    {
      method: "GET",
      path: "/api/tasks/:id/result",
      scope: "tasks:read",
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
    },
    {
      method: "GET",
      path: "/api/tasks/:id/events",
      scope: "tasks:read",
      handle: async ({ params, caller }) => {
        const { id } = await visible(params.id ?? "", caller);
        return streamStates(
          (signal) => parts.tasks.watch(id, signal),
          (task) => taskView(task, caller, parts.clock.now()),
        );
      },
    },
    {
      method: "POST",
      path: "/api/tasks/:id/events/:name",
      scope: "tasks:write",
      handle: async ({ request, params, caller }) => {
        const { payload = null } = await readBody(request, eventSchema);
        const { name = "" } = params;
        if (!/^[^\n\0]{1,100}$/.test(name)) {
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
    },
    {
      method: "POST",
      path: "/api/tasks/:id/revoke",
      scope: "tasks:write",
      handle: async ({ request, params, caller }) => {
        const { terminate } = await readBody(request, revokeSchema);
        const { id } = await commanded(params.id ?? "", caller);
        if (terminate && !may(caller, "control")) {
          throw new Problem(403, "forbidden", "To terminate a task needs the scope control.");
        }
        const task = await parts.tasks.revoke(id, { terminate });
        if (task === null) throw notFound();
        return Response.json(taskView(task, caller, parts.clock.now()));
      },
    },
    {
      method: "POST",
      path: "/api/tasks/:id/reschedule",
      scope: "tasks:write",
      handle: async ({ request, params, caller }) => {
        const options = await readBody(request, rescheduleSchema);
        const { id } = await commanded(params.id ?? "", caller);
        const change = parts.lovageFor(caller.owner).rescheduling(withoutUndefined(options));
        const changed = await parts.tasks.reschedule(id, change);
        if (changed === null) throw notFound();
        refuseMove(changed.answer);
        return Response.json(taskView(changed.task, caller, parts.clock.now()));
      },
    },
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
