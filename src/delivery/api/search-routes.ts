import { STATES } from "#engine";
import { may } from "./access.ts";
import { QueryReader } from "./query.ts";
import type { ApiParts, Route } from "./route.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { taskView } from "./task-views.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** An id, or the end of all ids. */
const CURSOR = /^([0-9a-f-]{36}|g)$/;

/** The list of tasks, wherever they are. */
export function searchRoutes({ search, clock }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/tasks/search",
      scope: "tasks:read",
      handle: async ({ query: params, caller }) => {
        const reader = new QueryReader(params);
        const query = withoutUndefined({
          name: reader.name("name"),
          state: reader.oneOf("state", STATES),
          queue: reader.text("queue", 100),
          labels: reader.labels("label"),
          submittedAfter: reader.instant("submitted_after"),
          submittedBefore: reader.instant("submitted_before"),
        });
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const cursor = reader.cursor("cursor", CURSOR);
        reader.check();
        const mine = may(caller, "monitor") ? query : { ...query, owner: caller.owner };
        const { tasks, next } = await search.search(mine, limit, cursor);
        return Response.json({
          tasks: tasks.map((task) => taskView(task, caller, clock.now())),
          next_cursor: next,
        });
      },
    },
  ];
}
