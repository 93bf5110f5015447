import { MAX_PRIORITY } from "#engine";
import type { TaskRow } from "../rows.ts";

/** A waiting task that was due when it was submitted. */
export interface LaneEntry {
  readonly id: string;
  /** Epoch ms; entries of one lane are pushed in this order. */
  readonly dueAt: number;
  /** The row as it was inserted, to spare reading it at the claim; null when it has to be read. */
  readonly row: TaskRow | null;
}

/** Rows kept with their entries, and the largest arguments kept so: a few MiB of memory at most. */
const MAX_KEPT_ROWS = 5_000;
const MAX_KEPT_KWARGS = 1_000;

/** First in, first out. Shifting moves a head instead of the entries. */
class Lane {
  #entries: LaneEntry[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: LaneEntry): void {
    this.#entries.push(entry);
  }

  peek(): LaneEntry | undefined {
    return this.#entries[this.#head];
  }

  /** How many entries are before this one; all, if it isn't here. */
  indexOf(taskId: string): number {
    const index = this.#entries.findIndex(({ id }, at) => at >= this.#head && id === taskId);
    return index < 0 ? this.size : index - this.#head;
  }

  forgetRow(taskId: string): void {
    const index = this.#entries.findIndex(({ id }, at) => at >= this.#head && id === taskId);
    const entry = this.#entries[index];
    if (entry !== undefined) this.#entries[index] = { ...entry, row: null };
  }

  /** The first entries. */
  front(count: number): readonly LaneEntry[] {
    return this.#entries.slice(this.#head, this.#head + count);
  }

  shift(): void {
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}

/**
 * The ready tasks of one ledger that need no index: a lane for each queue and priority, in memory,
 * rebuilt from the table at load. Holds at most `capacity` tasks; what comes on top is parked instead.
 * A task that is taken out (revoked) stays in its lane until it is reached and is skipped then.
 */
export class ReadyLanes {
  readonly #lanes = new Map<string, Lane[]>();
  /** Tasks that are still in a lane, but not to be claimed any more. */
  readonly #removed = new Set<string>();
  #size = 0;
  #latestDue = 0;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The latest time at which one of them was due: the clock never goes below it. Epoch ms. */
  get latestDue(): number {
    return this.#latestDue;
  }

  get hasRoom(): boolean {
    return this.#size < this.#capacity;
  }

  get size(): number {
    return this.#size;
  }

  queues(): Iterable<string> {
    return this.#lanes.keys();
  }

  /** `row`: the task as inserted; null if it has to be read when it is claimed. */
  push(queue: string, priority: number, id: string, dueAt: number, row: TaskRow | null): void {
    let lanes = this.#lanes.get(queue);
    if (lanes === undefined) {
      lanes = Array.from({ length: MAX_PRIORITY + 1 }, () => new Lane());
      this.#lanes.set(queue, lanes);
    }
    const isKept = this.#size < MAX_KEPT_ROWS && (row?.kwargs.length ?? 0) <= MAX_KEPT_KWARGS;
    this.#latestDue = Math.max(this.#latestDue, dueAt);
    lanes[priority]?.push({ id, dueAt, row: isKept ? row : null });
    this.#size += 1;
  }

  /** The next task of a lane; those that were removed are dropped on the way. */
  peek(queue: string, priority: number): LaneEntry | undefined {
    const lane = this.#lanes.get(queue)?.[priority];
    let entry = lane?.peek();
    while (entry !== undefined && this.#removed.delete(entry.id)) {
      this.shift(queue, priority);
      entry = lane?.peek();
    }
    return entry;
  }

  /** Ids of the next tasks of a lane whose rows have to be read, among the first `count`. */
  upcoming(queue: string, priority: number, count: number): string[] {
    const entries = this.#lanes.get(queue)?.[priority]?.front(count) ?? [];
    return entries.filter(({ row }) => row === null).map(({ id }) => id);
  }

  /** A waiting task's row has changed: it has to be read when it is claimed. */
  forgetRow(taskId: string): void {
    for (const lanes of this.#lanes.values()) for (const lane of lanes) lane.forgetRow(taskId);
  }

  /** A waiting task that is in a lane must not be claimed any more. */
  remove(taskId: string): void {
    this.#removed.add(taskId);
  }

  shift(queue: string, priority: number): void {
    this.#lanes.get(queue)?.[priority]?.shift();
    this.#size -= 1;
  }

  /** Tasks in a queue's lanes that are before this one; all of its priority if it is in none. */
  ahead(queue: string, priority: number, taskId: string): number {
    let count = 0;
    for (const [index, lane] of (this.#lanes.get(queue) ?? []).entries()) {
      if (index > priority) count += lane.size;
      else if (index === priority) count += lane.indexOf(taskId);
    }
    return count;
  }

  /** Tasks waiting in a queue's lanes (revoked ones not yet skipped included). */
  count(queue: string): number {
    return (this.#lanes.get(queue) ?? []).reduce((sum, lane) => sum + lane.size, 0);
  }

  /** When the longest-waiting task of a queue's lanes became due; null if none waits. */
  oldest(queue: string): number | null {
    let oldest: number | null = null;
    for (const lane of this.#lanes.get(queue) ?? []) {
      const head = lane.peek();
      if (head !== undefined && (oldest === null || head.dueAt < oldest)) oldest = head.dueAt;
    }
    return oldest;
  }
}
