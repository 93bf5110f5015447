import { LovageError, type Clock, type Readiness, type Timers } from "#engine";
import { OVERDUE_MS } from "./agent-reports.ts";
import type { BeatHealth, WatchdogHealth } from "./health.ts";
import { within } from "./within.ts";

/** A check that takes longer has failed. */
const CHECK_MS = 2_000;
/** So long the last answer is good enough. */
const FRESH_MS = 1_000;

interface ReadinessParts {
  /** The migration that this code needs, as the database names it. */
  readonly migration: string;
  readonly db: D1Database;
  readonly watchdog: () => { health(): Promise<WatchdogHealth> };
  readonly beat: () => { health(): Promise<BeatHealth> };
  readonly shard: (shard: number) => { health(isCounting: boolean): Promise<unknown> };
  readonly shards: number;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Asks every part of the deployment at once whether it is there. One answer serves an isolate for a second, and
 * while one is being looked for the last one serves, so that nobody can make it ask more. Nothing of one request
 * is waited for by another: the platform doesn't allow it.
 */
export class DeploymentReadiness implements Readiness {
  readonly #parts: ReadinessParts;
  #last: { readonly at: number; readonly failing: readonly string[] } | null = null;
  #askedAt = -Infinity;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  async failing(): Promise<readonly string[]> {
    const now = this.#parts.clock.now();
    const isAsking =
      now - this.#askedAt < CHECK_MS + FRESH_MS && this.#askedAt > (this.#last?.at ?? 0);
    const isFresh = this.#last !== null && now - this.#last.at < FRESH_MS;
    if (this.#last !== null && (isFresh || isAsking)) return this.#last.failing;
    this.#askedAt = now;
    const failing = await this.#check();
    this.#last = { at: this.#parts.clock.now(), failing };
    return failing;
  }

  async #check(): Promise<string[]> {
    const { shard, shards } = this.#parts;
    const checks: [string, () => Promise<void>][] = [
      ["database", () => this.#database()],
      ["watchdog", () => this.#watchdog()],
      ["beat", () => this.#beat()],
      ...Array.from({ length: shards }, (_, index): [string, () => Promise<void>] => [
        `ledger ${index}`,
        async () => void (await shard(index).health(false)),
      ]),
    ];
    const names = await Promise.all(
      checks.map(async ([name, check]) => {
        try {
          await within(this.#parts.timers, CHECK_MS, check);
          return [];
        } catch {
          return [name];
        }
      }),
    );
    return names.flat();
  }

  async #database(): Promise<void> {
    const found = await this.#parts.db
      .prepare("SELECT 1 AS found FROM d1_migrations WHERE name = ?")
      .bind(this.#parts.migration)
      .first();
    if (found === null) throw new LovageError("not_migrated", "The database is behind the code.");
  }

  async #watchdog(): Promise<void> {
    const { alarmAt } = await this.#parts.watchdog().health();
    this.#expectAlarm(alarmAt);
  }

  async #beat(): Promise<void> {
    const { alarmAt, nextSlotAt } = await this.#parts.beat().health();
    if (nextSlotAt !== null) this.#expectAlarm(alarmAt);
  }

  #expectAlarm(at: number | null): void {
    if (at !== null && this.#parts.clock.now() - at <= OVERDUE_MS) return;
    throw new LovageError("not_running", "Its alarm is not set, or overdue.");
  }
}
