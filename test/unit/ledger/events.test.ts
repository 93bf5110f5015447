import { expect, it } from "vitest";
import type { MonitorEvent, MonitorEventList, Outcome, TaskRecord } from "#engine";
import { EventLists } from "#platform/event-queue.ts";
import { World } from "../../../src/testing/world.ts";
import { Rig, success } from "./rig.ts";

const ERROR = { exc_type: "ValueError", exc_message: "boom", traceback: "secret stack" };

function watched(over: { sqlFails?: () => boolean } = {}) {
  const events: MonitorEvent[] = [];
  const port = {
    room: 500,
    happened: (list: MonitorEventList) => events.push(...list.events),
  };
  const rig = new Rig({ events: port });
  if (over.sqlFails !== undefined) {
    const { sql } = rig;
    const failing = {
      exec: sql.exec.bind(sql),
      transaction: <T>(fn: () => T) =>
        sql.transaction(() => {
          const value = fn();
          if (over.sqlFails?.() === true) throw new Error("the disk is full");
          return value;
        }),
    };
    rig.ledger = rig.create({ events: port, sql: failing });
  }
  return { rig, events, types: () => events.map(({ type, state }) => `${type} ${state}`) };
}

async function submitted(rig: Rig, over = {}): Promise<string> {
  const spec = rig.spec(over);
  await rig.ledger.submit([spec]);
  return spec.id;
}

function settle(rig: Rig, id: string, token: number, outcome: Outcome) {
  rig.claim(0, { settlements: [{ id, token, outcome, runtimeMs: 40 }] });
}

it("a task that fails once and then succeeds is told in order, with whose it is and how long it ran", async () => {
  const { rig, events, types } = watched();
  const id = await submitted(rig, { name: "send", queue: "default", owner: "shop" });
  const first = rig.claim();
  await rig.pass(100);
  settle(rig, id, first.token, { kind: "retry", delayMs: 0, error: ERROR });
  const second = rig.claim();
  rig.claim(0, { settlements: [success(id, second.token)] });
  expect(types()).toEqual([
    "task-sent PENDING",
    "task-started STARTED",
    "task-retried RETRY",
    "task-started STARTED",
    "task-succeeded SUCCESS",
  ]);
  expect(events[2]).toEqual({
    type: "task-retried",
    uuid: id,
    timestamp: rig.now / 1_000,
    hostname: "lovage@lovage",
    name: "send",
    queue: "default",
    state: "RETRY",
    retries: 1,
    owner: "shop",
    root_id: id,
    runtime: 0.04,
    exception: "ValueError: boom",
  });
  expect(events[4]).not.toHaveProperty("exception");
});

it.each<[string, Outcome, string]>([
  ["fails", { kind: "failure", error: ERROR }, "task-failed FAILURE"],
  ["is ignored", { kind: "ignore" }, "task-succeeded IGNORED"],
  [
    "is suspended",
    { kind: "suspend", wakeAt: null, events: ["e"], steps: [] },
    "task-custom SUSPENDED",
  ],
])("a task that %s says so", async (_what, outcome, told) => {
  const { rig, types } = watched();
  const id = await submitted(rig);
  settle(rig, id, rig.claim().token, outcome);
  expect(types().at(-1)).toBe(told);
});

it("what is called off, terminated or expires is revoked; what was lost is rejected", async () => {
  const { rig, events, types } = watched();
  rig.ledger.revoke(await submitted(rig), false);
  const running = await submitted(rig);
  rig.claim();
  // A mark changes nothing yet.
  rig.ledger.revoke(running, false);
  rig.ledger.revoke(running, true);
  await submitted(rig, { expiresAt: rig.now + 1_000, dueAt: rig.now + 5_000 });
  await rig.pass(2_000);
  rig.ledger.tick();
  expect(
    events.filter(({ type }) => type === "task-revoked").map((event) => event.exception),
  ).toEqual([
    "TaskRevokedError: revoked",
    "TaskRevokedError: terminated",
    "TaskRevokedError: expired",
  ]);
  await submitted(rig);
  rig.claim();
  await rig.pass(31_000);
  rig.ledger.tick();
  expect(types().at(-1)).toBe("task-rejected RETRY");
});

