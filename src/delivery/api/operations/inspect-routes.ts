import * as z from "zod";
import type { LiveKind, QueueLength } from "#engine";
import { isoTimeOrNull } from "../http/answers.ts";
import { operation, type OperationCall } from "../http/operation.ts";
import { limit, several, type QueryShape } from "../http/query-params.ts";
import { registeredAnswer, registeredViews } from "../tasks/registered-tasks.ts";
import type { ApiParts, Route } from "../route.ts";
import { taskAnswer, taskState } from "../tasks/task-answers.ts";
import { taskView } from "../tasks/task-views.ts";

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;
const MAX_IDS = 100;

const liveQuery = { limit: limit(DEFAULT_LIMIT, MAX_LIMIT) };
const idsQuery = { id: several(MAX_IDS, "The ids of tasks.") };

const queueAnswer = z
  .strictObject({
    name: z.string(),
    waiting: z.int().describe("Due."),
    scheduled: z.int().describe("Not due yet."),
    running: z.int(),
    oldest_waiting_since: isoTimeOrNull,
    is_cancelled: z.boolean().describe("Nothing is taken from it."),
    paused_reason: z.string().nullable().describe("Where the deployment paused it by itself."),
    paused_since: isoTimeOrNull,
  })
  .meta({ id: "Queue" });
const statsAnswer = z.strictObject({
  is_shut_down: z.boolean(),
  cancelled_consumers: z.array(z.string()).readonly(),
  shards: z.int(),
  queues: z.array(queueAnswer),
});
const confAnswer = z
  .object({ queues: z.array(z.string()), shards: z.int() })
  .catchall(z.unknown())
  .describe("Settings that may be shown.");
const foundAnswer = z
  .record(z.string(), z.tuple([taskState, taskAnswer]))
  .describe("Of each id that is known, the state and the task.");

interface Question<Query extends QueryShape, Answer extends z.ZodType> {
  readonly summary: string;
  readonly query: Query;
  readonly answer: Answer;
  readonly ask: (call: OperationCall<Query, undefined>) => unknown;
}

/** Operators' questions, in Celery's words (`celery inspect`), about the whole deployment. */
export function inspectRoutes(parts: ApiParts): Route[] {
  const { control } = parts;

  function question<Query extends QueryShape, Answer extends z.ZodType>(
    what: string,
    { summary, query, answer, ask }: Question<Query, Answer>,
  ): Route {
    return operation({
      method: "GET",
      path: `/api/inspect/${what}`,
      scope: "monitor",
      rate: "read",
      tag: "inspect",
      summary,
      query,
      answers: { 200: answer },
      handle: async (call) => Response.json(await ask(call)),
    });
  }

  function live(kind: LiveKind, summary: string): Route {
    return question(kind, {
      summary,
      query: liveQuery,
      answer: z.strictObject({ tasks: z.array(taskAnswer) }),
      ask: async ({ query, caller }) => {
        const tasks = await control.list(kind, query.limit);
        return { tasks: tasks.map((task) => taskView(task, caller, parts.clock.now())) };
      },
    });
  }

  async function queryTask({ query, caller }: OperationCall<typeof idsQuery, undefined>) {
    const tasks = await Promise.all(query.id.map((id) => parts.tasks.get(id)));
    const known = tasks.flatMap((task) =>
      task === null ? [] : [[task.id, [task.state, taskView(task, caller, parts.clock.now())]]],
    );
    return Object.fromEntries(known) as unknown;
  }

  async function stats(): Promise<z.output<typeof statsAnswer>> {
    const [controls, queues] = await Promise.all([control.controls(), control.queues()]);
    return {
      is_shut_down: controls.isShutDown,
      cancelled_consumers: controls.pausedQueues,
      shards: parts.shards,
      queues: queues.map(queueView),
    };
  }

  return [
    live("active", "List the tasks that run"),
    live("reserved", "List the tasks that are due and wait for a consumer"),
    live("scheduled", "List the tasks that are not due yet"),
    live("revoked", "List the tasks that run although they were called off"),
    question("registered", {
      summary: "List the tasks that there are, with their limits as they are now",
      query: {},
      answer: z.strictObject({ tasks: z.array(registeredAnswer) }),
      ask: async () => ({ tasks: await registeredViews(parts) }),
    }),
    question("query_task", {
      summary: "Find tasks by their ids",
      query: idsQuery,
      answer: foundAnswer,
      ask: queryTask,
    }),
    question("stats", {
      summary: "Show what every queue holds, and what is stopped",
      query: {},
      answer: statsAnswer,
      ask: stats,
    }),
    question("conf", {
      summary: "Show the settings that may be shown",
      query: {},
      answer: confAnswer,
      ask: () => ({ ...parts.conf, queues: [...parts.queues], shards: parts.shards }),
    }),
    operation({
      method: "GET",
      path: "/api/queues",
      scope: "monitor",
      rate: "read",
      tag: "inspect",
      summary: "Show what every queue holds",
      answers: { 200: z.strictObject({ queues: z.array(queueAnswer) }) },
      handle: async () => Response.json({ queues: (await control.queues()).map(queueView) }),
    }),
  ];
}

function queueView(length: QueueLength): z.output<typeof queueAnswer> {
  const { queue, waiting, scheduled, running, ...rest } = length;
  const { oldestAt, isPaused, pause } = rest;
  return {
    name: queue,
    waiting,
    scheduled,
    running,
    oldest_waiting_since: oldestAt === null ? null : new Date(oldestAt).toISOString(),
    is_cancelled: isPaused,
    paused_reason: pause?.reason ?? null,
    paused_since: pause === null ? null : new Date(pause.at).toISOString(),
  };
}
