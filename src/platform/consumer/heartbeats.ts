import type { TaskReport, Timers } from "#engine";
import type { GoneTask } from "../ledger/protocol.ts";

/** A task in a consumer's hands. */
interface Held {
  readonly task: { readonly id: string };
  readonly token: number;
}

/**
 * Of a lease's life: three beats fit in, and one comes before an idle ledger is taken out of memory (10 s). Each would
 * load it again and set its alarm twice.
 */
const BEAT_SHARE = 0.3;

interface HeartbeatParts<Running extends Held> {
  readonly timers: Timers;
  readonly running: ReadonlyMap<string, Running>;
  readonly reports: () => readonly TaskReport[];
  readonly beat: (
    held: ReadonlyMap<number, readonly string[]>,
    reports: readonly TaskReport[],
  ) => Promise<readonly GoneTask[]>;
  readonly gone: (running: Running, reason: GoneTask["reason"]) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Keeps the leases of running tasks: three times in a lease's life the ledger is told what still runs, and
 * says what is not held any more.
 */
export class Heartbeats<Running extends Held> {
  readonly #parts: HeartbeatParts<Running>;
  #cancel: (() => void) | null = null;

  constructor(parts: HeartbeatParts<Running>) {
    this.#parts = parts;
  }

  /** To be called when something began to run under a lease of this length. */
  start(leaseMs: number): void {
    this.#cancel ??= this.#again(leaseMs * BEAT_SHARE);
  }

  stop(): void {
    this.#cancel?.();
  }

  #again(ms: number): () => void {
    return this.#parts.timers.after(ms, () => {
      this.#cancel = this.#again(ms);
      void this.#beat();
    });
  }

  async #beat(): Promise<void> {
    const { running, reports, beat, gone, failed } = this.#parts;
    const held = new Map<number, string[]>();
    for (const { task, token } of running.values()) {
      const ids = held.get(token);
      if (ids === undefined) held.set(token, [task.id]);
      else ids.push(task.id);
    }
    if (held.size === 0) return;
    try {
      for (const { id, reason } of await beat(held, reports())) {
        const one = running.get(id);
        // A late answer may be about an earlier run of the task.
        if (one !== undefined && held.has(one.token)) gone(one, reason);
      }
    } catch (error) {
      // The next one may get through; if none does, the lease expires and the settle is refused.
      failed(error);
    }
  }
}
