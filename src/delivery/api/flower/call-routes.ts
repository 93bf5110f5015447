import * as z from "zod";
import { isTerminal } from "#engine";
import { commands, may, sees, type Caller } from "../callers/access.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { callKey, checkCall, idempotencyKey, refuse, toSignature } from "../tasks/task-calls.ts";
import { afterCall } from "../tasks/task-wait.ts";
import { AS_FORM, FlowerArguments } from "./arguments.ts";
import { ended } from "./awaiting.ts";
import { flowerCallSchema, readCall } from "./calls.ts";
import { flowerRoute, FlowerRefusal } from "./refusals.ts";
import { resultAnswer, resultSchema } from "./task-routes.ts";

/** `apply` waits for an end as long as a request waits. */
const APPLY_SECONDS = 60;

const sentSchema = z.object({ "task-id": z.string(), state: z.string() });
const CALLED = {
  headers: { "Idempotency-Key": idempotencyKey },
  body: flowerCallSchema,
  example: { kwargs: { data: "hello" }, countdown: 10 },
};
const messageSchema = z.object({ message: z.string() });

/** Flower's calls of tasks, and its ways to stop them. */
export function flowerCallRoutes(parts: ApiParts): Route[] {
  async function send(
    { request, params, caller, background }: ApiCall,
    kind: string,
  ): Promise<string> {
    const name = params.name ?? "";
    if (parts.registry.find(name) === null) throw new FlowerRefusal(404, "Unknown task");
    const signature = toSignature(await readCall(request, name));
    checkCall(caller, signature);
    const key = callKey(request, `/api/task/${kind}/${name}`);
    const { taskId, answer } = await parts
      .expressLovageFor(background, caller.owner)
      .send(signature, key);
    refuse(answer);
    return taskId;
  }

  function calling(kind: "async-apply" | "send-task", summary: string): Route {
    return flowerRoute("silent", {
      method: "POST",
      path: `/api/task/${kind}/:name`,
      scope: "tasks:write",
      rate: "submit",
      doc: { summary, tag: "Flower", ...CALLED, answers: { 200: sentSchema } },
      handle: async (call) =>
        Response.json({ "task-id": await send(call, kind), state: "PENDING" }),
    });
  }

  const apply = flowerRoute("silent", {
    method: "POST",
    path: "/api/task/apply/:name",
    scope: "tasks:write",
    // It answers with the result.
    alsoNeeds: "tasks:read",
    rate: "submit",
    doc: {
      summary: "Call a task as Flower does, and wait for its result",
      tag: "Flower",
      ...CALLED,
      answers: { 200: resultSchema },
    },
    handle: async (call) => {
      const { caller } = call;
      const id = await send(call, "apply");
      const end = ended(parts.tasks, id, caller, APPLY_SECONDS);
      const task = await afterCall(parts, id, end);
      if (task === null) return Response.json({ "task-id": id, state: "PENDING" });
      return resultAnswer(task, parts, caller, ["task-id", "result", "traceback", "state"]);
    },
  });

  /** @throws FlowerRefusal 404 for a task that is unknown or not the caller's, 403 for one only to be seen */
  async function stop(id: string, caller: Caller, terminate: boolean): Promise<void> {
    const task = await parts.tasks.get(id);
    if (task === null || !sees(caller, task.owner)) throw new FlowerRefusal(404, "Unknown task");
    const mayStop = commands(caller, task.owner) && (!terminate || may(caller, "control"));
    if (!mayStop) throw new FlowerRefusal(403, "This needs the scope control.");
    if (!isTerminal(task.state)) await parts.tasks.revoke(id, { terminate });
  }

  const abort = flowerRoute("silent", {
    method: "POST",
    path: "/api/task/abort/:id",
    scope: "tasks:write",
    alsoNeeds: "control",
    rate: "submit",
    doc: {
      summary: "Stop a task while it runs, as Flower does",
      tag: "Flower",
      answers: { 200: messageSchema },
    },
    handle: async ({ params: { id = "" }, caller }) => {
      await stop(id, caller, true);
      return Response.json({ message: `Aborted '${id}'` });
    },
  });

  const revoke = flowerRoute("plain", {
    method: "POST",
    path: "/api/task/revoke/:id",
    scope: "tasks:write",
    rate: "submit",
    doc: {
      summary: "Call a task off as Flower does",
      description: AS_FORM,
      tag: "Flower",
      query: {
        terminate: z.boolean().default(false),
        signal: z.string().describe("Means nothing here").optional(),
      },
      answers: { 200: messageSchema },
    },
    handle: async (call) => {
      const { id = "" } = call.params;
      const given = await FlowerArguments.of(call);
      await stop(id, call.caller, given.flag("terminate"));
      return Response.json({ message: `Revoked '${id}'` });
    },
  });

  return [
    apply,
    calling("async-apply", "Call a task as Flower does"),
    calling("send-task", "Call a task by its name as Flower does"),
    abort,
    revoke,
  ];
}
