import { notFound } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { visibleTask } from "../../api/tasks/task-commands.ts";
import { readCanvas } from "./canvas-data.ts";
import { canvasPage } from "./canvas-page.tsx";

const MOST_PLACES = 1_000_000;

/** A canvas and its members. */
export function canvasPages(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/canvas/:id",
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(call.query);
        const from = reader.integer("from", 0, MOST_PLACES);
        const to = reader.integer("to", 0, MOST_PLACES);
        reader.check();
        const task = await visibleTask(parts, call.params.id ?? "", call.caller);
        const list = to > from ? { from, to } : null;
        const data = await readCanvas(parts, task, list);
        if (data === null) throw notFound();
        return canvasPage(call, { task, data, list, now: parts.clock.now() });
      },
    },
  ];
}
