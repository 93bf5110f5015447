import { isUnlimited, NO_LIMITS, type Clock, type LimitSet, type TaskLimits } from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { consume, migrate } from "../ledger/schema.ts";
import { byKey, freedBy, placesOf } from "./holdings.ts";
import { nextOf, type Portion } from "./portions.ts";
import { MIGRATIONS } from "./schema.ts";
import { firstUse, HORIZON_MS, StartChains } from "./start-chains.ts";
import { StartTurns } from "./start-turns.ts";
import { WaitingLine } from "./waiting-line.ts";
import {
  ALL,
  type Holder,
  type Holding,
  type LimitAnswer,
  type LimitRequest,
  type Nudge,
  type Wait,
} from "./protocol.ts";

/** Those who hold places are asked for them this often while somebody waits. */
const GIVE_EVERY_MS = 10_000;

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
  readonly holdings: Map<string, Holding>;
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
  readonly #chains: StartChains;
  #line = new WaitingLine();
  readonly #turns = new StartTurns();
  /** When the holders were last asked to give places back. */
  #givesAskedAt = 0;
  #limits: TaskLimits = NO_LIMITS;
  #version = -1;
  /** When it was asked last, by its clock. */
  #latestNow = -Infinity;

  constructor(ports: LimiterPorts) {
    this.#ports = ports;
    const isNew = migrate(ports.sql, MIGRATIONS);
    this.#chains = new StartChains(ports.sql, this.#turns, isNew, ports.clock.now());
    for (const row of ports.sql.exec<{ shard: number; seq: number; holdings: string }>(
      "SELECT * FROM holders",
    )) {
      const holdings = JSON.parse(row.holdings) as Holding[];
      this.#holders.set(row.shard, { seq: row.seq, holdings: byKey(holdings) });
    }
  }

  /**
   * Takes note of what a shard holds and grants what it may have of what it wants. A request that comes
   * late (its shard has asked since) changes nothing and gets nothing.
   */
  ask(request: LimitRequest): LimitAnswer {
    const { shard } = request;
    const known = this.#holders.get(shard);
    const now = this.#ports.clock.now();
    if (now < this.#latestNow - HORIZON_MS) this.#clockWentBack(now);
    this.#latestNow = Math.max(this.#latestNow, now);
    if (known !== undefined && request.seq <= known.seq) {
      const waits = [{ resource: ALL, retryAt: null }];
      return { now, grants: [], waits, isContended: false, latestSeq: known.seq };
    }
    if (request.version >= this.#version) {
      // By the old rate some were told to come in an hour.
      if (request.version > this.#version && this.#version >= 0) this.#turns.clear();
      this.#limits = request.limits;
      this.#version = request.version;
    }
    const stated = byKey(request.holdings);
    this.#holders.set(shard, { seq: request.seq, holdings: stated });
    const wanted = request.wants.map(({ key }) => key);
    const spokenOf = new Set(wanted.length > 0 ? [ALL, ...wanted] : []);
    const loosened = this.#line.heard(shard, spokenOf, now);
    for (const resource of freedBy(known?.holdings, stated)) loosened.add(resource);
    for (const resource of request.leaves) {
      if (this.#line.leave(shard, resource)) loosened.add(resource);
      this.#turns.leave(shard, resource);
    }
    const portions = request.wants.map(({ key, count }) => this.#portion(key, count));
    const waits = this.#grant(shard, portions, firstUse(request, now), now);
    const joined = this.#queueUp(shard, portions, waits, loosened, now);
    this.#keep(shard, portions, joined, known, now);
    this.#callThose(shard, waits, loosened, now);
    const isContended = [...this.#line.shards()].some((other) => other !== shard);
    return { now, grants: this.#grantsOf(portions), waits: [...waits.values()], isContended };
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

  /** Those who wait come again by themselves: when they are to be forgotten is by the other time. */
  #clockWentBack(now: number): void {
    this.#line = new WaitingLine();
    this.#turns.clear();
    this.#givesAskedAt = 0;
    this.#latestNow = now;
    this.#chains.clockIs(now);
  }

  #portion(key: string, wanted: number): Portion {
    const { perKey } = this.#limits;
    const nextAt = key === ALL ? 0 : this.#chains.next(key, perKey);
    return { key, wanted, granted: 0, slots: [], nextAt };
  }

  /**
   * Grants start after start, to the key that may go first, in turns where several may.
   * @param from the earliest time that is of use, epoch ms
   * @returns what holds up the rest, by resource
   */
  #grant(shard: number, portions: Iterable<Portion>, from: number, now: number): Map<string, Wait> {
    const waits = new Map<string, Wait>();
    const open = new Set(portions);
    for (let next = nextOf(open); next !== null && !waits.has(ALL); next = nextOf(open)) {
      const wait = this.#start(shard, next, from, now);
      if (wait !== null) waits.set(wait.resource, wait);
      if (wait !== null || next.granted >= next.wanted) open.delete(next);
    }
    return waits;
  }

  /** Grants one start, or says why not. */
  #start(shard: number, portion: Portion, from: number, now: number): Wait | null {
    const { key } = portion;
    const bounds = this.#boundsOf(key);
    for (const [resource, limits] of bounds) {
      const isFree = this.#free(resource, limits) > this.#line.before(shard, resource);
      if (!isFree) return { resource, retryAt: null };
    }
    const at = Math.max(from, this.#chains.next(ALL, this.#limits), portion.nextAt);
    for (const [resource, limits] of bounds) {
      const nextAt = this.#chains.next(resource, limits);
      const wait = this.#turns.waitFor(shard, resource, limits.rate, { from, nextAt }, now);
      if (wait !== null) return wait;
    }
    for (const [chain, limits] of bounds) {
      this.#chains.take(chain, limits, at);
      this.#turns.served(shard, chain, now);
    }
    if (bounds.some(([, { rate }]) => rate !== null)) portion.slots.push(Math.ceil(at));
    if (bounds.some(([, { concurrency }]) => concurrency !== null)) this.#addPlace(shard, key);
    portion.granted += 1;
    portion.nextAt = this.#portion(key, 0).nextAt;
    return null;
  }

  /** What bounds the starts of a key: the limits of all calls, and its own. */
  #boundsOf(key: string): (readonly [resource: string, limits: LimitSet])[] {
    const { perKey } = this.#limits;
    const isKeyed = key !== ALL && !isUnlimited(perKey);
    return [[ALL, this.#limits], ...(isKeyed ? [[key, perKey] as const] : [])];
  }

  #grantsOf(portions: readonly Portion[]): LimitAnswer["grants"] {
    return portions
      .filter(({ granted }) => granted > 0)
      .map(({ key, granted, slots }) => {
        const bounds = this.#boundsOf(key);
        const hasPlaces = bounds.some(([, { concurrency }]) => concurrency !== null);
        const hasRate = bounds.some(([, { rate }]) => rate !== null);
        return { key, places: hasPlaces ? granted : 0, slots: hasRate ? slots : null };
      });
  }

  /**
   * Who was served goes to the end of the line, and waits where there was no place. Who came to wait
   * elsewhere makes room for those behind it. What was not looked at stays as it was.
   * @returns the chains of which it waits for a start from now on, one that is far off
   */
  #queueUp(
    shard: number,
    portions: readonly Portion[],
    waits: ReadonlyMap<string, Wait>,
    loosened: Set<string>,
    now: number,
  ): string[] {
    const joined: string[] = [];
    const served = new Set(portions.filter(({ granted }) => granted > 0).map(({ key }) => key));
    const spokenOf = new Set([...served, ...waits.keys()]);
    if (portions.length > 0) spokenOf.add(ALL);
    for (const resource of spokenOf) {
      const isServed = resource === ALL ? served.size > 0 : served.has(resource);
      const retryAt = waits.get(resource)?.retryAt;
      if (retryAt === null) this.#line.join(shard, resource, isServed, now);
      else if (this.#line.leave(shard, resource) && !isServed) loosened.add(resource);
      if (retryAt == null) this.#turns.leave(shard, resource);
      else if (this.#turns.wait(shard, resource, retryAt, now)) joined.push(resource);
    }
    return joined;
  }

  /** How many more tasks may run. */
  #free(resource: string, { concurrency }: LimitSet): number {
    if (concurrency === null) return Infinity;
    let taken = 0;
    for (const { holdings } of this.#holders.values()) {
      if (resource === ALL) taken += placesOf(holdings);
      else taken += holdings.get(resource)?.places ?? 0;
    }
    return concurrency - taken;
  }

  #addPlace(shard: number, key: string): void {
    const holdings = this.#holders.get(shard)?.holdings;
    const { places = 0, running = [] } = holdings?.get(key) ?? {};
    holdings?.set(key, { key, places: places + 1, running });
  }

  /**
   * Rows written: one if the shard holds, or held, places; and those of the chains. In no transaction: memory would not
   * know of a row that is taken back, and one that stays though no answer is given costs a start.
   */
  #keep(
    shard: number,
    portions: readonly Portion[],
    joined: readonly string[],
    known: HolderEntry | undefined,
    now: number,
  ): void {
    const holder = this.#holders.get(shard);
    const hasOrHad = placesOf(holder?.holdings) > 0 || placesOf(known?.holdings) > 0;
    if (holder !== undefined && hasOrHad) {
      consume(
        this.#ports.sql.exec(
          "INSERT OR REPLACE INTO holders (shard, seq, holdings) VALUES (?, ?, ?)",
          shard,
          holder.seq,
          JSON.stringify([...holder.holdings.values()]),
        ),
      );
    }
    const started = portions.filter(({ slots }) => slots.length > 0).map(({ key }) => key);
    const chains = new Set([...joined, ...(started.length > 0 ? [ALL, ...started] : [])]);
    this.#chains.keep(chains, this.#limits, now);
  }

  /**
   * Whoever waits for a resource that has become free, or whose line has become shorter, is told, but not
   * for what it was just refused. And while the shard that asked waits, those who hold places are to give.
   */
  #callThose(
    shard: number,
    refused: ReadonlyMap<string, Wait>,
    loosened: ReadonlySet<string>,
    now: number,
  ): void {
    const called = new Map<number, string[]>();
    for (const resource of loosened) {
      const limits = resource === ALL ? this.#limits : this.#limits.perKey;
      if (this.#free(resource, limits) <= 0) continue;
      for (const other of this.#line.at(resource)) {
        if (other === shard && refused.has(resource)) continue;
        called.set(other, [...(called.get(other) ?? []), resource]);
      }
    }
    for (const [other, resources] of called) this.#nudge(other, { kind: "take", resources });
    if (now - this.#givesAskedAt < GIVE_EVERY_MS || !this.#line.shards().has(shard)) return;
    this.#givesAskedAt = now;
    for (const [other, { holdings }] of this.#holders) {
      if (other !== shard && placesOf(holdings) > 0) this.#nudge(other, { kind: "give" });
    }
  }

  #nudge(shard: number, nudge: Nudge): void {
    const told = this.#ports.nudge(shard, nudge).catch((error: unknown) => {
      this.#ports.log("nudge_failed", { shard, error });
    });
    this.#ports.background(told);
  }
}
