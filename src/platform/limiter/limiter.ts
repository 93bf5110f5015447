import {
  isUnlimited,
  NO_LIMITS,
  spacingMs,
  type Clock,
  type LimitSet,
  type TaskLimits,
} from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { consume, migrate } from "../ledger/schema.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { Grant, Holder, Holding, LimitAnswer, LimitRequest, Nudge, Want } from "./protocol.ts";

/**
 * holders  written by every request that holds, or held, something · one row per shard, overwritten
 * slots    written when a start is granted of a rate whose memory matters · one row per chain, deleted
 *          when it is long past
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE holders (
    shard INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    -- JSON array of Holding.
    holdings TEXT NOT NULL
  )`,
  `CREATE TABLE slots (
    -- "" for all calls of the task, else the key.
    chain TEXT PRIMARY KEY,
    -- The last start that was granted, epoch ms.
    last_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
];

/** Starts are granted at most this long ahead: what a shard that dies takes along is no more. */
const HORIZON_MS = 500;
/** A shard asks this long before the next start that it may get. */
const LEAD_MS = 250;
/** A chain whose spacing is shorter than this is not written down: it is past when the object is back. */
const SHORT_SPACING_MS = 1_000;
/** Those who hold places are asked for them this often while somebody waits. */
const GIVE_EVERY_MS = 10_000;
const CHAIN_EXPIRY_MS = 3_600_000;
/** The chain, and the resource, of all calls together. */
const ALL = "";

export interface LimiterPorts {
  readonly clock: Clock;
  readonly sql: SqlPort;
  /** Calls a shard. May reject or be lost: whoever waits asks again by itself. */
  readonly nudge: (shard: number, nudge: Nudge) => Promise<void>;
  readonly background: (work: Promise<void>) => void;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

interface HolderEntry {
  readonly seq: number;
  readonly holdings: ReadonlyMap<string, Holding>;
}

/**
 * Decides who may start tasks of one name, for the whole deployment: hands out times (slots) where a rate
 * bounds the starts, and places where their number at a time is bounded. What a shard holds is what its
 * last request says it holds plus what the answer granted, so nothing is held twice or lost: a grant
 * whose answer was lost is void, because the shard's next request doesn't state it.
 */
export class TaskLimiter {
  readonly #ports: LimiterPorts;
  readonly #holders = new Map<number, HolderEntry>();
  /** The last start granted, by chain. */
  readonly #lastAt = new Map<string, number>();
  readonly #line = new WaitingLine();
  /** When the holders were last asked to give places back. */
  #givesAskedAt = 0;
  #limits: TaskLimits = NO_LIMITS;
  #version = -1;
  /** Starts may have been granted up to here before this object started; only slow chains have a row. */
  readonly #grantedUntil: number;

  constructor(ports: LimiterPorts) {
    this.#ports = ports;
    const isNew = migrate(ports.sql, MIGRATIONS);
    this.#grantedUntil = isNew ? -Infinity : ports.clock.now() + HORIZON_MS;
    for (const row of ports.sql.exec<{ shard: number; seq: number; holdings: string }>(
      "SELECT * FROM holders",
    )) {
      const holdings = JSON.parse(row.holdings) as Holding[];
      this.#holders.set(row.shard, { seq: row.seq, holdings: byKey(holdings) });
    }
    for (const row of ports.sql.exec<{ chain: string; last_at: number }>("SELECT * FROM slots")) {
      this.#lastAt.set(row.chain, row.last_at);
    }
  }

