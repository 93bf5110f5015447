import type { TaskEvent } from "./watch-events.ts";

/** A task as the monitor lists it. */
export interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly queue: string;
  /** Of what was last heard; epoch ms. */
  readonly at: number;
  readonly retries: number;
  /** Seconds; null: it has not ended. */
  readonly runtime: number | null;
  readonly exception: string | null;
}

/** Rows that are kept: a screen has some fifty, and somebody may look back. */
const MAX_ROWS = 5_000;

/** The tasks that were heard of, the newest first; each stays in its place while its state changes. */
export class TaskRows {
  /** In the order in which they were first heard of. */
  readonly #rows = new Map<string, TaskRow>();
  #heard = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** Events since the beginning. */
  get heard(): number {
    return this.#heard;
  }

  /** Takes what happened; an event that is older than what is known changes nothing. */
  hear(event: TaskEvent): void {
    this.#heard += 1;
    const at = event.timestamp * 1_000;
    const known = this.#rows.get(event.uuid);
    if (known !== undefined && known.at > at) return;
    this.#put({
      id: event.uuid,
      name: event.name,
      state: event.state,
      queue: event.queue,
      at,
      retries: event.retries,
      runtime: event.runtime ?? known?.runtime ?? null,
      exception: event.exception ?? null,
    });
  }

  /** Takes what was asked for; where more is known already it changes nothing. */
  learn(row: TaskRow): void {
    const known = this.#rows.get(row.id);
    if (known === undefined || known.at < row.at) this.#put(row);
  }

  #put(row: TaskRow): void {
    this.#rows.set(row.id, row);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > MAX_ROWS && oldest !== undefined) this.#rows.delete(oldest);
  }

  get(id: string): TaskRow | undefined {
    return this.#rows.get(id);
  }

  /** All of them, the newest first. */
  all(): TaskRow[] {
    return [...this.#rows.values()].toReversed();
  }

  /** How many there are of each state. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { state } of this.#rows.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }
}
