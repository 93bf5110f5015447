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
  readonly #limiter: TaskLimiter;
  #seq = 0;

  constructor(rate: string, lateMs: readonly number[]) {
    this.#limits = { ...NO_LIMITS, rate: parseRate("rateLimit", rate) };
    this.#lateMs = lateMs;
    this.granted = lateMs.map(() => 0);
    this.#limiter = new TaskLimiter({
      clock: this.world,
      sql: new SimSql(),
      nudge: async () => undefined,
      background: (work) => void work,
      log: () => undefined,
    });
    for (const shard of lateMs.keys()) this.#ask(shard);
  }

  #ask(shard: number): void {
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

it("a shard that does not come when its turn is holds nobody up for long", async () => {
  const asking = new Asking("2/s", [Infinity, 0]);
  await asking.pass(60_000);
  expect(asking.granted[1]).toBeGreaterThan(0.9 * 2 * 60);
});
