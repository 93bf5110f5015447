import { expect, it } from "vitest";
import { NO_LIMITS, parseRate, type TaskLimits } from "#engine";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import type { Holding, LimitRequest, Nudge } from "#platform/limiter/protocol.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { World } from "../../../src/testing/world.ts";

const ONE_PER_KEY = { rate: null, concurrency: 1 };

/** A limiter and what it says. */
class Rig {
  readonly world = new World(1);
  readonly sql = new SimSql();
  readonly nudges: [shard: number, nudge: Nudge][] = [];
  /** Its clock is off by so much, ms. */
  clockOff = 0;
  readonly #limits: TaskLimits;
  #limiter: TaskLimiter;
  #seq = 0;

  constructor(limits: Partial<TaskLimits>) {
    this.#limits = { ...NO_LIMITS, ...limits };
    this.#limiter = this.#create();
  }

  /** Another object, with what this one wrote. */
  startAgain(): void {
    this.#limiter = this.#create();
  }

  #create(): TaskLimiter {
    return new TaskLimiter({
      clock: { now: () => this.world.now() + this.clockOff },
      sql: this.sql,
      nudge: async (shard, nudge) => void this.nudges.push([shard, nudge]),
      background: (work) => void work,
      log: () => undefined,
    });
  }

  /** A shard asks for one start of each of these keys. @returns the keys that got one, and the others' waits */
  ask(shard: number, keys: readonly string[], over: Partial<LimitRequest> = {}) {
    this.#seq += 1;
    this.nudges.length = 0;
    const { grants, waits } = this.#limiter.ask({
      shard,
      seq: this.#seq,
      limits: this.#limits,
      version: 1,
      holdings: [],
      wants: keys.map((key) => ({ key, count: 1 })),
      leadMs: 0,
      leaves: [],
      ...over,
    });
    return { granted: grants.map(({ key }) => key), waits, grants };
  }

  pass(ms: number) {
    return this.world.run(this.world.now() + ms);
  }
}

function runs(...keys: string[]): { holdings: Holding[] } {
  return { holdings: keys.map((key) => ({ key, places: 1, running: [`task of ${key}`] })) };
}

const take = (...resources: string[]): Nudge => ({ kind: "take", resources });

it("says for each key what holds it up, and grants the others", () => {
  const rig = new Rig({ perKey: ONE_PER_KEY });
  rig.ask(1, ["x"]);
  const answer = rig.ask(2, ["x", "y"]);
  expect(answer.granted).toEqual(["y"]);
  expect(answer.waits).toEqual([{ resource: "x", retryAt: null }]);
});

it("who waits for a key is told when its holder goes on with another", () => {
  const rig = new Rig({ perKey: ONE_PER_KEY });
  rig.ask(1, ["x"]);
  rig.ask(2, ["x"]);
  expect(rig.ask(1, ["y"]).granted).toEqual(["y"]);
  expect(rig.nudges).toContainEqual([2, take("x")]);
});

it("who is first in line and comes to wait elsewhere lets the next one pass", async () => {
  const rig = new Rig({ concurrency: 2, perKey: ONE_PER_KEY });
  rig.ask(0, ["x", "y"]);
  rig.ask(1, ["x"]);
  await rig.pass(10);
  rig.ask(2, ["z"]);
  rig.ask(0, [], runs("x"));
  expect(rig.nudges).toEqual([
    [1, take("")],
    [2, take("")],
  ]);
  expect(rig.ask(2, ["z"]).granted).toEqual([]);
  expect(rig.ask(1, ["x"]).granted).toEqual([]);
  expect(rig.nudges).toContainEqual([2, take("")]);
  expect(rig.ask(2, ["z"]).granted).toEqual(["z"]);
});

it("who is in line and wants nothing more lets the next one pass", async () => {
  const rig = new Rig({ concurrency: 1 });
  rig.ask(0, [""]);
  rig.ask(1, [""]);
  await rig.pass(10);
  rig.ask(2, [""]);
  rig.ask(0, []);
  rig.ask(1, [], { leaves: [""] });
  expect(rig.nudges).toContainEqual([2, take("")]);
  expect(rig.ask(2, [""]).granted).toEqual([""]);
});

it("a shard keeps its place in a line while it speaks of other keys", async () => {
  const rig = new Rig({ perKey: ONE_PER_KEY });
  rig.ask(0, ["x"]);
  rig.ask(1, ["x"]);
  await rig.pass(10);
  rig.ask(2, ["x"]);
  rig.ask(1, ["y"]);
  rig.ask(0, []);
  expect(rig.ask(2, ["x"]).granted).toEqual([]);
  expect(rig.ask(1, ["x"], runs("y")).granted).toEqual(["x"]);
});

