import { z } from "zod";
import type { Caller } from "./access.ts";
import { readBody } from "./body.ts";
import { CanvasResult } from "./canvas-result.ts";
import { invalid, notFound, Problem } from "./problems.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import {
  callKey,
  callSchema,
  checkCall,
  refuse,
  rescheduleSchema,
  toSignature,
} from "./task-calls.ts";
import { rescheduleTask, revokeTask, sendTaskEvent, visibleTask } from "./task-commands.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { awaited } from "./task-wait.ts";
import { streamStates } from "./task-stream.ts";
import { isResultExpired, statusView, taskView } from "./task-views.ts";

const processSchema = z.strictObject({ data: z.string().max(100_000) });
const bulkSchema = z.strictObject({ tasks: z.array(callSchema).min(1).max(1_000) });
const revokeSchema = z.strictObject({ terminate: z.boolean().default(false) });
const eventSchema = z.strictObject({ payload: z.unknown().optional() });

export function taskRoutes(parts: ApiParts): Route[] {
  const visible = (taskId: string, caller: Caller) => visibleTask(parts, taskId, caller);

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
        const { id: taskId = "", name = "" } = params;
        const key = callKey(request, "")?.key ?? null;
        const event = { id: taskId, name, payload, key };
        const { id, isDuplicate } = await sendTaskEvent(parts, caller, event);
        return Response.json({ task_id: id, event: name, duplicate: isDuplicate }, { status: 202 });
      },
    },
    {
      method: "POST",
      path: "/api/tasks/:id/revoke",
      scope: "tasks:write",
      handle: async ({ request, params, caller }) => {
        const { terminate } = await readBody(request, revokeSchema);
        const task = await revokeTask(parts, caller, { id: params.id ?? "", terminate });
        return Response.json(taskView(task, caller, parts.clock.now()));
      },
    },
    {
      method: "POST",
      path: "/api/tasks/:id/reschedule",
      scope: "tasks:write",
      handle: async ({ request, params, caller }) => {
        const options = await readBody(request, rescheduleSchema);
        const change = { id: params.id ?? "", ...withoutUndefined(options) };
        const task = await rescheduleTask(parts, caller, change);
        return Response.json(taskView(task, caller, parts.clock.now()));
      },
    },
  ];
}
