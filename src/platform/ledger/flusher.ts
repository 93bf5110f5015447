import { AgentRecord, type AgentHealth } from "../health/agent-record.ts";
import { within } from "../health/within.ts";
import type { Memory } from "./memory/memory.ts";
import type { LedgerPorts } from "./ports.ts";

/** Tasks per write to D1, about: large enough to be cheap, small enough for one statement. */
const FLUSH_TASKS = 1_000;
/** Fewer than this wait a moment for company: D1 takes a few hundred writes a second in all, of all shards. */
const EAGER_TASKS = 250;
const COMPANY_MS = 50;
/** While tasks keep coming: the last write was less than FLOW_MS ago. */
const FLOW_COMPANY_MS = 250;
const FLOW_MS = 1_000;
/** A write that has not ended by then is made again, which is safe: D1 may never answer. */
const WRITE_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

export interface FlusherEvents {
  /** So much was written that tasks may start again. */
  readonly caughtUp: () => void;
  /** D1 has all. */
  readonly emptied: () => void;
}

/**
 * The agent that carries finished tasks to D1, batch after batch, one write at a time, for as long as
 * there are any. A failure is tried again with backoff, for ever: the tasks stay in the ledger until D1
 * confirmed them.
 */
export class Flusher {
  readonly #ports: LedgerPorts;
  readonly #events: FlusherEvents;
  readonly #record = new AgentRecord();
  #isRunning = false;
  #failures = 0;
  /** Not before this, after a failure; epoch ms. */
  #retryAt = 0;

  constructor(ports: LedgerPorts, events: FlusherEvents) {
    this.#ports = ports;
    this.#events = events;
  }

  /** When the next try is due after a failure; null if the last one went well. */
  get retryAt(): number | null {
    return this.#failures === 0 ? null : this.#retryAt;
  }

  /** When it last wrote, and since when it can't. */
  get health(): AgentHealth {
    return this.#record.health;
  }

  /**
   * Starts flushing unless it runs or waits after a failure. `current` answers the ledger's memory: when
   * it was loaded again during a write, the confirmation belongs to the old one and is dropped (D1
   * ignores the repetition).
   */
  kick(now: number, current: () => Memory | null): void {
    const size = current()?.finished.size ?? 0;
    if (this.#isRunning || size === 0 || (this.#failures > 0 && now < this.#retryAt)) return;
    this.#isRunning = true;
    this.#ports.background(this.#run(current));
  }

  async #run(current: () => Memory | null): Promise<void> {
    try {
      for (;;) {
        const { size = 0, isLong = false } = current()?.finished ?? {};
        if (size > 0 && size < EAGER_TASKS && !isLong) await this.#pause(this.#companyMs());
        // Only now: a transaction that failed during the pause took its ends back, and they never were.
        const memory = current();
        if (memory === null || memory.finished.size === 0) return;
        const batches = memory.finished.oldest(FLUSH_TASKS);
        const tasks = memory.finished.tasksOf(batches);
        const { history, timers } = this.#ports;
        await within(timers, WRITE_MS, () => history.write(tasks));
        this.#failures = 0;
        this.#record.ran(this.#ports.clock.now());
        const { finished } = memory;
        const wasBehind = finished.isBehind;
        if (memory === current()) finished.confirm(batches);
        if (wasBehind && !finished.isBehind) this.#events.caughtUp();
        if (finished.size === 0) this.#events.emptied();
      }
    } catch (error) {
      const delay = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
      this.#failures += 1;
      this.#record.failed(this.#ports.clock.now(), error);
      this.#retryAt = this.#ports.clock.now() + delay;
      this.#ports.log("flush_failed", { failures: this.#failures, error });
    } finally {
      this.#isRunning = false;
    }
  }

  #companyMs(): number {
    const sinceLast = this.#ports.clock.now() - (this.#record.health.ranAt ?? 0);
    return sinceLast < FLOW_MS ? FLOW_COMPANY_MS : COMPANY_MS;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.timers.after(ms, resolve);
    });
  }
}
