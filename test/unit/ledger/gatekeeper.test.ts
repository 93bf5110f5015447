import { expect, it } from "vitest";
import { NO_CONTROLS, NO_LIMITS, parseRate, type TaskLimits } from "#engine";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import type { LedgerPorts } from "#platform/ledger/ports.ts";
import type { LimitAnswer, LimitRequest } from "#platform/limiter/protocol.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { World } from "../../../src/testing/world.ts";
import { Rig, success } from "./rig.ts";

interface Asked {
  readonly request: LimitRequest;
  readonly at: number;
  readonly answer: (answer: LimitAnswer) => void;
  readonly lose: (error: Error) => void;
}

const ONE = { ...NO_LIMITS, concurrency: 1 };
const FULL: LimitAnswer = {
  now: 1_800_000_000_000,
  grants: [],
  waits: [{ resource: "", retryAt: null }],
  isContended: false,
};

/** A ledger whose limiter answers when the test says so. */
class LimitedRig extends Rig {
  readonly asked: Asked[];

  constructor(limits: TaskLimits, over: Partial<LedgerPorts> = {}) {
    const asked: Asked[] = [];
    super({
      ...over,
      limitsOf: (name) => (name === "task" ? limits : null),
      limits: {
        ask: (_name, request) =>
          new Promise((answer, lose) => {
            asked.push({ request, at: this.world.now(), answer, lose });
          }),
      },
    });
    this.asked = asked;
  }

  /** Lets seconds pass, with an alarm or a tick each. */
  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count; second += 1) {
      this.world.after(1_000, () => undefined);
      await this.pass(1_000);
      this.ledger.tick();
    }
  }

  /** Promises that can go on do so. */
  async settle(): Promise<void> {
    this.world.after(0, () => undefined);
    await this.pass(0);
  }
}

it("a call of the limiter that overtakes its answer is not forgotten", async () => {
  const rig = new LimitedRig(ONE);
  await rig.ledger.submit([rig.spec()]);
  rig.ledger.nudge("task", { kind: "take", resources: [""] });
  rig.asked[0]?.answer(FULL);
  await rig.settle();
  expect(rig.asked).toHaveLength(2);
});

it("an answer that never comes is waited for no longer than for a call that was lost", async () => {
  const rig = new LimitedRig(ONE);
  await rig.ledger.submit([rig.spec()]);
  await rig.seconds(19);
  expect(rig.asked).toHaveLength(1);
  await rig.seconds(3);
  expect(rig.asked).toHaveLength(2);
  const granted = { ...FULL, waits: [], grants: [{ key: "", places: 1, slots: null }] };
  // Void by now: the second request does not state it.
  rig.asked[0]?.answer(granted);
  await rig.settle();
  expect(rig.claim().tasks).toHaveLength(0);
  rig.asked[1]?.answer(granted);
  await rig.settle();
  expect(rig.claim().tasks).toHaveLength(1);
});

it("a limiter that fails is asked less and less often, and as before once it has answered", async () => {
  const rig = new LimitedRig(ONE);
  await rig.ledger.submit([rig.spec()]);
  const fail = async () => {
    rig.asked.at(-1)?.lose(new Error("away"));
    await rig.seconds(1);
  };
  while (rig.asked.length < 7) await fail();
  const pauses = rig.asked.slice(1).map(({ at }, index) => at - (rig.asked[index]?.at ?? 0));
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  rig.asked.at(-1)?.answer(FULL);
  await rig.settle();
  await rig.seconds(9);
  expect(rig.asked).toHaveLength(8);
  await fail();
  await fail();
  expect(rig.asked).toHaveLength(9);
});

it("limits that an operator changes while a request is under way hold at once", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, rate: parseRate("rateLimit", "1/h") });
  await rig.ledger.submit([rig.spec()]);
  rig.claim();
  expect(rig.asked).toHaveLength(1);
  rig.ledger.configure({ ...NO_CONTROLS, version: 1, rateLimits: { task: "100/s" } });
  rig.asked[0]?.answer({ ...FULL, waits: [{ resource: "", retryAt: rig.now + 3_600_000 }] });
  await rig.settle();
  rig.claim();
  expect(rig.asked[1]?.request.limits.rate?.starts).toBe(100);
});

it("starts that were granted by a rate that an operator has changed since are not used", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, rate: parseRate("rateLimit", "100/s") });
  await rig.ledger.submit(Array.from({ length: 20 }, () => rig.spec()));
  rig.claim();
  rig.ledger.configure({ ...NO_CONTROLS, version: 1, rateLimits: { task: "1/h" } });
  const slots = Array.from({ length: 20 }, () => rig.now);
  rig.asked[0]?.answer({ ...FULL, waits: [], grants: [{ key: "", places: 0, slots }] });
  await rig.settle();
  expect(rig.claim(20).tasks).toEqual([]);
  expect(rig.asked[1]?.request.limits.rate).toEqual(parseRate("rateLimit", "1/h"));
});

