import { expect, it } from "vitest";
import type { TaskLimits, TaskSpec } from "#engine";
import { NO_CONTROLS } from "#engine";
import { Rig, success } from "./rig.ts";

/** Submits from an invocation that can run the task. @returns whether it is given it */
async function isGiven(rig: Rig, over: Partial<TaskSpec> = {}): Promise<boolean> {
  const { claim } = await rig.ledger.submitToRun(rig.spec(over), "offer");
  return claim !== null;
}

function settle(rig: Rig, id: string, token: number) {
  return rig.claim(0, { settlements: [success(id, token)], isExpress: true });
}

it("a lone task is given to who submits it, under a lease as any other, and no bell rings (G3)", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  const { answer, claim } = await rig.ledger.submitToRun(spec, "offer");
  expect(answer).toBe("accepted");
  expect(claim).toMatchObject({ tasks: [{ id: spec.id, attempt: 1 }], token: 1, isSolo: false });
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "STARTED" });
  expect(rig.claim().tasks).toEqual([]);
  settle(rig, spec.id, 1);
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "SUCCESS" });
  await rig.pass(10_000);
  expect(rig.rung).toEqual([]);
});

it("a second submit of the same call is told so, and given nothing (G7)", async () => {
  const rig = new Rig();
  const spec = rig.spec({ fingerprint: "f" });
  expect((await rig.ledger.submitToRun(spec, "offer")).claim).not.toBeNull();
  expect(await rig.ledger.submitToRun(spec, "offer")).toEqual({ answer: "exists", claim: null });
  const other = { ...spec, fingerprint: "g" };
  expect(await rig.ledger.submitToRun(other, "offer")).toEqual({ answer: "conflict", claim: null });
});

it("whoever is given a task and dies loses it after its lease, and a consumer runs it alone (G13)", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  await rig.ledger.submitToRun(spec, "offer");
  await rig.pass(30_001);
  rig.ledger.tick();
  expect(rig.rung).toEqual(["default"]);
  const { tasks, isSolo, token } = rig.claim();
  expect([tasks[0]?.id, isSolo]).toEqual([spec.id, true]);
  expect(settle(rig, spec.id, 1).stale).toBe(1);
  rig.claim(0, { settlements: [success(spec.id, token)] });
  expect(rig.ledger.get(spec.id)).toMatchObject({
    attempts: [{ outcome: "lost" }, { outcome: "success" }],
  });
});

it("who was not told that it got a task withdraws its offer, and a consumer comes at once (G1)", async () => {
  const rig = new Rig();
  const spec = rig.spec({ fingerprint: "f" });
  await rig.ledger.submitToRun(spec, "lost answer");
  // Whoever calls again under the key is told that it is there, and the object has forgotten what it knew.
  rig.ledger = rig.create();
  expect(await rig.ledger.submitToRun(spec, "second")).toEqual({ answer: "exists", claim: null });
  rig.ledger.withdraw(spec.id, "second");
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "STARTED" });
  expect(rig.rung).toEqual([]);
  rig.ledger.withdraw(spec.id, "lost answer");
  expect(rig.rung).toEqual(["default"]);
  const { tasks, token } = rig.claim(1, { bells: 1 });
  expect(tasks).toMatchObject([{ id: spec.id, attempt: 2 }]);
  rig.ledger.withdraw(spec.id, "lost answer");
  expect(rig.claim(0, { settlements: [success(spec.id, token)] }).stale).toBe(0);
  rig.ledger.withdraw(spec.id, "lost answer");
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "SUCCESS" });
});

it("an offer that is withdrawn while its submit asks the history is granted nothing, and a bell rings (G1)", async () => {
  const asked = Promise.withResolvers<Map<string, string | null>>();
  const rig = new Rig({
    history: { write: async () => undefined, fingerprints: () => asked.promise },
  });
  const spec = rig.spec({ fingerprint: "f" });
  const submitted = rig.ledger.submitToRun(spec, "offer");
  rig.ledger.withdraw(spec.id, "offer");
  asked.resolve(new Map());
  expect(await submitted).toEqual({ answer: "accepted", claim: null });
  expect(rig.rung).toEqual(["default"]);
  expect(rig.claim(1, { bells: 1 }).tasks).toMatchObject([{ id: spec.id, attempt: 1 }]);
});

it("a task's next lease has a higher token, also when nothing else remembers the one that was lost (G3)", async () => {
  const rig = new Rig();
  for (let n = 0; n < 3; n += 1) {
    const before = rig.spec();
    const { claim } = await rig.ledger.submitToRun(before, "offer");
    settle(rig, before.id, claim?.token ?? 0);
  }
  const spec = rig.spec();
  const { claim } = await rig.ledger.submitToRun(spec, "offer");
  expect(claim?.token).toBe(4);
  await rig.pass(30_001);
  rig.ledger.tick();
  rig.ledger = rig.create();
  const { tasks, token } = rig.claim();
  expect(tasks[0]?.id).toBe(spec.id);
  expect(token).toBe(5);
  expect(settle(rig, spec.id, 4).stale).toBe(1);
  rig.ledger = rig.create();
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "STARTED" });
  expect(settle(rig, spec.id, 5).stale).toBe(0);
});

it("its heartbeats count over a restart", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  const { claim } = await rig.ledger.submitToRun(spec, "offer");
  const token = claim?.token ?? 0;
  await rig.pass(20_000);
  rig.ledger.heartbeat(new Map([[token, [spec.id]]]), []);
  rig.ledger = rig.create();
  await rig.pass(20_000);
  rig.ledger.tick();
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "STARTED" });
  await rig.pass(10_001);
  rig.ledger.tick();
  expect(rig.ledger.get(spec.id)).toMatchObject({ state: "RETRY" });
});

