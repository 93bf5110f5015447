import { expect, it } from "vitest";
import { describeError } from "#engine";
import { Rig, success } from "./rig.ts";

/** Fires the alarm whenever it is due, until `until`; nobody claims. */
async function runAlarms(rig: Rig, until: number): Promise<number> {
  let fired = 0;
  while (rig.armedAt !== null && rig.armedAt <= until) {
    const at = rig.armedAt;
    rig.armedAt = null;
    await rig.pass(Math.max(0, at - rig.now));
    rig.ledger.tick();
    fired += 1;
  }
  await rig.pass(until - rig.now);
  return fired;
}

it.each(["ready", "parked for a time"])(
  "a task that is %s is REVOKED the moment it expires, by the alarm alone",
  async (how) => {
    const rig = new Rig();
    const expiresAt = rig.now + 7_777;
    const dueAt = how === "ready" ? null : rig.now + 5_000;
    const task = rig.spec({ dueAt, expiresAt });
    await rig.ledger.submit([task]);
    const other = rig.spec({ dueAt });
    await rig.ledger.submit([other]);
    await runAlarms(rig, expiresAt - 1);
    expect(rig.ledger.get(task.id)?.state).toBe("PENDING");
    await runAlarms(rig, expiresAt);
    const ended = rig.ledger.get(task.id);
    expect(ended).toMatchObject({ state: "REVOKED", finishedAt: expiresAt, attempts: [] });
    expect(ended?.error).toMatchObject({ exc_type: "TaskRevokedError", exc_message: "expired" });
    // The lanes are right: the claim gets the other one.
    expect(rig.claim().tasks.map(({ id }) => id)).toEqual([other.id]);
  },
);

it("a running task outlives its expires; tried again after it, it ends at once", async () => {
  const rig = new Rig();
  const task = rig.spec({ expiresAt: rig.now + 5_000 });
  await rig.ledger.submit([task]);
  const { token } = rig.claim();
  await rig.pass(10_000);
  rig.ledger.tick();
  expect(rig.ledger.get(task.id)?.state).toBe("STARTED");
  const outcome = {
    kind: "retry",
    delayMs: 60_000,
    error: describeError(new Error("again")),
  } as const;
  rig.claim(0, { settlements: [{ id: task.id, token, outcome, runtimeMs: 1 }] });
  await runAlarms(rig, rig.now + 1);
  expect(rig.ledger.get(task.id)).toMatchObject({ state: "REVOKED", retries: 1 });
});

it("a success after its expires is a success", async () => {
  const rig = new Rig();
  const task = rig.spec({ expiresAt: rig.now + 5_000 });
  await rig.ledger.submit([task]);
  const { token } = rig.claim();
  await rig.pass(10_000);
  rig.claim(0, { settlements: [success(task.id, token)] });
  expect(rig.ledger.get(task.id)?.state).toBe("SUCCESS");
});

it("a thousand that expire together end in batches, within a moment", async () => {
  const rig = new Rig();
  const expiresAt = rig.now + 60_000;
  await rig.ledger.submit(Array.from({ length: 1_000 }, () => rig.spec({ expiresAt })));
  // A long-running one and those held back don't keep the others from it.
  rig.claim(100);
  await rig.pass(20_000);
  rig.ledger.heartbeat(new Map());
  await rig.pass(40_000 - 1);
  const batches = await runAlarms(rig, expiresAt + 10);
  expect(batches).toBeGreaterThanOrEqual(5);
  expect(rig.sql.peek("SELECT id FROM tasks")).toEqual([]);
});

it("only tasks that expire enter the index", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec(), rig.spec({ expiresAt: rig.now + 1_000 })]);
  const rows = rig.sql.peek(
    "SELECT id FROM tasks INDEXED BY expiring_tasks WHERE expires_at IS NOT NULL",
  );
  expect(rows).toHaveLength(1);
});

it("after a restart the alarm is set to the next expiry", async () => {
  const rig = new Rig();
  const expiresAt = rig.now + 100_000;
  await rig.ledger.submit([rig.spec({ dueAt: rig.now + 90_000, expiresAt })]);
  await rig.pass(95_000);
  rig.armedAt = null;
  rig.ledger = rig.create();
  rig.ledger.stats();
  await runAlarms(rig, expiresAt);
  expect(rig.sql.peek("SELECT id FROM tasks")).toEqual([]);
});

it("of a thousand that expire at once, in one command, a claim is given none (G5)", async () => {
  const rig = new Rig();
  const expiresAt = rig.now + 1_000;
  await rig.ledger.submit(Array.from({ length: 1_000 }, () => rig.spec({ expiresAt })));
  const other = rig.spec({ priority: 0 });
  await rig.ledger.submit([other]);
  // Nobody looks until it is too late for all of them.
  await rig.world.run(expiresAt + 1);
  expect(rig.claim(2_000).tasks.map(({ id }) => id)).toEqual([other.id]);
});

it("however many have expired, one claim ends some of them, and the next goes on", async () => {
  const rig = new Rig();
  const expiresAt = rig.now + 1_000;
  await rig.ledger.submit(Array.from({ length: 3_000 }, () => rig.spec({ expiresAt })));
  await rig.pass(1_000);
  rig.claim();
  expect(rig.ledger.stats().unflushed).toBe(1_200);
  rig.claim();
  expect(rig.ledger.stats().unflushed).toBe(2_400);
});

it("large tasks that expire together end a few at a time, at once", async () => {
  const rig = new Rig();
  const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
  const expiresAt = rig.now + 1_000;
  const specs = Array.from({ length: 60 }, () => rig.spec({ kwargs, expiresAt }));
  await rig.ledger.submit(specs);
  await rig.pass(1_000);
  rig.ledger.tick();
  const ended = () => specs.filter(({ id }) => rig.ledger.get(id)?.state === "REVOKED").length;
  // Two hundred of them, with what is kept of their ends, are more than an object may have in memory.
  expect(ended()).toBeGreaterThan(0);
  expect(ended()).toBeLessThan(20);
  const at = rig.now;
  await runAlarms(rig, at + 100);
  const states = specs.map(({ id }) => (rig.ledger.get(id) ?? rig.history.get(id))?.state);
  expect(states).toEqual(specs.map(() => "REVOKED"));
});
