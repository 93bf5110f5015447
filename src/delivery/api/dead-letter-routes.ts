import { z } from "zod";
import type { DeadLetterAnswer, DeadLetterFilter, DeadLetterGroup } from "#engine";
import { readBody } from "./body.ts";
import { invalid, notFound, problemOf } from "./problems.ts";
import { isNameOrGlob, NAME_OR_GLOB, QueryReader } from "./query.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { replayCheck } from "./task-calls.ts";
import { withoutUndefined } from "./without-undefined.ts";
import { taskView } from "./task-views.ts";
import { lettersThatFit, MAX_BULK } from "./dead-letter-bulk.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** When the last one of a page ended, and its id. */
const CURSOR = /^\d{1,15} [0-9a-f-]{36}$/;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const filterSchema = z.strictObject({
  name: z.string().refine(isNameOrGlob, NAME_OR_GLOB).optional(),
  queue: z.string().min(1).max(100).optional(),
  exc_type: z.string().min(1).max(200).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  failed_after: instant.optional(),
  failed_before: instant.optional(),
});
const bulkSchema = z.strictObject({
  ids: z.array(z.string().max(100)).min(1).max(MAX_BULK).optional(),
  filter: filterSchema.optional(),
  limit: z.int().min(1).max(MAX_BULK).default(MAX_BULK),
});
const replaySchema = z.strictObject({ kwargs: z.record(z.string(), z.unknown()).optional() });

/** Tasks that ran out of attempts: listed, replayed, discarded. */
export function deadLetterRoutes({ deadLetters, clock }: ApiParts): Route[] {
  function filterOf(query: URLSearchParams): {
    filter: DeadLetterFilter;
    limit: number;
    cursor: string | null;
  } {
    const reader = new QueryReader(query);
    const filter = withoutUndefined({
      name: reader.name("name"),
      queue: reader.text("queue", 100),
      excType: reader.text("exc_type"),
      labels: reader.labels("label"),
      failedAfter: reader.instant("failed_after"),
      failedBefore: reader.instant("failed_before"),
    });
    const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
    const cursor = reader.cursor("cursor", CURSOR);
    reader.check();
    return { filter, limit, cursor };
  }

  /** The ids that a request means: those it names, or those that fit now. */
  async function idsOf({ ids, filter, limit }: z.output<typeof bulkSchema>): Promise<string[]> {
    if ((ids === undefined) === (filter === undefined)) {
      throw invalid([{ field: "ids", message: "Give either ids or a filter." }]);
    }
    if (ids !== undefined) return [...new Set(ids)];
    const {
      exc_type: excType,
      failed_after: failedAfter,
      failed_before: failedBefore,
      ...same
    } = filter ?? {};
    const wanted = withoutUndefined({ ...same, excType, failedAfter, failedBefore });
    return lettersThatFit(deadLetters, wanted, limit);
  }

  function bulk(what: "replay" | "discard"): Route {
    return {
      method: "POST",
      path: `/api/dead-letters/${what}`,
      scope: "control",
      handle: async ({ request, caller }: ApiCall) => {
        const ids = await idsOf(await readBody(request, bulkSchema));
        const answers = await (what === "replay"
          ? deadLetters.replay(ids, null, replayCheck(caller, false))
          : deadLetters.discard(ids));
        return Response.json({ tasks: answers.map(answerView) });
      },
    };
  }

  return [
    {
      method: "GET",
      path: "/api/dead-letters",
      scope: "monitor",
      handle: async ({ query, caller }) => {
        const { filter, limit, cursor } = filterOf(query);
        const { tasks, next } = await deadLetters.list(filter, limit, cursor);
        return Response.json({
          tasks: tasks.map((task) => taskView(task, caller, clock.now())),
          next_cursor: next,
        });
      },
    },
    {
      method: "GET",
      path: "/api/dead-letters/summary",
      scope: "monitor",
      handle: async ({ query }) => {
        const groups = await deadLetters.summary(filterOf(query).filter);
        return Response.json({ groups: groups.map(groupView) });
      },
    },
    bulk("replay"),
    bulk("discard"),
    {
      method: "POST",
      path: "/api/dead-letters/:id/replay",
      scope: "control",
      handle: async ({ request, params, caller }) => {
        const { kwargs = null } = await readBody(request, replaySchema);
        const [answer] = await deadLetters.replay(
          [params.id ?? ""],
          kwargs,
          replayCheck(caller, kwargs !== null),
        );
        if (answer === undefined || answer.status === "gone") throw notFound();
        if (answer.status === "failed") throw answer.error;
        return Response.json(answerView(answer), { status: 202 });
      },
    },
  ];
}

function answerView(answer: DeadLetterAnswer) {
  if (answer.status === "replayed") {
    return { id: answer.id, status: answer.status, task_id: answer.taskId };
  }
  if (answer.status !== "failed") return answer;
  const { message, errors } = problemOf(answer.error);
  const { id, status } = answer;
  return { id, status, detail: message, ...(errors.length > 0 && { errors }) };
}

function groupView({ name, excType, count, firstAt, lastAt, ids }: DeadLetterGroup) {
  return {
    name,
    exc_type: excType,
    count,
    first_at: new Date(firstAt).toISOString(),
    last_at: new Date(lastAt).toISOString(),
    ids,
  };
}
