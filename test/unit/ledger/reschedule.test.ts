import { expect, it } from "vitest";
import { describeError } from "#engine";
import { Rig, success } from "./rig.ts";

it("a scheduled task runs at its new time, earlier or later, and only then", async () => {
  const rig = new Rig();
  const [earlier, later] = [
    rig.spec({ dueAt: rig.now + 60_000 }),
    rig.spec({ dueAt: rig.now + 1_000 }),
  ];
  await rig.ledger.submit([earlier, later]);
  const start = rig.now;
  expect(rig.ledger.reschedule(earlier.id, { dueAt: start + 2_000 })?.answer).toBe("rescheduled");
  expect(rig.ledger.reschedule(later.id, { dueAt: start + 90_000 })?.task.dueAt).toBe(
    start + 90_000,
  );
  expect(rig.armedAt).toBeLessThanOrEqual(start + 2_000);
  await rig.pass(2_000);
  expect(rig.claim().tasks.map(({ id }) => id)).toEqual([earlier.id]);
  await rig.pass(87_999);
  expect(rig.claim().tasks.map(({ id }) => id)).not.toContain(later.id);
  await rig.pass(1);
  expect(rig.claim().tasks.map(({ id }) => id)).toContain(later.id);
});

it("a time in the past means now, and somebody is called for it", async () => {
  const rig = new Rig();
  const task = rig.spec({ dueAt: rig.now + 60_000 });
  await rig.ledger.submit([task]);
  rig.ledger.reschedule(task.id, { dueAt: 0 });
  expect(rig.rung).toEqual(["default"]);
  expect(rig.armedAt).toBeLessThanOrEqual(rig.now + 20_000);
  expect(rig.claim().tasks.map(({ id }) => id)).toEqual([task.id]);
});

it("a ready task can be put off, and the lanes forget it", async () => {
  const rig = new Rig();
  const [task, other] = [rig.spec(), rig.spec()];
  await rig.ledger.submit([task, other]);
  rig.ledger.reschedule(task.id, { dueAt: rig.now + 5_000 });
  expect(rig.claim().tasks.map(({ id }) => id)).toEqual([other.id]);
  await rig.pass(5_000);
  expect(rig.claim().tasks.map(({ id }) => id)).toEqual([task.id]);
});

it("priority and queue change alone, and count at the next claim", async () => {
  const rig = new Rig();
  const tasks = [rig.spec(), rig.spec(), rig.spec()];
  await rig.ledger.submit(tasks);
  const [first, second, third] = tasks.map(({ id }) => id);
  rig.ledger.reschedule(third ?? "", { priority: 9 });
  rig.ledger.reschedule(second ?? "", { queue: "emails" });
  expect(rig.claim().tasks.map(({ id }) => id)).toEqual([third, first]);
  expect(rig.claim(5, { queue: "emails" }).tasks.map(({ id }) => id)).toEqual([second]);
});

it("a task that waits for its retry can be tried at once", async () => {
  const rig = new Rig();
  const task = rig.spec();
  await rig.ledger.submit([task]);
  const { token } = rig.claim();
  const error = describeError(new Error("again"));
  const outcome = { kind: "retry", delayMs: 3_600_000, error } as const;
  rig.claim(0, { settlements: [{ id: task.id, token, outcome, runtimeMs: 1 }] });
  rig.ledger.reschedule(task.id, { dueAt: rig.now });
  expect(rig.claim().tasks).toMatchObject([{ id: task.id, attempt: 2, retries: 1 }]);
});

it("what runs, has ended, is unknown or would expire first stays as it is", async () => {
  const rig = new Rig();
  const running = rig.spec();
  const expiring = rig.spec({ dueAt: rig.now + 1_000, expiresAt: rig.now + 10_000 });
  await rig.ledger.submit([running, expiring]);
  const { token } = rig.claim();
  expect(rig.ledger.reschedule(running.id, { dueAt: rig.now + 1 })?.answer).toBe("running");
  rig.claim(0, { settlements: [success(running.id, token)] });
  expect(rig.ledger.reschedule(running.id, { dueAt: rig.now + 1 })?.answer).toBe("ended");
  const late = rig.ledger.reschedule(expiring.id, { dueAt: rig.now + 10_000 });
  expect(late).toMatchObject({ answer: "expires", task: { dueAt: rig.now + 1_000 } });
  expect(rig.ledger.reschedule("unknown", { dueAt: 0 })).toBeNull();
});
