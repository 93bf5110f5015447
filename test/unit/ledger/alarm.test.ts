import { expect, it, vi } from "vitest";
import { NO_CONTROLS } from "#engine";
import { LATEST_ALARM } from "#platform/idle.ts";
import type { LedgerPorts } from "#platform/ledger/ports.ts";
import { Rig, success } from "./rig.ts";

it("a tick that fails has set the next alarm already, however often it fails (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql.startsWith("DELETE")) throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  // Seven times, and the platform would ring no more.
  for (let n = 0; n < 8; n += 1) {
    await rig.pass(30_000);
    rig.armedAt = null;
    expect(() => rig.ledger.tick()).toThrow("the disk failed");
    expect(rig.armedAt ?? 0).toBeGreaterThan(rig.now);
  }
});

it("an alarm that was lost is set again by the next command, whatever it is (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 60_000 })]);
  rig.armedAt = null;
  await rig.pass(66_000);
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 3_600_000 })]);
  // What the lost one was for is not known: the next has to look, and soon.
  expect(rig.armedAt ?? Infinity).toBeLessThanOrEqual(rig.now + 5_000);
});

it("while one lease ends the alarm is set to the end of the next (G20)", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec(), rig.spec()]);
  rig.claim(1);
  await rig.pass(1_000);
  rig.claim(1);
  await rig.pass(29_000);
  rig.ledger.tick();
  expect(rig.armedAt).toBe(rig.now + 1_000);
});

/** Everything that costs something. */
class Bill {
  alarms = 0;
  writes = 0;
  flushes = 0;

  get sum(): number {
    return this.alarms + this.writes + this.flushes;
  }
}

/** Lets time pass for a ledger that is out of memory whenever nobody called it for ten seconds. */
async function hibernating(rig: Rig, over: Partial<LedgerPorts>, ms: number, roundMs: number) {
  const until = rig.now + ms;
  let roundAt = rig.now + roundMs;
  let usedAt = rig.now;
  for (;;) {
    const at = Math.min(rig.armedAt ?? Infinity, roundAt);
    if (at > until) return rig.pass(until - rig.now);
    await rig.pass(Math.max(0, at - rig.now));
    if (rig.now - usedAt >= 10_000) rig.ledger = rig.create(over);
    usedAt = rig.now;
    const isAlarm = at === rig.armedAt;
    if (isAlarm) rig.armedAt = null;
    else roundAt += roundMs;
    rig.ledger.tick();
    if (!isAlarm) rig.ledger.tidy(30);
  }
}

it.each([
  ["the watchdog comes every half minute", 30_000],
  ["nobody comes", Infinity],
])(
  "a shard whose tasks have ended comes to rest, though it forgets all between its alarms: %s",
  async (_who, roundMs) => {
    const bill = new Bill();
    const rig: Rig = new Rig();
    const over: Partial<LedgerPorts> = {
      alarm: rig.alarmTold(() => {
        bill.alarms += 1;
      }),
      history: {
        write: async () => {
          bill.flushes += 1;
        },
        fingerprints: async () => new Map(),
      },
    };
    rig.sql.setHooks({
      around: (sql, run) => {
        if (/^(INSERT|UPDATE)/.test(sql)) bill.writes += 1;
        return run();
      },
      committed: () => undefined,
    });
    rig.ledger = rig.create(over);
    for (const gapMs of [0, 300, 3_000, 15_000, 40_000]) {
      await hibernating(rig, over, gapMs, roundMs);
      await rig.ledger.submit([rig.spec()]);
      const { tasks, token } = rig.claim();
      rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
    }
    await hibernating(rig, over, 120_000, roundMs);
    const sum = bill.sum;
    expect(sum).toBeGreaterThan(0);
    await hibernating(rig, over, 3_600_000, roundMs);
    expect(bill.sum).toBe(sum);
  },
);

it("a shard whose only tasks are of later pays for one alarm, however often it is woken and forgets all", async () => {
  let alarms = 0;
  const rig: Rig = new Rig();
  const over: Partial<LedgerPorts> = {
    alarm: rig.alarmTold(() => {
      alarms += 1;
    }),
  };
  rig.ledger = rig.create(over);
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 7_200_000 })]);
  await hibernating(rig, over, 3_600_000, 30_000);
  expect(alarms).toBe(1);
});

it("a shard whose tasks wait in a paused queue comes to rest, though it forgets all between its alarms", async () => {
  let flushes = 0;
  let alarms = 0;
  const rig: Rig = new Rig();
  const over: Partial<LedgerPorts> = {
    alarm: rig.alarmTold(() => {
      alarms += 1;
    }),
    history: {
      write: async () => {
        flushes += 1;
      },
      fingerprints: async () => new Map(),
    },
  };
  rig.ledger = rig.create(over);
  const controls = { ...NO_CONTROLS, version: 1, pausedQueues: ["later"] };
  rig.ledger.configure(controls);
  await rig.ledger.submit([rig.spec(), rig.spec({ queue: "later" })]);
  const { tasks, token } = rig.claim();
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
  await hibernating(rig, over, 120_000, Infinity);
  const before = alarms;
  await hibernating(rig, over, 3_600_000, Infinity);
  expect([flushes, alarms - before]).toEqual([1, 0]);
  rig.ledger = rig.create(over);
  rig.ledger.configure({ ...controls, version: 2, pausedQueues: [] });
  expect(rig.rung.at(-1)).toBe("later");
  expect(rig.armedAt).toBeLessThanOrEqual(rig.now + 20_000);
});

it("for what waits longer than an alarm can be set, it is set to the latest there is", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec({ dueAt: Date.UTC(9998, 0, 1) })]);
  expect(rig.armedAt).toBe(LATEST_ALARM);
  // As an object that wakes: it costs no row.
  const set = vi.fn<(at: number) => void>();
  rig.create({ alarm: { at: LATEST_ALARM, set } }).tick();
  expect(set).not.toHaveBeenCalled();
});
