import * as z from "zod";
import { InvalidSignatureError, nameOfPlan, sizeOf, tasksOf, treeOf, type TaskSpec } from "#engine";
import { sees } from "../callers/access.ts";
import { aloneView, canvasAnswer, canvasView, placesOf } from "./canvas-views.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import { integer, oneOf, seconds } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { problemIn } from "../tasks/signature-paths.ts";
import { signatureBody } from "../tasks/signature-schema.ts";
import { readSignature } from "../tasks/signatures.ts";
import { callKey, checkCall, idempotencyKey, refuse } from "../tasks/task-calls.ts";
import { awaited, MAX_WAIT_SECONDS } from "../tasks/task-wait.ts";

/** A canvas may be larger than other requests, and Celery's form nests three deep for every level. */
const BODY_LIMITS = { bytes: 8 * 1_048_576, depth: 96 };
const MAX_PLACES = 1_000;

const TAG = "canvases";

const outlineAnswer = z.strictObject({
  valid: z.literal(true),
  name: z.string().optional(),
  tasks: z.int().optional().describe("Tasks in it."),
  places: z.int().optional().describe("Members that its tree has."),
});

export function canvasRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/canvas",
      scope: "tasks:write",
      rate: "submit",
      tag: TAG,
      summary: "Start a canvas",
      description:
        "A chain, a group, a chord or a map of calls, in the readable form or as Celery's `json.dumps` of a signature.",
      headers: { "Idempotency-Key": idempotencyKey },
      query: {
        dry_run: oneOf(["true", "false"], "`true`: check it, and say what it would be."),
      },
      body: signatureBody,
      bodyLimits: BODY_LIMITS,
      example: {
        chain: [
          { name: "process_data", kwargs: { data: "hello" } },
          { name: "send_admin_notification" },
        ],
      },
      answers: {
        200: outlineAnswer,
        202: z.strictObject({ canvas_id: z.string() }),
      },
      problems: { 409: ["request_in_progress"], 422: ["idempotency_key_reused"] },
      handle: async ({ request, caller, query, body }) => {
        const call = readSignature(body);
        checkCall(caller, call);
        const lovage = parts.lovageFor(caller.owner);
        try {
          if (query.dry_run === "true") {
            const [spec] = await lovage.prepare([call]);
            return Response.json({ valid: true, ...(spec !== undefined && outline(spec)) });
          }
          const { taskId, answer } = await lovage.send(call, callKey(request, "/api/canvas"));
          refuse(answer);
          return Response.json({ canvas_id: taskId }, { status: 202 });
        } catch (error) {
          throw error instanceof InvalidSignatureError ? problemIn(body, error) : error;
        }
      },
    }),
    operation({
      method: "GET",
      path: "/api/canvas/:id",
      scope: "tasks:read",
      rate: "read",
      tag: TAG,
      summary: "Show a canvas: its state, counts, result, and its tree by pages",
      params: { id: z.string().describe("The id of a canvas.") },
      query: {
        from: integer(0, 1_000_000, "The place in the tree that the page begins with."),
        limit: integer(
          200,
          MAX_PLACES,
          "Places of the page; it has fewer where their tasks are large.",
        ),
        wait: seconds(MAX_WAIT_SECONDS, "Answer when it has ended, or after so many seconds."),
      },
      answers: { 200: canvasAnswer },
      handle: async ({ params, query: { from, limit, wait }, caller }) => {
        const id = params.id ?? "";
        const task = (await awaited(parts, id, caller, wait)) ?? (await parts.tasks.get(id));
        if (task === null || !sees(caller, task.owner)) throw notFound();
        const page = { from, to: from + limit };
        const declared = task.options.tree;
        if (declared === undefined) return Response.json(aloneView(task, page, parts.clock.now()));
        const tree = (await parts.canvases.outline(id)) ?? declared;
        const base = task.options.base ?? id;
        const members = await parts.canvases.members(base, placesOf(task, tree), page);
        return Response.json(canvasView(task, tree, members, from, parts.clock.now()));
      },
    }),
  ];
}

/** What a canvas would be. */
function outline({ name, plan }: TaskSpec) {
  if (plan === undefined) return { name, tasks: 1, places: 1 };
  const tree = treeOf(plan);
  return { name: nameOfPlan(plan), tasks: tasksOf(tree), places: sizeOf(tree) };
}
