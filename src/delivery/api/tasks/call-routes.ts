import * as z from "zod";
import { isTerminal, paramsSchema } from "#engine";
import { admit } from "../callers/access.ts";
import { startedAnswer, taskId as anyTaskId } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { invalid } from "../http/problems.ts";
import { seconds } from "../http/query-params.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { taskAnswer } from "./task-answers.ts";
import {
  callKey,
  callSchema,
  checkCall,
  idempotencyKey,
  refuse,
  toSignature,
} from "./task-calls.ts";
import { taskView } from "./task-views.ts";
import { afterCall, awaited, MAX_WAIT_SECONDS } from "./task-wait.ts";

const processSchema = z.strictObject({ data: z.string().max(100_000) });
const bulkSchema = z.strictObject({ tasks: z.array(callSchema).min(1).max(1_000) });

const TAG = "tasks";
const REPEATABLE = { "Idempotency-Key": idempotencyKey };
const REFUSED_KEYS = { 409: ["request_in_progress"], 422: ["idempotency_key_reused"] };

const sentAnswer = startedAnswer
  .extend({
    duplicate: z.boolean().optional().describe("A call like this one was there: this is its task."),
    replaced: z.boolean().optional().describe("It took the place of a call like this one."),
  })
  .meta({ id: "SentTask" });
const bulkAnswer = z.strictObject({ task_ids: z.array(anyTaskId) });
const definitionsAnswer = z.strictObject({
  tasks: z.array(
    z.strictObject({
      name: z.string(),
      queue: z.string().nullable().describe("Null: as the deployment's routes say."),
      params_schema: z
        .record(z.string(), z.unknown())
        .describe("JSON Schema (draft 2020-12) of its arguments by name; secrets are `writeOnly`."),
    }),
  ),
});

/** Calls of tasks by name, and what can be called. */
export function callRoutes(parts: ApiParts): Route[] {
  const { registry } = parts;

  /** @param wait seconds that its end may take to be the answer; 0: nobody waits for it */
  async function submitOne(
    { request, caller, background }: Pick<ApiCall, "request" | "caller" | "background">,
    route: string,
    call: z.output<typeof callSchema>,
    wait = 0,
  ) {
    if (wait > 0) admit(caller, "tasks:read", request);
    const key = callKey(request, route);
    const signature = toSignature(call);
    checkCall(caller, signature);
    const { taskId, answer } = await parts
      .expressLovageFor(background, caller.owner)
      .send(signature, key);
    refuse(answer);
    const task = await afterCall(parts, taskId, awaited(parts, taskId, caller, wait));
    if (task !== null && isTerminal(task.state)) {
      return Response.json(taskView(task, caller, parts.clock.now()));
    }
    const merged = answer === "duplicate" || answer === "replaced" ? { [answer]: true } : {};
    return Response.json({ task_id: taskId, ...merged }, { status: 202 });
  }

  return [
    operation({
      method: "POST",
      path: "/api/tasks/process",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Process a text in the background",
      headers: REPEATABLE,
      body: processSchema,
      example: { data: "hello" },
      answers: { 202: sentAnswer },
      problems: REFUSED_KEYS,
      handle: ({ body, ...call }) => {
        const kwargs = { data: body.data };
        return submitOne(call, "/api/tasks/process", { name: "process_data", args: [], kwargs });
      },
    }),
    operation({
      method: "POST",
      path: "/api/tasks",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Call a task by its name",
      description:
        "`GET /api/tasks/definitions` says which tasks there are and what they take. With `wait`, which needs the scope `tasks:read` too, the answer is the whole task if it has ended in that time.",
      query: {
        wait: seconds(MAX_WAIT_SECONDS, "Answer when it has ended, or after so many seconds."),
      },
      headers: REPEATABLE,
      body: callSchema,
      example: { name: "send_welcome_email", kwargs: { user_id: 5 }, countdown: 3_600 },
      answers: { 200: taskAnswer, 202: sentAnswer },
      problems: REFUSED_KEYS,
      handle: ({ body, query: { wait }, ...call }) => submitOne(call, "/api/tasks", body, wait),
    }),
    operation({
      method: "POST",
      path: "/api/tasks/bulk",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Call many tasks: all of them, or none",
      body: bulkSchema,
      example: { tasks: [{ name: "process_data", kwargs: { data: "hello" } }] },
      answers: { 202: bulkAnswer },
      handle: async ({ request, caller, body }) => {
        if (request.headers.has("Idempotency-Key")) {
          throw invalid([{ field: "Idempotency-Key", message: "Not possible for bulk requests." }]);
        }
        const calls = body.tasks.map(toSignature);
        for (const each of calls) checkCall(caller, each);
        const ids = await parts.lovageFor(caller.owner).sendAll(calls);
        return Response.json({ task_ids: ids }, { status: 202 });
      },
    }),
    operation({
      method: "GET",
      path: "/api/tasks/definitions",
      scope: "tasks:read",
      rate: "read",
      tag: TAG,
      summary: "List the tasks that can be called, with what they take",
      answers: { 200: definitionsAnswer },
      handle: () => {
        const definitions = registry.names().map((name) => registry.get(name));
        return Response.json({
          tasks: definitions.map((definition) => ({
            name: definition.name,
            queue: definition.queue,
            params_schema: paramsSchema(definition),
          })),
        });
      },
    }),
  ];
}