it("starts that were granted are used although operators set something else", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, rate: parseRate("rateLimit", "100/s") });
  await rig.ledger.submit(Array.from({ length: 20 }, () => rig.spec()));
  rig.claim();
  const slots = Array.from({ length: 20 }, () => rig.now);
  rig.asked[0]?.answer({ ...FULL, waits: [], grants: [{ key: "", places: 0, slots }] });
  await rig.settle();
  rig.ledger.configure({
    ...{ ...NO_CONTROLS, version: 1 },
    ...{ pausedQueues: ["reports"], rateLimits: { another: "1/h" } },
  });
  expect(rig.claim(20).tasks).toHaveLength(20);
});

it("storage that fails while an answer comes in does not silence a task", async () => {
  const rig = new LimitedRig(ONE);
  await rig.ledger.submit([rig.spec()]);
  const committed = () => undefined;
  rig.sql.setHooks({
    around: () => {
      throw new Error("storage");
    },
    committed,
  });
  expect(() => rig.claim()).toThrow("storage");
  rig.asked[0]?.answer({ ...FULL, grants: [{ key: "", places: 1, slots: null }] });
  await rig.settle();
  rig.sql.setHooks({ around: (_statement, run) => run(), committed });
  await rig.seconds(2);
  expect(rig.asked).toHaveLength(2);
  // What the answer granted is not stated: it is void.
  expect(rig.asked[1]?.request.holdings).toEqual([]);
});

it.each([
  ["what the limiter said", "FROM asks"],
  ["how many wait", "SELECT count(*)"],
])("storage that fails once tasks were taken, at %s, silences none", async (_what, read) => {
  const rig = new LimitedRig(ONE);
  let isBroken = true;
  rig.sql.setHooks({
    around: (statement, run) => {
      if (isBroken && statement.includes(read)) throw new Error("storage");
      return run();
    },
    committed: () => undefined,
  });
  await rig.ledger.submit([rig.spec(), rig.spec({ name: "unlimited", queue: "other" })]);
  isBroken = false;
  expect(rig.rung).toEqual(["other"]);
  expect(rig.armedAt).toBe(rig.now + 1_000);
  await rig.seconds(1);
  expect(rig.asked).toHaveLength(1);
});

it("a shard that is asked to give says what it holds, so what it never got is void", async () => {
  const rig = new LimitedRig(ONE);
  const sql = new SimSql();
  const create = () =>
    new TaskLimiter({
      clock: rig.world,
      sql,
      nudge: async (shard, nudge) => {
        if (shard === 0) rig.ledger.nudge("task", nudge);
      },
      background: (work) => void work,
      log: () => undefined,
    });
  let limiter = create();
  let seq = 0;
  /** Another shard, which wants one place or none. @returns how many it gets */
  const other = (count: number) => {
    seq += 1;
    const wants = count === 0 ? [] : [{ key: "", count }];
    const rest = { version: 0, limits: ONE, holdings: [], leadMs: 0, leaves: [] };
    return limiter.ask({ shard: 9, seq, wants, ...rest }).grants.length;
  };
  const answer = (index: number) => {
    const asked = rig.asked[index];
    if (asked !== undefined) asked.answer(limiter.ask(asked.request));
  };
  expect(other(1)).toBe(1);
  const task = rig.spec();
  await rig.ledger.submit([task]);
  rig.asked[0]?.lose(new Error("lost, but only late"));
  await rig.settle();
  await rig.seconds(2);
  answer(1);
  await rig.settle();
  rig.ledger.revoke(task.id, false);
  limiter = create();
  other(0);
  // The late request takes the place for nothing.
  answer(0);
  expect(other(1)).toBe(0);
  for (let index = 2; index < 5; index += 1) {
    await rig.settle();
    answer(index);
  }
  expect(other(1)).toBe(1);
});

it("a request whose tasks are gone is taken out of the limiter's line when it calls", async () => {
  const rig = new LimitedRig(ONE);
  const task = rig.spec();
  await rig.ledger.submit([task]);
  rig.asked[0]?.answer(FULL);
  await rig.settle();
  rig.ledger.revoke(task.id, false);
  rig.ledger.nudge("task", { kind: "take", resources: [""] });
  expect(rig.asked[1]?.request).toMatchObject({ wants: [], leaves: [""] });
});

