import type { Clock } from "#engine";
import { rootOf } from "../log.ts";

/** What is kept of an error. */
const MAX_ERROR_LENGTH = 300;

/** How an agent is. Times are epoch ms. */
export interface AgentHealth {
  /** When it last did its work; null: not since its object was started, or never where that is stored. */
  readonly ranAt: number | null;
  /** The first of the failures since it last did; null: it does. */
  readonly failingSince: number | null;
  /** Of the last failure; null: none. */
  readonly error: string | null;
}

/**
 * When an agent last ran, and since when it fails. Kept in memory: it writes nothing, and a restart forgets what
 * its object doesn't store and give back (`recall`).
 */
export class AgentRecord {
  #ranAt: number | null = null;
  #failingSince: number | null = null;
  #error: string | null = null;

  ran(now: number): void {
    this.#ranAt = now;
    this.#failingSince = null;
    this.#error = null;
  }

  failed(now: number, error: unknown): void {
    this.#failingSince ??= now;
    this.#error = String(rootOf(error)).slice(0, MAX_ERROR_LENGTH).toWellFormed();
  }

  /** Does the agent's work, all of it in one turn, and remembers how it went. @throws what it throws */
  watch(clock: Clock, work: () => void): void {
    try {
      work();
      this.ran(clock.now());
    } catch (error) {
      this.failed(clock.now(), error);
      throw error;
    }
  }

  /** How it was when it was last stored; what happened since then counts more. */
  recall({ ranAt, failingSince, error }: AgentHealth): void {
    if (this.#ranAt !== null || this.#failingSince !== null) return;
    this.#ranAt = ranAt;
    this.#failingSince = failingSince;
    this.#error = error;
  }

  get health(): AgentHealth {
    return { ranAt: this.#ranAt, failingSince: this.#failingSince, error: this.#error };
  }
}
