import { mentions, queueMeant, STATES } from "#engine";
import { may } from "../callers/access.ts";
import { pageOf } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { cursor, instant, labels, limit, oneOf, taskName, text } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { taskAnswer } from "./task-answers.ts";
import { withoutUndefined } from "../http/without-undefined.ts";
import { taskView } from "./task-views.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** An id, or the end of all ids. */
const CURSOR = /^([0-9a-f-]{36}|[fg])$/;
const ORDERS = ["newest", "oldest"] as const;

function matchOf(part: string | undefined) {
  return part === undefined ? undefined : mentions(part);
}

/** The list of tasks, wherever they are. */
export function searchRoutes({ search, queues, clock }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/tasks/search",
      scope: "tasks:read",
      rate: "read",
      tag: "tasks",
      summary: "Find tasks, live and finished",
      description: "Who may not monitor the deployment finds their own.",
      query: {
        name: taskName("Of tasks with this name."),
        state: oneOf(STATES, "Of tasks in this state."),
        queue: text("Of tasks of this queue.", 100),
        label: labels("`name:value`; several: tasks that have all of them."),
        submitted_after: instant("Submitted at this instant or later."),
        submitted_before: instant("Submitted before this instant."),
        text: text(
          "In the arguments or in the error; ASCII letters in either case. Secrets are in neither.",
        ),
        order: oneOf(ORDERS, "By the time of their submission; absent: the newest first."),
        limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
        cursor: cursor(CURSOR),
      },
      answers: { 200: pageOf("tasks", taskAnswer) },
      handle: async ({ query: asked, caller }) => {
        const query = withoutUndefined({
          name: asked.name,
          state: asked.state,
          queue: queueMeant(queues, asked.queue),
          labels: asked.label,
          submittedAfter: asked.submitted_after,
          submittedBefore: asked.submitted_before,
          match: matchOf(asked.text),
          order: asked.order,
        });
        const mine = may(caller, "monitor") ? query : { ...query, owner: caller.owner };
        const { tasks, next } = await search.search(mine, asked.limit, asked.cursor);
        return Response.json({
          tasks: tasks.map((task) => taskView(task, caller, clock.now())),
          next_cursor: next,
        });
      },
    }),
  ];
}
