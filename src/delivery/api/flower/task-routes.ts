import * as z from "zod";
import { STATES, WORKER_NAME, type State, type TaskQuery, type TaskRecord } from "#engine";
import { may, sees, type Caller } from "../callers/access.ts";
import { isResultExpired } from "../tasks/task-views.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { ended } from "./awaiting.ts";
import { FlowerArguments } from "./arguments.ts";
import { minuteOf } from "./dates.ts";
import { flowerRoute, FlowerRefusal } from "./refusals.ts";
import { readSearch, SearchSyntaxError } from "./search-query.ts";
import { listTasks, MAX_DEPTH, MAX_LISTED, SORT_KEYS, type Listing } from "./task-list.ts";
import { exceptionOf, listedTask, taskInfo } from "./task-object.ts";

const taskObject = z.record(z.string(), z.unknown());

/** Flower's questions about tasks. */
export function flowerTaskRoutes(parts: ApiParts): Route[] {
  return [listRoute(parts), typesRoute(parts), infoRoute(parts), resultRoute(parts)];
}

function listRoute({ search, clock }: ApiParts): Route {
  const route: Route = {
    method: "GET",
    path: "/api/tasks",
    scope: "tasks:read",
    rate: "read",
    doc: {
      summary: "List tasks as Flower does",
      tag: "Flower",
      query: {
        limit: z.int().min(0).max(MAX_LISTED).default(MAX_LISTED),
        offset: z.int().min(0).default(0),
        sort_by: z
          .string()
          .describe(`One of ${SORT_KEYS.join(", ")}; -received etc.`)
          .optional(),
        workername: z.string().optional(),
        taskname: z.string().optional(),
        state: z.string().optional(),
        received_start: z.string().describe("2026-11-21 08:00, UTC").optional(),
        received_end: z.string().describe("2026-11-21 08:00, UTC").optional(),
        search: z.string().max(2_048).optional(),
      },
      answers: { 200: z.record(z.string(), taskObject) },
    },
    handle: async ({ query: params, caller }) => {
      const given = new FlowerArguments(params);
      const listing = listingOf(given);
      let query: TaskQuery | null;
      try {
        query = queryOf(given, caller);
      } catch (error) {
        if (!(error instanceof SearchSyntaxError)) throw error;
        return Response.json({ error: error.message }, { status: 400 });
      }
      if (query === null) return Response.json({});
      const { tasks, isPartial } = await listTasks(search, query, listing);
      const now = clock.now();
      const listed = tasks.map((task) => [task.id, listedTask(task, caller, now)] as const);
      return Response.json(Object.fromEntries(listed), {
        headers: isPartial ? { "Lovage-Partial": "true" } : {},
      });
    },
  };
  return flowerRoute("plain", route, z.object({ error: z.string() }));
}

function listingOf(given: FlowerArguments): Listing {
  const limit = Math.max(0, given.integer("limit") ?? MAX_LISTED);
  const offset = Math.max(0, given.integer("offset") ?? 0);
  if (limit > MAX_LISTED) throw new FlowerRefusal(400, `limit is ${MAX_LISTED} at most`);
  if (offset + limit > MAX_DEPTH) {
    throw new FlowerRefusal(400, `offset and limit together are ${MAX_DEPTH} at most`);
  }
  const text = given.text("sort_by");
  if (text === null) return { offset, limit, sort: null };
  const by = SORT_KEYS.find((key) => key === text.replace(/^-/, ""));
  if (by === undefined) {
    throw new FlowerRefusal(
      400,
      `sort_by is one of ${SORT_KEYS.join(", ")}, or one with a - before it`,
    );
  }
  return { offset, limit, sort: { by, isDescending: text.startsWith("-") } };
}

/**
 * What the parameters ask for; null: nothing fits.
 * @throws SearchSyntaxError, FlowerRefusal
 */
function queryOf(given: FlowerArguments, caller: Caller): TaskQuery | null {
  const submittedAfter = minuteOf(given.text("received_start"), "received_start");
  const before = minuteOf(given.text("received_end"), "received_end");
  const search = given.text("search");
  const match = search === null ? undefined : readSearch(search);
  const worker = given.filter("workername");
  const name = given.filter("taskname");
  const state = stateOf(given.filter("state"));
  if (state === null || (worker !== null && worker !== WORKER_NAME)) return null;
  // It is a name there, and no glob.
  if (name !== null && /[*?]/.test(name)) return null;
  return {
    ...(name !== null && { name }),
    ...(state !== undefined && { state }),
    ...(submittedAfter !== undefined && { submittedAfter }),
    // The last moment counts.
    ...(before !== undefined && { submittedBefore: before + 1 }),
    ...(match !== undefined && { match }),
    ...(!may(caller, "monitor") && { owner: caller.owner }),
  };
}

