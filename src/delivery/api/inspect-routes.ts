import type { LiveKind, QueueLength } from "#engine";
import { invalid } from "./problems.ts";
import { registeredViews } from "./registered-tasks.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { taskView } from "./task-views.ts";

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;
const MAX_IDS = 100;

/** Operators' questions, in Celery's words (`celery inspect`), about the whole deployment. */
export function inspectRoutes(parts: ApiParts): Route[] {
  const { control } = parts;

  function question(what: string, answer: (call: ApiCall) => unknown): Route {
    return {
      method: "GET",
      path: `/api/inspect/${what}`,
      scope: "monitor",
      handle: async (call) => Response.json(await answer(call)),
    };
  }

  function live(kind: LiveKind): Route {
    return question(kind, async ({ query, caller }) => {
      const tasks = await control.list(kind, limitOf(query));
      return { tasks: tasks.map((task) => taskView(task, caller, parts.clock.now())) };
    });
  }

  async function queryTask({ query, caller }: ApiCall): Promise<unknown> {
    const ids = query.getAll("id");
    if (ids.length === 0 || ids.length > MAX_IDS) {
      throw invalid([{ field: "id", message: `Give 1 to ${MAX_IDS} ids: ?id=…&id=…` }]);
    }
    const tasks = await Promise.all(ids.map((id) => parts.tasks.get(id)));
    const known = tasks.flatMap((task) =>
      task === null ? [] : [[task.id, [task.state, taskView(task, caller, parts.clock.now())]]],
    );
    return Object.fromEntries(known);
  }

  async function stats(): Promise<unknown> {
    const [controls, queues] = await Promise.all([control.controls(), control.queues()]);
    return {
      is_shut_down: controls.isShutDown,
      cancelled_consumers: controls.pausedQueues,
      shards: parts.shards,
      queues: queues.map(queueView),
    };
  }

  return [
    live("active"),
    live("reserved"),
    live("scheduled"),
    live("revoked"),
    question("registered", async () => ({ tasks: await registeredViews(parts) })),
    question("query_task", queryTask),
    question("stats", stats),
    question("conf", () => ({ ...parts.conf, queues: [...parts.queues], shards: parts.shards })),
    {
      method: "GET",
      path: "/api/queues",
      scope: "monitor",
      handle: async () => Response.json({ queues: (await control.queues()).map(queueView) }),
    },
  ];
}

function queueView({ queue, waiting, scheduled, running, ...rest }: QueueLength) {
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

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
    throw invalid([{ field: "limit", message: `Must be an integer from 1 to ${MAX_LIMIT}.` }]);
  }
  return limit;
}