it("who gives a place back and is itself in line for it is told", async () => {
  const rig = new Rig({ perKey: ONE_PER_KEY });
  const wants = [{ key: "x", count: 2 }];
  rig.ask(0, [], { wants });
  rig.ask(0, []);
  expect(rig.nudges).toContainEqual([0, take("x")]);
});

it("keys share the starts of all in turns, and one that has used its own holds none up", () => {
  const rate = parseRate("rateLimit", "50/s");
  const perKey = { rate: parseRate("rateLimit", "3/s"), concurrency: null };
  const rig = new Rig({ rate, perKey });
  rig.ask(0, ["a"]);
  const wants = ["a", "b", "c"].map((key) => ({ key, count: 10 }));
  const { grants } = rig.ask(0, [], { wants });
  const first = (key: string) => grants.find((grant) => grant.key === key)?.slots?.[0] ?? Infinity;
  expect(first("b") - rig.world.now()).toBeLessThan(50);
  expect(first("c") - rig.world.now()).toBeLessThan(50);
  expect(first("a")).toBeGreaterThan(first("c"));
});

it("keys that bound nothing any more leave no rows", async () => {
  const rig = new Rig({ perKey: { rate: parseRate("rateLimit", "10/m"), concurrency: null } });
  const rows = () => rig.sql.peek("SELECT 1 FROM slots").length;
  const keys = Array.from({ length: 100 }, (_, n) => `k${n}`);
  rig.ask(0, keys);
  expect(rows()).toBe(100);
  await rig.pass(3 * 3_600_000);
  rig.ask(0, ["other"]);
  expect(rows()).toBe(1);
});

it("grants no start that is over when its answer is there, and none for more than half a second ahead", () => {
  const rig = new Rig({ perKey: { rate: parseRate("rateLimit", "10/s"), concurrency: null } });
  const now = rig.world.now();
  const slotsOf = (key: string, leadMs: number) => rig.ask(1, [key], { leadMs }).grants[0]?.slots;
  expect(slotsOf("a", 0)).toEqual([now]);
  expect(slotsOf("b", 70.5)).toEqual([now + 71]);
  expect(slotsOf("b", 70.5)).toEqual([now + 174]);
  expect(slotsOf("c", 5_000)).toEqual([now + 500]);
});

it("an object that starts again grants no start twice, where what was granted could not all be written down", async () => {
  const perKey = { rate: parseRate("rateLimit", "1/m"), concurrency: null };
  const rig = new Rig({ rate: parseRate("rateLimit", "10/s"), perKey });
  rig.ask(0, ["a"]);
  await rig.pass(9_900);
  rig.sql.setHooks({
    around: (statement, run) => {
      if (statement.includes("INTO slots")) throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  expect(() => rig.ask(0, ["b"])).toThrow("the disk failed");
  rig.sql.setHooks({ around: (_statement, run) => run(), committed: () => undefined });
  expect(rig.ask(0, ["c"]).granted).toEqual(["c"]);
  rig.startAgain();
  expect(rig.ask(0, ["d"]).granted).toEqual([]);
  await rig.pass(600);
  expect(rig.ask(0, ["d"]).granted).toEqual(["d"]);
});

for (const rate of ["10/s", "10/m"]) {
  it(`a clock that goes back by an hour holds up no start of ${rate} for an hour`, async () => {
    const rig = new Rig({ rate: parseRate("rate_limit", rate) });
    for (let times = 0; times < 8; times += 1) rig.ask(1, [""]);
    rig.clockOff = -3_600_000;
    for (const isAnother of [false, true]) {
      if (isAnother) rig.startAgain();
      const [wait] = rig.ask(1, [""]).waits;
      expect(wait?.retryAt).toBeLessThan(rig.world.now() + rig.clockOff + 7_000);
    }
    await rig.pass(7_000);
    expect(rig.ask(1, [""]).granted).toEqual([""]);
    expect(rig.ask(1, [""]).granted).toEqual(rate === "10/s" ? [""] : []);
  });
}

it("after a clock went back who waited and comes no more holds nobody up", async () => {
  const slow = new Rig({ rate: parseRate("rate_limit", "10/m") });
  slow.ask(1, [""]);
  expect(slow.ask(2, [""]).granted).toEqual([]);
  slow.clockOff = -3_600_000;
  slow.ask(1, [""]);
  await slow.pass(10_000);
  expect(slow.ask(1, [""]).granted).toEqual([""]);
  const one = new Rig({ concurrency: 1 });
  one.ask(1, [""]);
  expect(one.ask(2, [""], runs()).granted).toEqual([]);
  one.clockOff = -3_600_000;
  expect(one.ask(3, [""], runs()).granted).toEqual([]);
  one.ask(1, [], runs());
  expect(one.ask(3, [""], runs()).granted).toEqual([""]);
});
