import { Events, Station } from "./events.ts";
import { drawn, pauseBefore, stream } from "./random.ts";

/** How long things take, ms. `…TaskMs` comes on top for each task in it. */
export interface ServiceTimes {
  /**
   * What passes on a request's way to the front, and keeps nobody else waiting: the network, and locally the proxies
   * of `wrangler dev`. Measured ones, of which each request draws one; none: no time passes.
   */
  readonly wayMs: readonly number[];
  /** A request over HTTP, but for what the shard does. */
  readonly frontMs: number;
  /** A shard's submit, and its exchange (settle and claim). */
  readonly submitMs: number;
  readonly submitTaskMs: number;
  readonly exchangeMs: number;
  readonly exchangeTaskMs: number;
  /** A consumer's own work on a task, besides waiting for what the handler awaits. */
  readonly runMs: number;
  /** From the bell to the consumer's claim. */
  readonly bellMs: number;
  /** A batch of finished tasks in D1. */
  readonly flushMs: number;
  readonly flushTaskMs: number;
  /**
   * The processor stands still now and then, mostly for a garbage collection: once in so much work on average, and
   * for how long. Measured ones, of which each stall draws one; none: it never does.
   */
  readonly stallEveryMs: number;
  readonly stallMs: readonly number[];
}

export interface Load {
  /** Tasks a second, over all shards; they come as they like (Poisson). */
  readonly rate: number;
  /** Tasks that one request brings. */
  readonly batch: number;
  readonly shards: number;
  /** What a handler awaits. */
  readonly durationMs: number;
  /** Simulated time; a tenth of it comes before the measurement. */
  readonly seconds: number;
  readonly seed: number;
  /** One processor does everything, as in the local server; else shards and D1 have one each. */
  readonly isShared: boolean;
}

/** Numbers of the ledger and the consumer; see wakeups.ts, drain.ts and flusher.ts. */
const QUICK_MS = 10;
const WIDE = { claim: 200, tasksPerConsumer: 250, maxConsumers: 16 };
const NARROW = { claim: 50, tasksPerConsumer: 50, maxConsumers: 64 };
const BACK_SOON_MS = 50;
const BUDGET_MS = 1_000;
const FLUSH_TASKS = 1_000;
const EAGER_TASKS = 250;
const COMPANY_MS = 50;
const FLOW_COMPANY_MS = 250;
const FLOW_MS = 1_000;

/** What one shard did, in units and sorted times (ms). */
export interface ShardRun {
  readonly seconds: number;
  /** Tasks that ended, and that wait at the end. */
  readonly ended: number;
  readonly waiting: number;
  readonly unflushed: number;
  /** From a request to its answer, and from it to the task's end. */
  readonly submits: readonly number[];
  readonly latencies: readonly number[];
  /** Share of the time that they were busy. */
  readonly shardBusy: number;
  readonly databaseBusy: number;
  readonly rows: number;
  readonly requests: number;
  readonly bells: number;
  readonly httpRequests: number;
}

/** Shards are alike and know nothing of each other: one of them is run, with its share of the load. */
export function simulateShard(load: Load, times: ServiceTimes): ShardRun {
  const warmMs = load.seconds * 100;
  const shard = new Shard(load, times, warmMs);
  return shard.run(warmMs + load.seconds * 1_000);
}

class Shard {
  readonly #events = new Events();
  readonly #shard: Station;
  readonly #database: Station;
  readonly #load: Load;
  readonly #times: ServiceTimes;
  readonly #from: number;
  readonly #random: () => number;
  /** When the tasks that wait were asked for, oldest first; and how many of them are gone. */
  #waiting: number[] = [];
  #head = 0;
  #bellsUnderWay = 0;
  #isRechecking = false;
  /** When each consumer at work claimed last. */
  readonly #claims = new Map<number, number>();
  #consumers = 0;
  #finished = 0;
  #isFlushing = false;
  #flushedAt = -Infinity;
  readonly #submits: number[] = [];
  readonly #latencies: number[] = [];
  #ended = 0;
  #rows = 0;
  #requests = 0;
  #bells = 0;
  #http = 0;

  constructor(load: Load, times: ServiceTimes, from: number) {
    this.#load = load;
    this.#times = times;
    this.#from = from;
    this.#random = stream(load.seed);
    this.#shard = new Station(this.#events, stalls(times, stream(load.seed + 1)));
    this.#database = load.isShared ? this.#shard : new Station(this.#events);
  }

  run(until: number): ShardRun {
    this.#arriveNext();
    this.#events.runUntil(this.#from);
    const before = [this.#shard.busyMs, this.#database.busyMs] as const;
    this.#rows = this.#requests = this.#bells = this.#http = this.#ended = 0;
    this.#events.runUntil(until);
    const ms = until - this.#from;
    const rising = (a: number, b: number) => a - b;
    return {
      seconds: ms / 1_000,
      ended: this.#ended,
      waiting: this.#waiting.length - this.#head,
      unflushed: this.#finished,
      submits: this.#submits.sort(rising),
      latencies: this.#latencies.sort(rising),
      shardBusy: (this.#shard.busyMs - before[0]) / ms,
      databaseBusy: (this.#database.busyMs - before[1]) / ms,
      rows: this.#rows,
      requests: this.#requests,
      bells: this.#bells,
      httpRequests: this.#http,
    };
  }

  #arriveNext(): void {
    const { rate, shards, batch } = this.#load;
    this.#events.after(pauseBefore(rate / shards / batch / 1_000, this.#random), () => {
      this.#arriveNext();
      this.#submit();
    });
  }

