import { spacingMs, type LimitSet, type Rate, type TaskLimits } from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { consume } from "../ledger/schema.ts";
import { ALL, type LimitRequest } from "./protocol.ts";

/** Starts are granted at most this long ahead: what a shard that dies takes along is no more. */
export const HORIZON_MS = 500;
/** A chain whose spacing is shorter than this is not written down: it is past when the object is back. */
const SHORT_SPACING_MS = 1_000;
/** A slow chain is remembered at least this long: the rate may be lowered meanwhile. */
const CHAIN_EXPIRY_MS = 3_600_000;
const SWEEP_EVERY_MS = 60_000;

/**
 * The last start that was granted of each chain: of a key's calls, or of all. Only slow chains have rows;
 * those that are long past are forgotten. Times are epoch ms.
 */
export class StartChains {
  readonly #sql: SqlPort;
  readonly #lastAt = new Map<string, number>();
  /** Starts may have been granted up to here before this object started. */
  readonly #grantedUntil: number;
  #sweptAt: number;

  constructor(sql: SqlPort, isNew: boolean, now: number) {
    this.#sql = sql;
    this.#sweptAt = now;
    this.#grantedUntil = isNew ? -Infinity : now + HORIZON_MS;
    for (const row of sql.exec<{ chain: string; last_at: number }>("SELECT * FROM slots")) {
      this.#lastAt.set(row.chain, row.last_at);
    }
  }

  /** The earliest time of the next start of a chain; 0: any. */
  next(chain: string, { rate }: LimitSet): number {
    if (rate === null) return 0;
    const spacing = spacingMs(rate);
    const last = this.#lastAt.get(chain);
    if (last !== undefined) return last + spacing;
    return spacing < SHORT_SPACING_MS ? this.#grantedUntil + spacing : 0;
  }

  /** A start is granted. */
  take(chain: string, { rate }: LimitSet, at: number): void {
    if (rate !== null) this.#lastAt.set(chain, at);
  }

  /** Writes down what was granted of slow chains, and forgets what is past. Rows written: one per chain. */
  keep(chains: Iterable<string>, limits: TaskLimits, now: number): void {
    for (const chain of chains) {
      const { rate } = chain === ALL ? limits : limits.perKey;
      const lastAt = this.#lastAt.get(chain);
      if (lastAt === undefined || !isSlow(rate)) continue;
      consume(
        this.#sql.exec(
          "INSERT OR REPLACE INTO slots (chain, last_at) VALUES (?, ?)",
          chain,
          Math.ceil(lastAt),
        ),
      );
    }
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    this.#sweep(limits, now);
  }

  /** There are as many chains as keys: those that bound nothing any more must not pile up. */
  #sweep(limits: TaskLimits, now: number): void {
    const longest = Math.max(spacingOf(limits.rate), spacingOf(limits.perKey.rate));
    const past = now - Math.max(CHAIN_EXPIRY_MS, 2 * longest);
    consume(this.#sql.exec("DELETE FROM slots WHERE last_at < ?", past));
    for (const [chain, lastAt] of this.#lastAt) {
      const { rate } = chain === ALL ? limits : limits.perKey;
      if (lastAt < (isSlow(rate) ? past : now - SWEEP_EVERY_MS)) this.#lastAt.delete(chain);
    }
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