it("four such leases live over a restart too", async () => {
  const rig = new Rig();
  for (let n = 0; n < 4; n += 1) expect(await isGiven(rig)).toBe(true);
  rig.ledger = rig.create();
  expect(await isGiven(rig)).toBe(false);
});

it("what comes while four such leases live is a consumer's, until one is settled", async () => {
  const rig = new Rig();
  const first = rig.spec();
  const { claim } = await rig.ledger.submitToRun(first, "offer");
  for (let n = 0; n < 3; n += 1) expect(await isGiven(rig)).toBe(true);
  expect(await isGiven(rig)).toBe(false);
  expect(rig.rung).toEqual(["default"]);
  rig.claim(10, { bells: 1 });
  await rig.pass(100);
  expect(await isGiven(rig)).toBe(false);
  rig.claim(10, { bells: 1 });
  await rig.pass(100);
  settle(rig, first.id, claim?.token ?? 0);
  expect(await isGiven(rig)).toBe(true);
});

it("its settle leaves the consumers of its queue where they are", async () => {
  const rig = new Rig();
  const first = rig.spec();
  const { claim } = await rig.ledger.submitToRun(first, "offer");
  await rig.ledger.submit([rig.spec()]);
  const bells = rig.rung.length;
  rig.claim(10, { bells: 1 });
  // The consumer that has claimed is expected back for it.
  await rig.ledger.submit([rig.spec()]);
  settle(rig, first.id, claim?.token ?? 0);
  expect(rig.rung).toHaveLength(bells);
});

it.each<[what: string, over: Partial<TaskSpec>]>([
  ["is not due", { dueAt: 1_900_000_000_000 }],
  ["has a key", { key: "k" }],
  [
    "is unique",
    { unique: { key: "k", keep: "first", holdMs: 0, isHeldOpen: true, debounce: null } },
  ],
  ["has a longer limit", { options: { time_limit: 21 } }],
  ["has expired", { expiresAt: 1 }],
])("a task that %s is a consumer's", async (_what, over) => {
  const rig = new Rig();
  expect(await isGiven(rig, over)).toBe(false);
  expect(rig.ledger.stats().running).toBe(0);
});

it("a limited task passes its gate by a consumer", async () => {
  const limits: TaskLimits = {
    rate: null,
    concurrency: 5,
    perKey: { rate: null, concurrency: null },
  };
  const rig = new Rig({ limitsOf: () => limits });
  expect(await isGiven(rig)).toBe(false);
});

it("a task for which operators have set a longer limit is a consumer's", async () => {
  const rig = new Rig();
  rig.ledger.configure({
    ...NO_CONTROLS,
    version: 1,
    timeLimits: { task: { soft: null, hard: 60 } },
  });
  expect(await isGiven(rig)).toBe(false);
  expect(await isGiven(new Rig(), { options: { time_limit: 20 } })).toBe(true);
});

it("a task of a queue that is not consumed waits", async () => {
  const rig = new Rig();
  rig.ledger.configure({ ...NO_CONTROLS, version: 1, pausedQueues: ["default"] });
  expect(await isGiven(rig)).toBe(false);
  expect(rig.ledger.stats()).toMatchObject({ ready: 1, running: 0 });
});

it("what waits in its queue comes first, a suspect too", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  await rig.pass(16_000);
  expect(await isGiven(rig)).toBe(false);
  const suspect = new Rig();
  await suspect.ledger.submitToRun(suspect.spec(), "offer");
  await suspect.pass(30_001);
  expect(await isGiven(suspect)).toBe(false);
  expect(await isGiven(suspect, { queue: "other" })).toBe(true);
});

it("while a bell is on its way, or a consumer expected back, the task is left to it", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  expect(rig.rung).toHaveLength(1);
  expect(await isGiven(rig)).toBe(false);
  const one = rig.claim(1, { bells: 1 });
  rig.claim(1);
  expect(one.tasks).toHaveLength(1);
  expect(await isGiven(rig)).toBe(false);
});

it("the lane is closed for a second after a consumer found several tasks at once, not after one", async () => {
  const rig = new Rig();
  const calm = async (count: number) => {
    await rig.ledger.submit(Array.from({ length: count }, () => rig.spec()));
    const { tasks, token } = rig.claim(10, { bells: 1 });
    const settlements = tasks.map(({ id }) => success(id, token));
    rig.claim(0, { settlements });
    await rig.pass(500);
    const { answer, claim } = await rig.ledger.submitToRun(rig.spec(), "offer");
    expect(answer).toBe("accepted");
    if (claim !== null) settle(rig, claim.tasks[0]?.id ?? "", claim.token);
    else rig.claim(10, { bells: 1 });
    return claim !== null;
  };
  expect(await calm(1)).toBe(true);
  expect(await calm(2)).toBe(false);
  await rig.pass(1_000);
  expect(await isGiven(rig)).toBe(true);
});

it("a lone task that is run so takes 3 rows: itself, with its lease, in and out, and its end (G19)", async () => {
  const rig = new Rig();
  const run = async () => {
    const spec = rig.spec();
    const { claim } = await rig.ledger.submitToRun(spec, "offer");
    settle(rig, spec.id, claim?.token ?? 0);
    await rig.pass(1_000);
  };
  await run();
  const before = rig.sql.peek<{ n: number }>("SELECT total_changes() AS n")[0]?.n ?? 0;
  await run();
  const after = rig.sql.peek<{ n: number }>("SELECT total_changes() AS n")[0]?.n ?? 0;
  // One for the confirmation that D1 has it, as part of the next `finished` row: none of its own.
  expect(after - before).toBe(3);
});
