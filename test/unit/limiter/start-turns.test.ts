import { expect, it } from "vitest";
import { NO_LIMITS, parseRate } from "#engine";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { World } from "../../../src/testing/world.ts";

/** Shards that ask a limiter for as much as there is, each so long after the time that it was told. */
class Asking {
  readonly world = new World(1);
  /** Starts granted, by shard. */
  readonly granted: number[];
  readonly #limits;
  readonly #lateMs: readonly number[];
  readonly #sql = new SimSql();
  #limiter: TaskLimiter;
  #seq = 0;
  #askedAt = 0;

  constructor(rate: string, lateMs: readonly number[]) {
    this.#limits = { ...NO_LIMITS, rate: parseRate("rateLimit", rate) };
    this.#lateMs = lateMs;
    this.granted = lateMs.map(() => 0);
    this.#limiter = this.#create();
    for (const shard of lateMs.keys()) this.#ask(shard);
  }

  #create(): TaskLimiter {
    return new TaskLimiter({
      clock: this.world,
      sql: this.#sql,
      nudge: async () => undefined,
      background: (work) => void work,
      log: () => undefined,
    });
  }

  #ask(shard: number): void {
    // It is out of memory by then.
    if (this.world.now() - this.#askedAt >= 10_000) this.#limiter = this.#create();
    this.#askedAt = this.world.now();
    const late = this.#lateMs[shard] ?? 0;
    const { now, grants, waits } = this.#limiter.ask({
      ...{ shard, seq: (this.#seq += 1), limits: this.#limits, version: 0 },
      ...{ holdings: [], wants: [{ key: "", count: 100 }], leadMs: 0, leaves: [] },
    });
    for (const { slots } of grants)
      this.granted[shard] = (this.granted[shard] ?? 0) + (slots?.length ?? 0);
    const again = (waits[0]?.retryAt ?? Infinity) - now + late;
    if (again < Infinity) this.world.after(again, () => this.#ask(shard));
  }

  async pass(ms: number): Promise<void> {
    await this.world.run(this.world.now() + ms);
  }
}

it.each(["2/s", "20/s", "60/m"])(
  "the shard that asks last has its turn like the others: %s",
  async (rate) => {
    const asking = new Asking(rate, [0, 1, 20]);
    await asking.pass(60_000);
    const all = asking.granted.reduce((sum, count) => sum + count, 0);
    const { starts = 0, periodMs = 1 } = parseRate("rateLimit", rate) ?? {};
    expect(all / 60_000).toBeGreaterThan((0.95 * starts) / periodMs);
    expect(Math.min(...asking.granted)).toBeGreaterThan(all / 10);
  },
);

it.each(["4/m", "1/m"])(
  "it has also where the limiter is idle between two starts: %s",
  async (rate) => {
    const asking = new Asking(rate, [0, 1, 20]);
    await asking.pass(3_600_000);
    const all = asking.granted.reduce((sum, count) => sum + count, 0);
    const { starts = 0 } = parseRate("rateLimit", rate) ?? {};
    expect(all / 60).toBeGreaterThan(0.95 * starts);
    expect(Math.min(...asking.granted)).toBeGreaterThan(0.3 * all);
  },
);

it("a shard that does not come when its turn is holds nobody up for long", async () => {
  const asking = new Asking("2/s", [Infinity, 0]);
  await asking.pass(60_000);
  expect(asking.granted[1]).toBeGreaterThan(0.9 * 2 * 60);
});

it.each<[was: string, is: string, how: string]>([
  ["2/s", "2/s", "says so"],
  ["1/h", "2/s", "says nothing, and the rate is another"],
])(
  "who waited for a start at %s and has nothing any more holds nobody up at %s: it %s",
  async (was, is, how) => {
    const world = new World(1);
    const limiter = new TaskLimiter({
      ...{ clock: world, sql: new SimSql(), nudge: async () => undefined },
      ...{ background: (work) => void work, log: () => undefined },
    });
    let seq = 0;
    const ask = (shard: number, rate: string, count = 1) =>
      limiter.ask({
        ...{ shard, seq: (seq += 1), version: rate === was ? 1 : 2, holdings: [] },
        limits: { ...NO_LIMITS, rate: parseRate("rateLimit", rate) },
        wants: count > 0 ? [{ key: "", count }] : [],
        leaves: count > 0 ? [] : [""],
        leadMs: 0,
      });
    ask(0, was);
    for (const shard of [1, 2, 3, 4]) {
      ask(shard, was, 5);
      if (how === "says so") ask(shard, was, 0);
    }
    const from = world.now();
    let answer = ask(5, is);
    for (let asked = 0; answer.grants.length === 0 && asked < 20; asked += 1) {
      await world.run(answer.waits[0]?.retryAt ?? Infinity);
      answer = ask(5, is);
    }
    expect((answer.grants[0]?.slots?.[0] ?? Infinity) - from).toBeLessThan(700);
  },
);
