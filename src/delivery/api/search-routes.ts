import { z } from "zod";
import { mentions, STATES } from "#engine";
import { may } from "./access.ts";
import { NAME_OR_GLOB, QueryReader } from "./query.ts";
import type { ApiParts, Route } from "./route.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { taskView } from "./task-views.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** An id, or the end of all ids. */
const CURSOR = /^([0-9a-f-]{36}|[fg])$/;
const ORDERS = ["newest", "oldest"] as const;

function matchOf(text: string | undefined) {
  return text === undefined ? undefined : mentions(text);
}

/** The list of tasks, wherever they are. */
export function searchRoutes({ search, clock }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/tasks/search",
      scope: "tasks:read",
      doc: {
        summary: "Find tasks, live and finished",
        tag: "Tasks",
        query: {
          name: z.string().max(200).describe(NAME_OR_GLOB).optional(),
          state: z.enum(STATES).optional(),
          queue: z.string().max(100).optional(),
          label: z.string().describe("name:value, five at most").optional(),
          submitted_after: z.iso.datetime({ offset: true }).optional(),
          submitted_before: z.iso.datetime({ offset: true }).optional(),
          text: z
            .string()
            .max(200)
            .describe(
              "In the arguments or in the error; ASCII letters in either case. Secrets are in neither.",
            )
            .optional(),
          order: z.enum(ORDERS).optional(),
          limit: z.int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
          cursor: z.string().describe("An answer's next_cursor").optional(),
        },
        answers: {
          200: z.object({
            tasks: z.array(z.record(z.string(), z.unknown())),
            next_cursor: z.string().nullable(),
          }),
        },
      },
      handle: async ({ query: params, caller }) => {
        const reader = new QueryReader(params);
        const query = withoutUndefined({
          name: reader.name("name"),
          state: reader.oneOf("state", STATES),
          queue: reader.text("queue", 100),
          labels: reader.labels("label"),
          submittedAfter: reader.instant("submitted_after"),
          submittedBefore: reader.instant("submitted_before"),
          match: matchOf(reader.text("text")),
          order: reader.oneOf("order", ORDERS),
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