  /** A processor that is shared does the work, too; else the time passes for the request alone. */
  #aside(ms: number, done: () => void): void {
    if (this.#load.isShared) this.#shard.serve(ms, done);
    else this.#events.after(ms, done);
  }

  #submit(): void {
    const askedAt = this.#events.now;
    const { batch } = this.#load;
    const { frontMs, submitMs, submitTaskMs } = this.#times;
    this.#http += 1;
    this.#requests += 1;
    this.#pass(() => {
      this.#aside(frontMs, () => {
        this.#shard.serve(submitMs + batch * submitTaskMs, () => {
          if (askedAt >= this.#from) this.#submits.push(this.#events.now - askedAt);
          for (let count = 0; count < batch; count += 1) this.#waiting.push(askedAt);
          this.#rows += batch;
          this.#callConsumers();
        });
      });
    });
  }

  /** The way of a request to the front. */
  #pass(done: () => void): void {
    this.#events.after(drawn(this.#times.wayMs, this.#random), done);
  }

  get #count(): number {
    return this.#waiting.length - this.#head;
  }

  get #width() {
    return this.#load.durationMs < QUICK_MS ? WIDE : NARROW;
  }

  #callConsumers(): void {
    if (this.#count === 0) return;
    const since = this.#events.now - BACK_SOON_MS;
    let recent = 0;
    for (const at of this.#claims.values()) if (at > since) recent += 1;
    const { tasksPerConsumer, maxConsumers } = this.#width;
    const wanted = Math.min(maxConsumers, Math.ceil(this.#count / tasksPerConsumer)) - recent;
    if (wanted > 0) {
      if (this.#claims.size < maxConsumers) this.#ring(wanted);
    } else if (!this.#isRechecking) {
      this.#isRechecking = true;
      this.#events.after(BACK_SOON_MS, () => {
        this.#isRechecking = false;
        if (this.#count > 0) this.#ring(1);
      });
    }
  }

  #ring(wanted: number): void {
    if (this.#bellsUnderWay >= wanted) return;
    this.#bellsUnderWay += 1;
    this.#bells += 1;
    this.#events.after(this.#times.bellMs, () => {
      this.#consumers += 1;
      this.#exchange(this.#consumers, [], this.#events.now, true);
    });
  }

  /** A consumer settles what it ran and claims the next. */
  #exchange(consumer: number, ran: readonly number[], since: number, isFirst: boolean): void {
    const isOver = this.#events.now - since >= BUDGET_MS;
    const { claim } = this.#width;
    const claimable = isOver ? 0 : Math.min(claim, this.#count);
    const { exchangeMs, exchangeTaskMs, runMs } = this.#times;
    this.#requests += 1;
    this.#shard.serve(exchangeMs + (ran.length + claimable) * exchangeTaskMs, () => {
      if (isFirst) this.#bellsUnderWay -= 1;
      this.#settle(ran);
      const claimed = isOver ? [] : this.#take(claim);
      if (claimed.length === 0) {
        this.#claims.delete(consumer);
        this.#callConsumers();
        return;
      }
      this.#claims.set(consumer, this.#events.now);
      this.#rows += 1;
      this.#callConsumers();
      this.#aside(claimed.length * runMs, () => {
        this.#events.after(this.#load.durationMs, () => {
          this.#exchange(consumer, claimed, since, false);
        });
      });
    });
  }

  #take(limit: number): number[] {
    const taken = this.#waiting.slice(this.#head, this.#head + limit);
    this.#head += taken.length;
    if (this.#head > 10_000) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /**
   * Each leaves its row, and enters one that it shares with those that ended with it. The history's row is still to
   * come; its purge is none, it is written over.
   */
  #settle(ran: readonly number[]): void {
    if (ran.length === 0) return;
    const { now } = this.#events;
    for (const askedAt of ran) if (askedAt >= this.#from) this.#latencies.push(now - askedAt);
    this.#ended += ran.length;
    this.#rows += 2 * ran.length + 1;
    this.#finished += ran.length;
    if (!this.#isFlushing) this.#flush();
  }

  #flush(): void {
    this.#isFlushing = this.#finished > 0;
    if (!this.#isFlushing) return;
    const isFlow = this.#events.now - this.#flushedAt < FLOW_MS;
    const companyMs = isFlow ? FLOW_COMPANY_MS : COMPANY_MS;
    this.#events.after(this.#finished < EAGER_TASKS ? companyMs : 0, () => {
      const batch = Math.min(FLUSH_TASKS, this.#finished);
      const { flushMs, flushTaskMs } = this.#times;
      // D1 has one line for all shards: what one sends meets as much of each other.
      const all = this.#load.isShared ? 1 : this.#load.shards;
      this.#database.serve((flushMs + batch * flushTaskMs) * all, () => {
        this.#finished -= batch;
        this.#flushedAt = this.#events.now;
        this.#flush();
      });
    });
  }
}

/** How long a processor stands still after so much work, ms: at random, as often as it was measured. */
function stalls(
  { stallEveryMs, stallMs }: ServiceTimes,
  random: () => number,
): (workMs: number) => number {
  if (stallMs.length === 0) return () => 0;
  const next = () => pauseBefore(1 / stallEveryMs, random);
  let leftMs = next();
  return (workMs) => {
    leftMs -= workMs;
    let stalledMs = 0;
    for (; leftMs <= 0; leftMs += next()) stalledMs += drawn(stallMs, random);
    return stalledMs;
  };
}
