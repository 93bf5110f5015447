import { mentions, STATES, type TaskQuery, type TaskRecord } from "#engine";
import { invalid } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import { withoutUndefined } from "../../api/http/without-undefined.ts";
import { pathWith } from "../shell/index.ts";

export const LIST = "/dashboard/tasks";
const DEFAULT_LIMIT = 50;
export const LIMITS = [25, 50, 100, 200] as const;
/** An id, or an end of all ids. */
const CURSOR = /^([0-9a-f-]{36}|[fg])$/;
const ORDERS = ["newest", "oldest"] as const;
/** As an `input` of the type `datetime-local` writes it; UTC. */
const LOCAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** What the rows of a page can be put in order by, besides the time. */
export const SORTS = ["name", "state", "queue", "started", "runtime", "retries"] as const;
export type Sort = (typeof SORTS)[number];

/** What a list of tasks was asked for. */
export interface ListQuery {
  readonly search: TaskQuery;
  readonly limit: number;
  readonly cursor: string | null;
  readonly sort: { readonly by: Sort; readonly isDescending: boolean } | null;
  /** The filters as they were given, to be shown again. */
  readonly given: Readonly<Record<string, string>>;
}

/** The parameters of a list, those that a form left empty taken out. @throws Problem 422 */
export function readListQuery(params: URLSearchParams): ListQuery {
  const given = new URLSearchParams([...params].filter(([, value]) => value !== ""));
  const reader = new QueryReader(given);
  const text = reader.text("text");
  const search = withoutUndefined({
    name: reader.name("name"),
    state: reader.oneOf("state", STATES),
    queue: reader.text("queue", 100),
    labels: reader.labels("label"),
    match: text === undefined ? undefined : mentions(text),
    submittedAfter: instantOf("from", reader.text("from", 30)),
    submittedBefore: instantOf("until", reader.text("until", 30)),
    order: reader.oneOf("order", ORDERS),
  });
  const limit = reader.integer("limit", DEFAULT_LIMIT, LIMITS[LIMITS.length - 1] ?? 200);
  const cursor = reader.cursor("cursor", CURSOR);
  const by = reader.oneOf("sort", SORTS);
  const direction = reader.oneOf("direction", ["up", "down"]);
  reader.check();
  return {
    search,
    limit,
    cursor,
    sort: by === undefined ? null : { by, isDescending: direction === "down" },
    given: Object.fromEntries(given),
  };
}

/** @throws Problem 422 */
function instantOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = LOCAL_TIME.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw invalid([{ field, message: "Must be a time (UTC) as 2026-11-21T08:00." }]);
}

/** The same list with something else; null takes a parameter out. */
export function listPath(
  { given }: Pick<ListQuery, "given">,
  change: Readonly<Record<string, string | null>>,
): string {
  return pathWith(LIST, { ...given, ...change });
}

/** Whether it shows what is newest, and so changes by itself. */
export function isNewest({ search, cursor, sort }: ListQuery): boolean {
  const { order = "newest", submittedBefore } = search;
  return cursor === null && order === "newest" && submittedBefore === undefined && sort === null;
}

/** A page's rows in the order that was asked for; the page itself is by time. */
export function sorted(tasks: readonly TaskRecord[], { sort }: ListQuery): readonly TaskRecord[] {
  if (sort === null) return tasks;
  const valueOf = VALUES[sort.by];
  const sign = sort.isDescending ? -1 : 1;
  return tasks.toSorted((one, other) => sign * compare(valueOf(one), valueOf(other)));
}

const VALUES: Readonly<Record<Sort, (task: TaskRecord) => string | number>> = {
  name: ({ name }) => name,
  state: ({ state, reported }) => reported?.state ?? state,
  queue: ({ queue }) => queue,
  started: ({ attempts }) => attempts[0]?.startedAt ?? Infinity,
  runtime: (task) => runtimeOf(task) ?? -1,
  retries: ({ retries }) => retries,
};

/** Of the last attempt that ended, ms; null: none did. */
export function runtimeOf({ attempts }: Pick<TaskRecord, "attempts">): number | null {
  const last = attempts.findLast(({ finishedAt }) => finishedAt !== null);
  return last?.finishedAt == null ? null : Math.max(0, last.finishedAt - last.startedAt);
}

function compare(one: string | number, other: string | number): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