/** A ledger with tasks of the key a, of which the next may start in a second, and a consumer that is back then. */
async function paced() {
  const rig = new LimitedRig({
    ...NO_LIMITS,
    perKey: { rate: parseRate("", "1/s"), concurrency: null },
  });
  await rig.ledger.submit([rig.spec({ key: "a" }), rig.spec({ key: "a" })]);
  const { pace = 0 } = rig.claim(10, { bells: 1 });
  const grants = [{ key: "a", places: 0, slots: [rig.now + 1_000] }];
  rig.asked[0]?.answer({ ...FULL, grants, waits: [{ resource: "a", retryAt: rig.now + 1_780 }] });
  await rig.settle();
  return { rig, first: rig.claim(10, { pace }) };
}

it("of the consumers that come for limited tasks one comes back", async () => {
  const { rig, first } = await paced();
  expect(first).toMatchObject({ tasks: [], againInMs: 1_000, pace: expect.any(Number) as number });
  expect(rig.claim()).toMatchObject({ tasks: [], againInMs: null });
  expect(rig.claim(10, { pace: first.pace ?? 0 })).toMatchObject({ againInMs: 1_000 });
});

it("another comes back where one that was expected did not", async () => {
  const { rig } = await paced();
  const rung = rig.rung.length;
  await rig.pass(1_049);
  expect(rig.rung).toHaveLength(rung);
  await rig.pass(1);
  expect(rig.rung).toHaveLength(rung + 1);
  expect(rig.claim(10, { bells: 1 }).againInMs).not.toBeNull();
});

it("a start that is granted for sooner than a consumer is back has one called", async () => {
  const { rig } = await paced();
  const rung = rig.rung.length;
  await rig.ledger.submit([rig.spec({ key: "b" })]);
  expect(rig.asked[1]?.request.wants).toEqual([{ key: "b", count: 1 }]);
  rig.asked[1]?.answer({ ...FULL, waits: [], grants: [{ key: "b", places: 0, slots: [rig.now] }] });
  await rig.settle();
  expect(rig.rung).toHaveLength(rung + 1);
  expect(rig.claim(10, { bells: 1 }).tasks).toHaveLength(1);
});

it("a consumer is not told to come back at once for a suspect that it may not take now", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, rate: parseRate("rateLimit", "1/m") });
  await rig.ledger.submit([rig.spec()]);
  const granted = async () => {
    const { pace = 0 } = rig.claim();
    const grants = [{ key: "", places: 0, slots: [rig.now] }];
    rig.asked.at(-1)?.answer({ ...FULL, now: rig.now, grants, waits: [] });
    await rig.settle();
    return pace;
  };
  await granted();
  expect(rig.claim().tasks).toHaveLength(1);
  await rig.seconds(31);
  const pace = await granted();
  expect(rig.claim(10, { pace, isIdle: false })).toMatchObject({ tasks: [], againInMs: null });
  expect(rig.claim().tasks).toHaveLength(1);
});

it("a place that comes free has somebody called for what waits for it in another queue", async () => {
  const rig = new LimitedRig(ONE);
  const first = rig.spec();
  await rig.ledger.submit([first, rig.spec({ queue: "emails" })]);
  rig.asked[0]?.answer({ ...FULL, grants: [{ key: "", places: 1, slots: null }] });
  await rig.settle();
  const { token } = rig.claim(10, { bells: 1 });
  expect(rig.claim(10, { queue: "emails", bells: 1 }).tasks).toEqual([]);
  rig.rung.length = 0;
  rig.claim(0, { settlements: [success(first.id, token)] });
  expect(rig.rung).toEqual(["emails"]);
  expect(rig.claim(10, { queue: "emails", bells: 1 }).tasks).toHaveLength(1);
});

it("nothing is asked for, kept or called for what waits in a paused queue", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, concurrency: 5 });
  await rig.ledger.submit([rig.spec({ queue: "paused" }), rig.spec({ queue: "paused" })]);
  rig.asked[0]?.answer({ ...FULL, waits: [], grants: [{ key: "", places: 1, slots: null }] });
  await rig.settle();
  expect(rig.claim(1, { queue: "paused" }).tasks).toHaveLength(1);
  rig.ledger.configure({ ...NO_CONTROLS, version: 1, pausedQueues: ["paused"] });
  rig.asked[1]?.answer({ ...FULL, waits: [] });
  await rig.settle();
  rig.rung.length = 0;
  await rig.ledger.submit([rig.spec(), rig.spec()]);
  const asked = rig.asked.at(-1);
  expect(asked?.request.wants).toEqual([{ key: "", count: 2 }]);
  asked?.answer({ ...FULL, waits: [], grants: [{ key: "", places: 2, slots: null }] });
  await rig.settle();
  expect(rig.rung).toEqual(["default"]);
});

