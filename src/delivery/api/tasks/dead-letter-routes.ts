import * as z from "zod";
import {
  queueMeant,
  type DeadLetterAnswer,
  type DeadLetterFilter,
  type DeadLetterGroup,
} from "#engine";
import { nextCursor, taskId } from "../http/answers.ts";
import { filterLabels } from "./filter-labels.ts";
import { operation } from "../http/operation.ts";
import { invalid, notFound, problemOf } from "../http/problems.ts";
import { fieldErrorAnswer } from "../http/problem-answer.ts";
import { isNameOrGlob, NAME_OR_GLOB } from "../http/query.ts";
import {
  cursor,
  instant as instantParam,
  labels,
  limit,
  taskName,
  text,
  type QueryOf,
} from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { replayCheck } from "./task-calls.ts";
import { withoutUndefined } from "../http/without-undefined.ts";
import { taskAnswer } from "./task-answers.ts";
import { taskView } from "./task-views.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
/** Dead letters that one request deals with. */
export const MAX_BULK = 500;
/** When the last one of a page ended, and its id. */
const CURSOR = /^\d{1,15} [0-9a-f-]{36}$/;

const instant = z.iso.datetime({ offset: true }).transform((given) => Date.parse(given));
const filterSchema = z.strictObject({
  name: z.string().refine(isNameOrGlob, NAME_OR_GLOB).optional(),
  queue: z.string().min(1).max(100).optional(),
  exc_type: z.string().min(1).max(200).optional(),
  labels: filterLabels.optional(),
  failed_after: instant.optional(),
  failed_before: instant.optional(),
});
const bulkSchema = z.strictObject({
  ids: z.array(z.string().max(100)).min(1).max(MAX_BULK).optional(),
  filter: filterSchema.optional(),
  limit: z.int().min(1).max(MAX_BULK).default(MAX_BULK),
});
const replaySchema = z.strictObject({ kwargs: z.record(z.string(), z.unknown()).optional() });

const TAG = "dead letters";
const query = {
  name: taskName("Of tasks with this name."),
  queue: text("Of tasks of this queue.", 100),
  exc_type: text("Of tasks that failed with this error."),
  label: labels("`name:value`; several: tasks that have all of them."),
  failed_after: instantParam("Failed at this instant or later."),
  failed_before: instantParam("Failed before this instant."),
  limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
  cursor: cursor(CURSOR),
};

const replayAnswer = z
  .strictObject({
    id: taskId,
    status: z.enum(["replayed", "discarded", "gone", "failed"]),
    task_id: taskId.optional().describe("The new task."),
    detail: z.string().optional(),
    errors: z.array(fieldErrorAnswer).readonly().optional(),
  })
  .meta({ id: "DeadLetterAnswer" });
const groupAnswer = z
  .strictObject({
    name: z.string(),
    exc_type: z.string(),
    count: z.int(),
    first_at: z.iso.datetime(),
    last_at: z.iso.datetime(),
    ids: z.array(taskId).readonly().describe("Of some of them."),
  })
  .meta({ id: "DeadLetterGroup" });