/** Undefined: any. Null: none has it. */
function stateOf(text: string | null): State | null | undefined {
  if (text === null) return undefined;
  // Received is what waits here.
  const wanted = text === "RECEIVED" ? "PENDING" : text;
  return STATES.find((state) => state === wanted) ?? null;
}

function typesRoute({ registry }: ApiParts): Route {
  return flowerRoute("silent", {
    method: "GET",
    path: "/api/task/types",
    scope: "monitor",
    rate: "read",
    doc: {
      summary: "List the names of all tasks as Flower does",
      tag: "Flower",
      answers: { 200: z.object({ "task-types": z.array(z.string()) }) },
    },
    handle: () => Response.json({ "task-types": registry.names().toSorted() }),
  });
}

function infoRoute({ tasks, clock }: ApiParts): Route {
  return flowerRoute("silent", {
    method: "GET",
    path: "/api/task/info/:id",
    scope: "tasks:read",
    rate: "read",
    doc: { summary: "Show a task as Flower does", tag: "Flower", answers: { 200: taskObject } },
    handle: async ({ params, caller }) => {
      const task = await tasks.get(params.id ?? "");
      if (task === null || !sees(caller, task.owner)) throw new FlowerRefusal(404, "Unknown task");
      return Response.json(taskInfo(task, caller, clock.now()));
    },
  });
}

function resultRoute(parts: ApiParts): Route {
  return flowerRoute("silent", {
    method: "GET",
    path: "/api/task/result/:id",
    scope: "tasks:read",
    rate: "read",
    doc: {
      summary: "Read a task's result as Flower does, or wait for it",
      tag: "Flower",
      query: { timeout: z.number().min(0).describe("Seconds; 60 at most are waited").optional() },
      answers: { 200: resultSchema },
    },
    handle: async ({ params, query, caller }: ApiCall) => {
      const id = params.id ?? "";
      const timeout = new FlowerArguments(query).seconds("timeout") ?? 0;
      if (timeout < 0) throw new FlowerRefusal(400, "Invalid argument timeout");
      const task = await ended(parts.tasks, id, caller, timeout);
      if (task === null) throw new FlowerRefusal(404, "Unknown task");
      return resultAnswer(task, parts, caller, ["task-id", "state", "result", "traceback"]);
    },
  });
}

export const resultSchema = z.object({
  "task-id": z.string(),
  state: z.string(),
  result: z.unknown().optional(),
  traceback: z.string().nullable().optional(),
});

/** The keys of an answer about a result, in their order. */
export type ResultKeys = readonly ("task-id" | "state" | "result" | "traceback")[];

/**
 * What became of a task. A result that is kept elsewhere is put in as it is there; the list of a canvas that is
 * too large for that is null.
 */
export async function resultAnswer(
  task: TaskRecord,
  { largeResults, clock }: Pick<ApiParts, "largeResults" | "clock">,
  caller: Caller,
  keys: ResultKeys,
): Promise<Response> {
  const { id, state, error } = task;
  const json: Partial<Record<ResultKeys[number], string>> = {
    "task-id": JSON.stringify(id),
    state: JSON.stringify(task.reported?.state ?? state),
  };
  if (state === "SUCCESS" || state === "IGNORED") {
    const stored = task.large === undefined ? null : await largeResults.get(task.large.key);
    const text = stored === null ? task.result : await new Response(stored).text();
    json.result = text === null || isResultExpired(task, clock.now()) ? "null" : text;
  } else if (error !== null && (state === "FAILURE" || state === "REVOKED")) {
    json.result = JSON.stringify(exceptionOf(error));
    const stack = may(caller, "control") ? error.traceback : null;
    if (state === "FAILURE") json.traceback = JSON.stringify(stack);
  }
  const fields = keys.flatMap((key) => {
    const value = json[key];
    return value === undefined ? [] : `${JSON.stringify(key)}:${value}`;
  });
  const headers = { "Content-Type": "application/json" };
  return new Response(`{${fields.join(",")}}`, { headers });
}