it("a state that the handler gives is told, its details and log lines are not", async () => {
  const { rig, events } = watched();
  const id = await submitted(rig);
  const { token } = rig.claim();
  const state = { state: "PROGRESS", meta: '{"done":5}' };
  rig.ledger.report([{ id, token, seq: 1, state, logs: null }]);
  rig.ledger.report([{ id, token: token + 1, seq: 2, state, logs: null }]);
  expect(events.slice(2)).toEqual([
    expect.objectContaining({ type: "task-custom", uuid: id, state: "PROGRESS" }),
  ]);
  expect(JSON.stringify(events)).not.toContain("done");
});

it("a transaction that fails tells nothing, and nothing of it later", async () => {
  let fails = false;
  const { rig, types } = watched({ sqlFails: () => fails });
  const id = await submitted(rig);
  const { token } = rig.claim();
  fails = true;
  expect(() => rig.claim(0, { settlements: [success(id, token)] })).toThrow("disk");
  expect(types()).toEqual(["task-sent PENDING", "task-started STARTED"]);
  fails = false;
  rig.claim(0, { settlements: [success(id, token)] });
  expect(types()).toEqual(["task-sent PENDING", "task-started STARTED", "task-succeeded SUCCESS"]);
});

it("an exception is cut, and a stack is never told", async () => {
  const { rig, events } = watched();
  const id = await submitted(rig);
  const error = { ...ERROR, exc_message: "x".repeat(2_000) };
  settle(rig, id, rig.claim().token, { kind: "failure", error });
  expect(events.at(-1)?.exception).toHaveLength(301);
  expect(JSON.stringify(events)).not.toContain("stack");
});

it("lists take 500 events and count the rest; nothing is sent while nothing happens", async () => {
  const world = new World(1);
  const lists: MonitorEventList[] = [];
  const gathered = new EventLists(world, (list) => lists.push(list));
  const event = { type: "task-sent" } as MonitorEvent;
  for (let n = 0; n < 7; n += 1)
    gathered.add({ events: Array.from({ length: 100 }, () => event), missed: 0 });
  expect(lists).toEqual([]);
  await world.run(world.now() + 100);
  expect(lists.map(({ events, missed }) => [events.length, missed])).toEqual([[500, 200]]);
  await world.run(world.now() + 10_000);
  gathered.add({ events: [event], missed: 0 });
  await world.run(world.now() + 100);
  expect(lists.slice(1)).toEqual([{ events: [event], missed: 0 }]);
});

it("what there is no room for is counted", async () => {
  const lists: MonitorEventList[] = [];
  const rig = new Rig({ events: { room: 2, happened: (list) => lists.push(list) } });
  await rig.ledger.submit(Array.from({ length: 5 }, () => rig.spec()));
  expect(lists.map(({ events, missed }) => [events.length, missed])).toEqual([[2, 3]]);
});

it("who waits for a task is told of its end, whatever fails after the commit", async () => {
  let isAlarmBroken = false;
  const told: string[] = [];
  const alarm = {
    at: null,
    set: () => {
      if (isAlarmBroken) throw new Error("the object is broken");
    },
  };
  const watchers = {
    isWatched: () => true,
    notify: ({ state }: TaskRecord) => void told.push(state),
  };
  const rig = new Rig({ alarm, watchers });
  const id = await submitted(rig);
  const { token } = rig.claim();
  await rig.pass(25_000);
  isAlarmBroken = true;
  const settled = success(id, token);
  expect(() => rig.claim(0, { settlements: [settled] })).toThrow("the object is broken");
  expect(rig.ledger.get(id)?.state).toBe("SUCCESS");
  expect(told).toEqual(["STARTED", "SUCCESS"]);
});
