import { z } from "zod";
import { InvalidSignatureError, nameOfPlan, sizeOf, tasksOf, treeOf, type TaskSpec } from "#engine";
import { sees } from "./access.ts";
import { readBody } from "./body.ts";
import { canvasView, placesOf } from "./canvas-views.ts";
import { notFound } from "./problems.ts";
import { QueryReader } from "./query.ts";
import type { ApiParts, Route } from "./route.ts";
import { problemIn } from "./signature-paths.ts";
import { readSignature } from "./signatures.ts";
import { callKey, checkCall, refuse } from "./task-calls.ts";
import { awaited } from "./task-wait.ts";

/** A canvas may be larger than other requests, and Celery's form nests three deep for every level. */
const BODY_LIMITS = { bytes: 8 * 1_048_576, depth: 96 };
const MAX_PLACES = 1_000;

export function canvasRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/canvas",
      scope: "tasks:write",
      handle: async ({ request, caller, query }) => {
        const reader = new QueryReader(query);
        const isDryRun = reader.oneOf("dry_run", ["true", "false"]) === "true";
        reader.check();
        const body = await readBody(request, z.unknown(), BODY_LIMITS);
        const call = readSignature(body);
        checkCall(caller, call);
        const lovage = parts.lovageFor(caller.owner);
        try {
          if (isDryRun) {
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
    },
    {
      method: "GET",
      path: "/api/canvas/:id",
      scope: "tasks:read",
      handle: async ({ params, query, caller }) => {
        const reader = new QueryReader(query);
        const from = reader.integer("from", 0, 1_000_000);
        const limit = reader.integer("limit", 200, MAX_PLACES);
        const wait = reader.text("wait") ?? null;
        reader.check();
        const id = params.id ?? "";
        const task = (await awaited(parts, id, caller, wait)) ?? (await parts.tasks.get(id));
        if (task === null || !sees(caller, task.owner)) throw notFound();
        const declared = task.options.tree;
        if (declared === undefined) throw notFound();
        const tree = (await parts.canvases.outline(id)) ?? declared;
        const page = { from, to: from + limit };
        const base = task.options.base ?? id;
        const members = await parts.canvases.members(base, placesOf(task, tree), page);
        return Response.json(canvasView(task, tree, members, page, parts.clock.now()));
      },
    },
  ];
}

/** What a canvas would be. */
function outline({ name, plan }: TaskSpec) {
  if (plan === undefined) return { name, tasks: 1, places: 1 };
  const tree = treeOf(plan);
  return { name: nameOfPlan(plan), tasks: tasksOf(tree), places: sizeOf(tree) };
}
