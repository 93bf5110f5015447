import {
  LovageError,
  type DeadLetterAnswer,
  type DeadLetterBox,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type Lovage,
  type ReplayedCall,
  type TaskPage,
  type TaskRecord,
  type TaskSpec,
  type TaskSubmitter,
} from "#engine";
import { fromRow, type HistoryRow } from "./rows.ts";
import { nameCondition } from "./search.ts";
import { pageOf, pageQuery } from "./task-page.ts";

/** Where the type of the error stands in `detail`; see rows.ts. */
const EXC_TYPE = "coalesce(detail ->> '$[8].exc_type', '')";
/** Groups and ids that a summary shows. */
const MAX_GROUPS = 200;
const SHOWN_IDS = 5;
/** Dead letters that are read, submitted and marked together: each may have some hundred kilobytes. */
const CHUNK = 50;

/** Dead letters in D1. Found through an index that only they are in, and only until they are dealt with. */
export class DeadLetters implements DeadLetterBox {
  readonly #db: D1Database;
  readonly #lovageFor: (owner: string) => Lovage;
  readonly #submitter: TaskSubmitter;

  constructor(parts: {
    db: D1Database;
    lovageFor: (owner: string) => Lovage;
    submitter: TaskSubmitter;
  }) {
    this.#db = parts.db;
    this.#lovageFor = parts.lovageFor;
    this.#submitter = parts.submitter;
  }

  /** @param after `<finished_at> <id>` of the last one of the page before */
  async list(filter: DeadLetterFilter, limit: number, after: string | null): Promise<TaskPage> {
    const { where, params } = conditions(filter);
    if (after !== null) {
      const [at = "", id = ""] = after.split(" ");
      where.push("(finished_at, id) < (?, ?)");
      params.push(Number(at), id);
    }
    const { results } = await this.#db
      .prepare(
        pageQuery(
          `tasks INDEXED BY dead_letters WHERE ${where.join(" AND ")}`,
          "finished_at DESC, id DESC",
        ),
      )
      .bind(...params, limit)
      .all<HistoryRow>();
    const { tasks, next: last } = pageOf(results.map(fromRow), limit);
    return { tasks, next: last && `${tasks.at(-1)?.finishedAt} ${last}` };
  }

  async ids(filter: DeadLetterFilter, limit: number): Promise<string[]> {
    const { where, params } = conditions(filter);
    const { results } = await this.#db
      .prepare(
        `SELECT id FROM tasks INDEXED BY dead_letters WHERE ${where.join(" AND ")}
         ORDER BY finished_at DESC, id DESC LIMIT ?`,
      )
      .bind(...params, limit)
      .all<{ id: string }>();
    return results.map(({ id }) => id);
  }

  async summary(filter: DeadLetterFilter): Promise<DeadLetterGroup[]> {
    const { where, params } = conditions(filter);
    const { results } = await this.#db
      .prepare(
        `WITH letters AS (
           SELECT id, name, ${EXC_TYPE} AS excType, finished_at,
             row_number() OVER (PARTITION BY name, ${EXC_TYPE} ORDER BY finished_at DESC) AS place
           FROM tasks INDEXED BY dead_letters WHERE ${where.join(" AND ")}
         )
         SELECT name, excType, count(*) AS count, min(finished_at) AS firstAt,
           max(finished_at) AS lastAt, json_group_array(id) FILTER (WHERE place <= ?) AS ids
         FROM letters GROUP BY 1, 2 ORDER BY count DESC LIMIT ?`,
      )
      .bind(...params, SHOWN_IDS, MAX_GROUPS)
      .all<Omit<DeadLetterGroup, "ids"> & { ids: string }>();
    return results.map((group) => ({ ...group, ids: JSON.parse(group.ids) as string[] }));
  }

  async replay(
    ids: readonly string[],
    kwargs: Readonly<Record<string, unknown>> | null,
    check: (call: ReplayedCall) => void,
  ): Promise<DeadLetterAnswer[]> {
    const answers: DeadLetterAnswer[] = [];
    for (const some of chunks(ids)) {
      const old = await this.#load(some);
      const specs = new Map<string, TaskSpec>();
      const failed = new Map<string, unknown>();
      for (const task of old) {
        try {
          const stored = JSON.parse(task.kwargs) as Record<string, unknown>;
          check({ task: task.name, kwargs: kwargs ?? stored });
          specs.set(task.id, await this.#lovageFor(task.owner).prepareReplay(task, kwargs));
        } catch (error) {
          failed.set(task.id, error);
        }
      }
      const submitted = await this.#submitter.submit([...specs.values()]);
      // A replay with other arguments may be under way: then that one is the replay.
      for (const [index, id] of [...specs.keys()].entries()) {
        if (submitted[index] === "busy") failed.set(id, new ReplayUnderWayError());
      }
      const made = [...specs].filter(([id]) => !failed.has(id));
      // Should this be cut off, the next replay finds the tasks that it made.
      const marked = await this.#resolve(made.map(([id, spec]) => [id, `replayed:${spec.id}`]));
      for (const id of some) {
        const taskId = marked.has(id) ? specs.get(id)?.id : undefined;
        if (failed.has(id)) answers.push({ id, status: "failed", error: failed.get(id) });
        else answers.push(taskId ? { id, status: "replayed", taskId } : { id, status: "gone" });
      }
    }
    return answers;
  }

  async discard(ids: readonly string[]): Promise<DeadLetterAnswer[]> {
    const marked = await this.#resolve(ids.map((id) => [id, "discarded"]));
    return ids.map((id) => ({ id, status: marked.has(id) ? "discarded" : "gone" }));
  }

  async #load(ids: readonly string[]): Promise<TaskRecord[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(?))
           AND is_dead_lettered = 1 AND resolution IS NULL`,
      )
      .bind(JSON.stringify(ids))
      .all<HistoryRow>();
    return results.map(fromRow);
  }

  /** Once: whoever comes second changes nothing. Returns the ids of those that changed. */
  async #resolve(resolutions: readonly (readonly [string, string])[]): Promise<Set<string>> {
    if (resolutions.length === 0) return new Set();
    const { results } = await this.#db
      .prepare(
        `UPDATE tasks SET resolution = given.value ->> 1 FROM json_each(?) AS given
         WHERE tasks.id = given.value ->> 0 AND is_dead_lettered = 1 AND resolution IS NULL
         RETURNING tasks.id AS id`,
      )
      .bind(JSON.stringify(resolutions))
      .all<{ id: string }>();
    return new Set(results.map(({ id }) => id));
  }
}

class ReplayUnderWayError extends LovageError {
  constructor() {
    super("request_in_progress", "It is being replayed right now.", { retryable: true });
  }
}

function* chunks(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += CHUNK) yield ids.slice(start, start + CHUNK);
}

function conditions(filter: DeadLetterFilter): { where: string[]; params: (string | number)[] } {
  const where = ["is_dead_lettered = 1", "resolution IS NULL"];
  const params: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    params.push(value);
  };
  if (filter.name !== undefined) add(nameCondition(filter.name), filter.name);
  add("queue = ?", filter.queue);
  add(`${EXC_TYPE} = ?`, filter.excType);
  add("finished_at >= ?", filter.failedAfter);
  add("finished_at < ?", filter.failedBefore);
  for (const label of Object.entries(filter.labels ?? {})) {
    where.push("id IN (SELECT task_id FROM task_labels WHERE label = ? AND value = ?)");
    params.push(...label);
  }
  return { where, params };
}