/** Tasks that ran out of attempts: listed, replayed, discarded. */
export function deadLetterRoutes({ deadLetters, queues, clock }: ApiParts): Route[] {
  function filterOf(asked: QueryOf<typeof query>): DeadLetterFilter {
    return withoutUndefined({
      name: asked.name,
      queue: queueMeant(queues, asked.queue),
      excType: asked.exc_type,
      labels: asked.label,
      failedAfter: asked.failed_after,
      failedBefore: asked.failed_before,
    });
  }

  /** The ids that a request means: those it names, or those that fit now. */
  async function idsOf({
    ids,
    filter,
    limit: most,
  }: z.output<typeof bulkSchema>): Promise<string[]> {
    if ((ids === undefined) === (filter === undefined)) {
      throw invalid([{ field: "ids", message: "Give either ids or a filter." }]);
    }
    if (ids !== undefined) return [...new Set(ids)];
    if (Object.keys(filter ?? {}).length === 0) {
      const message =
        'Says nothing: all dead letters would fit. For all of them say {"name": "*"}.';
      throw invalid([{ field: "filter", message }]);
    }
    const {
      queue,
      exc_type: excType,
      failed_after: failedAfter,
      failed_before: failedBefore,
      ...same
    } = filter ?? {};
    const wanted = {
      ...same,
      queue: queueMeant(queues, queue),
      excType,
      failedAfter,
      failedBefore,
    };
    return deadLetters.ids(withoutUndefined(wanted), most);
  }

  function bulk(what: "replay" | "discard", summary: string): Route {
    return operation({
      method: "POST",
      path: `/api/dead-letters/${what}`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary,
      body: bulkSchema,
      example: { filter: { name: "send_welcome_email", exc_type: "SMTPError" } },
      answers: { 200: z.strictObject({ tasks: z.array(replayAnswer) }) },
      handle: async ({ body, caller }) => {
        const ids = await idsOf(body);
        const answers = await (what === "replay"
          ? deadLetters.replay(ids, null, replayCheck(caller, false))
          : deadLetters.discard(ids));
        return Response.json({ tasks: answers.map(answerView) });
      },
    });
  }

  return [
    operation({
      method: "GET",
      path: "/api/dead-letters",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "List dead letters, those that failed last first",
      query,
      answers: { 200: z.strictObject({ tasks: z.array(taskAnswer), next_cursor: nextCursor }) },
      handle: async ({ query: asked, caller }) => {
        const filter = filterOf(asked);
        const { tasks, next } = await deadLetters.list(filter, asked.limit, asked.cursor);
        return Response.json({
          tasks: tasks.map((task) => taskView(task, caller, clock.now())),
          next_cursor: next,
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/dead-letters/summary",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "Group dead letters by task and error, the largest first",
      query,
      answers: { 200: z.strictObject({ groups: z.array(groupAnswer) }) },
      handle: async ({ query: asked }) => {
        const groups = await deadLetters.summary(filterOf(asked));
        return Response.json({ groups: groups.map(groupView) });
      },
    }),
    bulk("replay", "Run dead letters again, as new tasks"),
    bulk("discard", "Put dead letters aside"),
    operation({
      method: "POST",
      path: "/api/dead-letters/:id/replay",
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Run a dead letter again, with other arguments if need be",
      params: { id: taskId },
      body: replaySchema,
      example: { kwargs: { user_id: 5 } },
      answers: { 202: replayAnswer },
      problems: { 409: ["secret_unreadable"], 503: ["request_in_progress"] },
      handle: async ({ params, body: { kwargs = null }, caller }) => {
        const [answer] = await deadLetters.replay(
          [params.id ?? ""],
          kwargs,
          replayCheck(caller, kwargs !== null),
        );
        if (answer === undefined || answer.status === "gone") throw notFound();
        if (answer.status === "failed") throw answer.error;
        return Response.json(answerView(answer), { status: 202 });
      },
    }),
  ];
}

function answerView(answer: DeadLetterAnswer): z.output<typeof replayAnswer> {
  if (answer.status === "replayed") {
    return { id: answer.id, status: answer.status, task_id: answer.taskId };
  }
  if (answer.status !== "failed") return answer;
  const { message, errors } = problemOf(answer.error);
  const { id, status } = answer;
  return { id, status, detail: message, ...(errors.length > 0 && { errors }) };
}

function groupView(group: DeadLetterGroup): z.output<typeof groupAnswer> {
  const { name, excType, count, firstAt, lastAt, ids } = group;
  return {
    name,
    exc_type: excType,
    count,
    first_at: new Date(firstAt).toISOString(),
    last_at: new Date(lastAt).toISOString(),
    ids,
  };
}