it("while too much waits for D1 nothing is asked for, kept or called for, and then it is again", async () => {
  let isUp = false;
  const write = async () => {
    if (!isUp) throw new Error("D1 is down");
  };
  const rig = new LimitedRig(ONE, { history: { write, fingerprints: async () => new Map() } });
  const others = Array.from({ length: 140 }, () => rig.spec({ queue: "other", name: "free" }));
  await rig.ledger.submit([rig.spec(), ...others]);
  const { tasks, token } = rig.claim(140, { queue: "other" });
  const result = JSON.stringify("x".repeat(250_000));
  const settlements = tasks.map(({ id }) => success(id, token, result));
  rig.claim(0, { queue: "other", settlements });
  rig.asked[0]?.answer({ ...FULL, waits: [], grants: [{ key: "", places: 1, slots: null }] });
  await rig.settle();
  rig.rung.length = 0;
  await rig.seconds(25);
  expect(rig.rung).toEqual([]);
  expect(rig.asked.at(-1)?.request.holdings).toEqual([]);

  isUp = true;
  rig.asked.at(-1)?.answer({ ...FULL, waits: [] });
  await rig.seconds(35);
  expect(rig.asked.at(-1)?.request.wants).toEqual([{ key: "", count: 1 }]);
});

it("keys beyond those that one request takes are asked for right after it", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, perKey: { rate: null, concurrency: 1 } });
  const keys = Array.from({ length: 150 }, (_, n) => `k${n}`);
  await rig.ledger.submit(keys.map((key) => rig.spec({ key })));
  const waits = (index: number) =>
    rig.asked[index]?.request.wants.map(({ key }) => ({ resource: key, retryAt: null })) ?? [];
  rig.asked[0]?.answer({ ...FULL, waits: waits(0) });
  await rig.settle();
  expect(new Set([...waits(0), ...waits(1)].map(({ resource }) => resource))).toEqual(
    new Set(keys),
  );
});

const limiterIn = (world: World) =>
  new TaskLimiter({
    clock: world,
    sql: new SimSql(),
    nudge: async () => undefined,
    background: (work) => void work,
    log: () => undefined,
  });

it("a ledger whose clock goes back while it is out of memory gets leave again in seconds", async () => {
  let off = 600_000;
  const granted: number[] = [];
  const world = new World(1);
  const limiter = limiterIn(world);
  const over: Partial<LedgerPorts> = {
    clock: { now: () => world.now() + off },
    timers: world,
    limitsOf: () => ONE,
    limits: {
      ask: async (_name, request) => {
        const answer = limiter.ask(request);
        granted.push(answer.grants.length);
        return answer;
      },
    },
  };
  const rig = new Rig(over);
  const pass = async (ms: number) => {
    world.after(ms, () => undefined);
    await world.run(world.now() + ms);
    rig.ledger.tick();
  };
  await rig.ledger.submit([rig.spec()]);
  await pass(10);
  expect(granted).toEqual([1]);
  off = 0;
  rig.ledger = rig.create(over);
  await rig.ledger.submit([rig.spec()]);
  for (let second = 0; second < 10; second += 1) await pass(1_000);
  expect(granted).toEqual([1, 0, 1]);
  expect(rig.claim().tasks).toHaveLength(1);
});

it("what is granted to hundreds of keys is not read again for each of them", async () => {
  const world = new World(1);
  const limiter = limiterIn(world);
  const limits = { ...NO_LIMITS, perKey: ONE };
  const rig = new Rig({
    ...{ clock: world, timers: world, limitsOf: () => limits },
    limits: { ask: async (_name, request) => limiter.ask(request) },
  });
  let statements = 0;
  const around = <T>(_statement: string, run: () => T): T => {
    statements += 1;
    return run();
  };
  rig.sql.setHooks({ around, committed: () => undefined });
  await rig.ledger.submit(Array.from({ length: 200 }, (_, n) => rig.spec({ key: `k${n}` })));
  world.after(0, () => undefined);
  await world.run(world.now() + 100);
  // Nobody has claimed: two requests of a hundred keys each, and a bell.
  expect(statements).toBeLessThan(200 * 10);
  expect(rig.claim(200).tasks).toHaveLength(200);
});

it("of a backlog one more is counted and asked for than may run at once", async () => {
  const rig = new LimitedRig({ ...NO_LIMITS, concurrency: 3 });
  await rig.ledger.submit(Array.from({ length: 50 }, () => rig.spec()));
  expect(rig.asked[0]?.request.wants).toEqual([{ key: "", count: 4 }]);
});
