import {
  LovageError,
  type DeadLetterAnswer,
  type DeadLetterBox,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type Lovage,
  type TaskPage,
  type TaskRecord,
  type TaskSpec,
  type TaskSubmitter,
} from "#engine";
import { fromRow, type HistoryRow } from "./rows.ts";
import { toGlob } from "./search.ts";

/** Where the type of the error stands in `detail`; see rows.ts. */
const EXC_TYPE = "coalesce(detail ->> '$[8].exc_type', '')";
/** Groups and ids that a summary shows. */
const MAX_GROUPS = 200;
const SHOWN_IDS = 5;

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
        `SELECT * FROM tasks INDEXED BY dead_letters WHERE ${where.join(" AND ")}
         ORDER BY finished_at DESC, id DESC LIMIT ?`,
      )
      .bind(...params, limit)
      .all<HistoryRow>();
    const last = results.length < limit ? undefined : results.at(-1);
    const next = last === undefined ? null : `${last.finished_at} ${last.id}`;
    return { tasks: results.map(fromRow), next };
  }

  async summary(filter: DeadLetterFilter): Promise<DeadLetterGroup[]> {
    const { where, params } = conditions(filter);
    const { results } = await this.#db
      .prepare(
        `SELECT name, ${EXC_TYPE} AS excType, count(*) AS count, min(finished_at) AS firstAt,
           max(finished_at) AS lastAt, json_group_array(id) AS ids
         FROM tasks INDEXED BY dead_letters WHERE ${where.join(" AND ")}
         GROUP BY 1, 2 ORDER BY count DESC LIMIT ?`,
      )
      .bind(...params, MAX_GROUPS)
      .all<Omit<DeadLetterGroup, "ids"> & { ids: string }>();
    return results.map((group) => ({
      ...group,
      ids: (JSON.parse(group.ids) as string[]).slice(0, SHOWN_IDS),
    }));
  }

  async replay(
    id: string,
    kwargs: Readonly<Record<string, unknown>> | null,
  ): Promise<DeadLetterAnswer> {
    const old = await this.#find(id);
    if (old === null) return { id, status: "gone" };
    const spec = await this.#lovageFor(old.owner).prepareReplay(old, kwargs);
    await this.#submit(spec);
    // Should this be cut off, the next replay finds the task that it made.
    const marked = await this.#resolve(id, `replayed:${spec.id}`);
    return marked ? { id, status: "replayed", taskId: spec.id } : { id, status: "gone" };
  }

  async discard(id: string): Promise<DeadLetterAnswer> {
    return { id, status: (await this.#resolve(id, "discarded")) ? "discarded" : "gone" };
  }

  /** A replay with other arguments may be under way: then that one is the replay. */
  async #submit(spec: TaskSpec): Promise<void> {
    const [answer] = await this.#submitter.submit([spec]);
    if (answer !== "busy") return;
    throw new LovageError("request_in_progress", "It is being replayed right now.", {
      retryable: true,
    });
  }

  async #find(id: string): Promise<TaskRecord | null> {
    const row = await this.#db
      .prepare("SELECT * FROM tasks WHERE id = ? AND is_dead_lettered = 1 AND resolution IS NULL")
      .bind(id)
      .first<HistoryRow>();
    return row === null ? null : fromRow(row);
  }

  /** Once: whoever comes second changes nothing. */
  async #resolve(id: string, resolution: string): Promise<boolean> {
    const { meta } = await this.#db
      .prepare(
        "UPDATE tasks SET resolution = ? WHERE id = ? AND is_dead_lettered = 1 AND resolution IS NULL",
      )
      .bind(resolution, id)
      .run();
    return meta.changes > 0;
  }
}

function conditions(filter: DeadLetterFilter): { where: string[]; params: (string | number)[] } {
  const where = ["is_dead_lettered = 1", "resolution IS NULL"];
  const params: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    params.push(value);
  };
  add("name GLOB ?", filter.name === undefined ? undefined : toGlob(filter.name));
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