  /**
   * Takes note of what a shard holds and grants what it may have of what it wants. One transaction. A
   * request that comes late (its shard has asked since) changes nothing and gets nothing.
   */
  ask(request: LimitRequest): LimitAnswer {
    const known = this.#holders.get(request.shard);
    if (known !== undefined && request.seq <= known.seq) {
      return { grants: [], retryAt: null, isContended: false };
    }
    const now = this.#ports.clock.now();
    if (request.version >= this.#version) {
      this.#limits = request.limits;
      this.#version = request.version;
    }
    this.#line.heard(request.shard, now);
    const before = placesOf(known?.holdings);
    this.#holders.set(request.shard, { seq: request.seq, holdings: byKey(request.holdings) });
    const answer = this.#grant(request, now);
    this.#keep(request.shard, answer.grants, known);
    const after = placesOf(this.#holders.get(request.shard)?.holdings);
    this.#nudgeOthers(request.shard, after < before, now);
    return answer;
  }

  /** The tasks that hold places, as their shards last said. */
  holders(key: string | null): Holder[] {
    return [...this.#holders].flatMap(([shard, { holdings }]) =>
      [...holdings.values()]
        .filter((holding) => key === null || holding.key === key)
        .flatMap((holding) =>
          holding.running.map((taskId) => ({ shard, key: holding.key, taskId })),
        ),
    );
  }

  #grant({ shard, wants }: LimitRequest, now: number): LimitAnswer {
    const grants: Grant[] = [];
    let retryAt: number | null = null;
    const blocked = new Set<string>();
    const served = new Set<string>();
    for (const want of wants) {
      const { grant, blockedBy, nextAt } = this.#grantOne(shard, want, now);
      if (grant !== null) {
        grants.push(grant);
        served.add(ALL).add(grant.key);
      }
      if (blockedBy !== null) blocked.add(blockedBy);
      if (nextAt !== null) retryAt = Math.min(retryAt ?? Infinity, nextAt - LEAD_MS);
    }
    this.#line.waitFor(shard, served, blocked, now);
    const isContended = [...this.#line.shards()].some((other) => other !== shard);
    return { grants, retryAt: retryAt === null ? null : Math.max(now + 1, retryAt), isContended };
  }

  /** As many starts of one key as its limits allow now. */
  #grantOne(
    shard: number,
    { key, count }: Want,
    now: number,
  ): { grant: Grant | null; blockedBy: string | null; nextAt: number | null } {
    const { perKey } = this.#limits;
    const isKeyed = key !== ALL && !isUnlimited(perKey);
    const chains = [
      { chain: ALL, limits: this.#limits as LimitSet },
      ...(isKeyed ? [{ chain: key, limits: perKey }] : []),
    ];
    const slots: number[] = [];
    let granted = 0;
    let blockedBy: string | null = null;
    let nextAt: number | null = null;
    const hasRate = chains.some(({ limits }) => limits.rate !== null);
    const hasPlaces = chains.some(({ limits }) => limits.concurrency !== null);
    while (granted < count && blockedBy === null && nextAt === null) {
      blockedBy =
        chains.find(({ chain, limits }) => !this.#isAwaited(shard, chain, limits))?.chain ?? null;
      if (blockedBy !== null) break;
      const at = Math.max(now, ...chains.map(({ chain, limits }) => this.#nextAt(chain, limits)));
      if (at > now + HORIZON_MS) {
        nextAt = at;
        break;
      }
      for (const { chain, limits } of chains) {
        if (limits.rate !== null) this.#lastAt.set(chain, at);
      }
      if (hasRate) slots.push(Math.ceil(at));
      if (hasPlaces) this.#addPlace(shard, key);
      granted += 1;
    }
    const grant =
      granted === 0
        ? null
        : { key, places: hasPlaces ? granted : 0, slots: hasRate ? slots : null };
    return { grant, blockedBy, nextAt };
  }

  /** The earliest time of the next start of a chain; 0: any. */
  #nextAt(chain: string, { rate }: LimitSet): number {
    if (rate === null) return 0;
    const spacing = spacingMs(rate);
    const last = this.#lastAt.get(chain);
    if (last !== undefined) return last + spacing;
    return spacing < SHORT_SPACING_MS ? this.#grantedUntil + spacing : 0;
  }

  /** Whether a place is free for the shard: one that waited longer has the first claim to it. */
  #isAwaited(shard: number, resource: string, { concurrency }: LimitSet): boolean {
    if (concurrency === null) return true;
    let taken = 0;
    for (const { holdings } of this.#holders.values()) {
      if (resource === ALL) taken += placesOf(holdings);
      else taken += holdings.get(resource)?.places ?? 0;
    }
    return taken + this.#line.before(shard, resource) < concurrency;
  }

  #addPlace(shard: number, key: string): void {
    const holder = this.#holders.get(shard);
    if (holder === undefined) return;
    const { places = 0, running = [] } = holder.holdings.get(key) ?? {};
    const holdings = new Map(holder.holdings).set(key, { key, places: places + 1, running });
    this.#holders.set(shard, { seq: holder.seq, holdings });
  }

  /** Rows written: one if the shard holds, or held, places; one per chain of a slow rate. */
  #keep(shard: number, grants: readonly Grant[], known: HolderEntry | undefined): void {
    const { sql } = this.#ports;
    sql.transaction(() => {
      const holder = this.#holders.get(shard);
      const hasOrHad = placesOf(holder?.holdings) > 0 || placesOf(known?.holdings) > 0;
      if (holder !== undefined && hasOrHad) {
        consume(
          sql.exec(
            "INSERT OR REPLACE INTO holders (shard, seq, holdings) VALUES (?, ?, ?)",
            shard,
            holder.seq,
            JSON.stringify([...holder.holdings.values()]),
          ),
        );
      }
      const chains = new Set(
        grants.flatMap(({ key, slots }) => (slots === null ? [] : [ALL, key])),
      );
      for (const chain of chains) this.#keepSlot(chain);
    });
  }

  #keepSlot(chain: string): void {
    const { rate } = chain === ALL ? this.#limits : this.#limits.perKey;
    const lastAt = this.#lastAt.get(chain);
    if (rate === null || lastAt === undefined || spacingMs(rate) < SHORT_SPACING_MS) return;
    const { sql } = this.#ports;
    const past = lastAt - Math.max(CHAIN_EXPIRY_MS, 2 * spacingMs(rate));
    for (const row of [
      ...sql.exec<{ chain: string }>("DELETE FROM slots WHERE last_at < ? RETURNING chain", past),
    ]) {
      this.#lastAt.delete(row.chain);
    }
    consume(
      sql.exec(
        "INSERT OR REPLACE INTO slots (chain, last_at) VALUES (?, ?)",
        chain,
        Math.ceil(lastAt),
      ),
    );
  }

  /** Places came back: whoever waits for them is told. And while somebody waits, holders are to give. */
  #nudgeOthers(shard: number, isFreed: boolean, now: number): void {
    const waiting = this.#line.shards();
    if (waiting.size === 0) return;
    if (isFreed) for (const other of waiting) if (other !== shard) this.#nudge(other, "take");
    if (!waiting.has(shard) || now - this.#givesAskedAt < GIVE_EVERY_MS) return;
    this.#givesAskedAt = now;
    for (const [other, { holdings }] of this.#holders) {
      if (other !== shard && placesOf(holdings) > 0) this.#nudge(other, "give");
    }
  }

  #nudge(shard: number, nudge: Nudge): void {
    const told = this.#ports.nudge(shard, nudge).catch((error: unknown) => {
      this.#ports.log("nudge_failed", { shard, error });
    });
    this.#ports.background(told);
  }
}

function byKey(holdings: readonly Holding[]): ReadonlyMap<string, Holding> {
  return new Map(holdings.map((holding) => [holding.key, holding]));
}

function placesOf(holdings: ReadonlyMap<string, Holding> | undefined): number {
  let places = 0;
  for (const holding of holdings?.values() ?? []) places += holding.places;
  return places;
}
