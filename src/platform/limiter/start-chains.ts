import { spacingMs, type LimitSet, type Rate, type TaskLimits } from "#engine";
import { HIBERNATES_AFTER_MS } from "../idle.ts";
import type { SqlPort } from "../ledger/ports.ts";
import { consume } from "../ledger/schema.ts";
import { ALL, type LimitRequest } from "./protocol.ts";
import type { StartTurns } from "./start-turns.ts";

/** Starts are granted at most this long ahead: what a shard that dies takes along is no more. */
export const HORIZON_MS = 500;
/** Chains whose spacing is shorter than this have no rows: what they were granted is past when the object is back. */
const SHORT_SPACING_MS = 1_000;
/** So far ahead one row covers their starts: all of them, and a spacing, are past when an idle object is back. */
const COVERED_MS = HIBERNATES_AFTER_MS - SHORT_SPACING_MS;
/** A slow chain is remembered at least this long: the rate may be lowered meanwhile. */
const CHAIN_EXPIRY_MS = 3_600_000;
const SWEEP_EVERY_MS = 60_000;

interface SlotRow extends Record<string, string | number> {
  chain: string;
  last_at: number;
  turns: string;
}

/**
 * The last start that was granted of each chain: of a key's calls, or of all. Only slow chains have rows;
 * those that are long past are forgotten. Times are epoch ms.
 */
export class StartChains {
  readonly #sql: SqlPort;
  readonly #turns: StartTurns;
  readonly #lastAt = new Map<string, number>();
  /** Chains that have rows. */
  readonly #written = new Set<string>();
  /** Starts of fast rates may have been granted up to here before this object started. */
  #grantedUntil: number;
  /** And since, at most up to here: what the table says. */
  #coveredUntil: number;
  /** Never: an object that is idle now and then may not live for a minute. */
  #sweptAt = -Infinity;

  constructor(sql: SqlPort, turns: StartTurns, isNew: boolean, now: number) {
    this.#sql = sql;
    this.#turns = turns;
    const [covered] = [...sql.exec<{ until: number }>("SELECT until FROM covered")];
    this.#coveredUntil = covered?.until ?? -Infinity;
    // An object that is not new but has no row may have granted by a version that wrote none.
    const isKnown = covered !== undefined || isNew;
    this.#grantedUntil = isKnown ? this.#coveredUntil : Infinity;
    for (const { chain, last_at: lastAt, turns: shards } of sql.exec<SlotRow>(
      "SELECT * FROM slots",
    )) {
      this.#lastAt.set(chain, lastAt);
      this.#written.add(chain);
      turns.recall(chain, JSON.parse(shards) as number[]);
    }
    this.clockIs(now);
  }

  /**
   * Nothing was granted for later than the horizon: what seems to be was by a clock that has gone back, and would hold
   * the next starts up for as long. Rows written: one per slow chain of which that is so.
   */
  clockIs(now: number): void {
    const latest = now + HORIZON_MS;
    this.#grantedUntil = Math.min(this.#grantedUntil, latest);
    let hasRows = false;
    for (const [chain, lastAt] of this.#lastAt) {
      if (lastAt <= latest) continue;
      this.#lastAt.set(chain, latest);
      hasRows ||= this.#written.has(chain);
    }
    if (!hasRows) return;
    consume(this.#sql.exec("UPDATE slots SET last_at = ? WHERE last_at > ?", latest, latest));
  }

  /** The earliest time of the next start of a chain; 0: any. */
  next(chain: string, { rate }: LimitSet): number {
    if (rate === null) return 0;
    const spacing = spacingMs(rate);
    const last = this.#lastAt.get(chain);
    // Also of one that has a row, from when it was slow.
    if (!isSlow(rate)) return Math.max(last ?? -Infinity, this.#grantedUntil) + spacing;
    return last === undefined ? 0 : last + spacing;
  }

  /** A start is granted. */
  take(chain: string, { rate }: LimitSet, at: number): void {
    if (rate !== null) this.#lastAt.set(chain, at);
  }

  /**
   * Writes down what was granted of these chains and who has turns, and forgets what is past. Rows written: one per
   * slow chain, and one for all others at most every nine seconds.
   */
  keep(chains: Iterable<string>, limits: TaskLimits, now: number): void {
    for (const chain of chains) {
      const { rate } = chain === ALL ? limits : limits.perKey;
      const lastAt = this.#lastAt.get(chain);
      if (lastAt === undefined) continue;
      if (!isSlow(rate)) {
        this.#cover(lastAt, now);
        continue;
      }
      consume(
        this.#sql.exec(
          "INSERT OR REPLACE INTO slots (chain, last_at, turns) VALUES (?, ?, ?)",
          ...[chain, Math.ceil(lastAt), JSON.stringify(this.#turns.of(chain, now))],
        ),
      );
      this.#written.add(chain);
    }
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    this.#sweep(limits, now);
  }

  #cover(lastAt: number, now: number): void {
    if (lastAt <= this.#coveredUntil) return;
    const until = now + COVERED_MS;
    consume(this.#sql.exec("INSERT OR REPLACE INTO covered (id, until) VALUES (1, ?)", until));
    this.#coveredUntil = until;
  }

  /** There are as many chains as keys: those that bound nothing any more must not pile up. */
  #sweep(limits: TaskLimits, now: number): void {
    const longest = Math.max(spacingOf(limits.rate), spacingOf(limits.perKey.rate));
    const past = now - Math.max(CHAIN_EXPIRY_MS, 2 * longest);
    let hasRows = false;
    for (const [chain, lastAt] of this.#lastAt) {
      const isWritten = this.#written.has(chain);
      if (lastAt >= (isWritten ? past : now - SWEEP_EVERY_MS)) continue;
      hasRows ||= isWritten;
      this.#lastAt.delete(chain);
      this.#written.delete(chain);
    }
    // It reads all of them.
    if (hasRows) consume(this.#sql.exec("DELETE FROM slots WHERE last_at < ?", past));
  }
}

/** The earliest start that is of use to who asks, epoch ms. A shard of an older version does not say. */
export function firstUse({ leadMs }: LimitRequest, now: number): number {
  return now + (leadMs > 0 ? Math.min(leadMs, HORIZON_MS) : 0);
}

function spacingOf(rate: Rate | null): number {
  return rate === null ? 0 : spacingMs(rate);
}

function isSlow(rate: Rate | null): boolean {
  return spacingOf(rate) >= SHORT_SPACING_MS;
}
