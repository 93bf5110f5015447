import { expect, it } from "vitest";
import type { EndCallback, Outcome, TaskSpec } from "#engine";
import { FIRST_POSITION } from "#platform/ledger/selection.ts";
import { Rig, success } from "./rig.ts";

const RULE = { key: "k", keep: "first", holdMs: 0, isHeldOpen: true, debounce: null } as const;
const error = { exc_type: "TypeError", exc_message: "no", traceback: null };

/** A call whose end is told by a task that waits in a queue of its own. */
function told(rig: Rig, over: Partial<TaskSpec> = {}): TaskSpec {
  const { id, priority } = rig.spec();
  const options = { tells_end: true } as const;
  const call = { name: "tell", queue: "calls", priority, options, kwargs: '{"url":"u"}' };
  const node = { kind: "task", parent: -1, call: { ...call, into: "task_id", key: null } } as const;
  const callback: EndCallback = { host: "host", id, plan: { nodes: [node] } };
  return rig.spec({ ...over, options: { ...over.options, callback } });
}

/** What is told, as the tasks that do it are claimed: of which task, for whom, by which id. */
function tellings(rig: Rig) {
  return rig.claim(10, { queue: "calls" }).tasks.map(({ id, name, owner, kwargs }) => {
    const { task_id: of } = JSON.parse(kwargs) as { task_id: string };
    return { id, name, owner, of };
  });
}

function expected({ id, options }: TaskSpec) {
  return [{ id: options.callback?.id, name: "tell", owner: "o", of: id }];
}

it.each([
  ["succeeds", { kind: "success", result: "1" }],
  ["succeeds without a result", { kind: "success", result: null }],
  ["fails", { kind: "failure", error }],
  ["is ignored", { kind: "ignore" }],
] as [string, Outcome][])("a task that %s is told of, once", async (_what, outcome) => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  const { token } = rig.claim();
  expect(tellings(rig)).toEqual([]);
  const settlements = [{ id: spec.id, token, outcome, runtimeMs: 1 }];
  rig.claim(0, { settlements });
  rig.claim(0, { settlements });
  expect(tellings(rig)).toEqual(expected(spec));
  expect(tellings(rig)).toEqual([]);
});

it("a retry is no end", async () => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  const { token } = rig.claim();
  const outcome = { kind: "retry", delayMs: 0, error } as const;
  rig.claim(0, { settlements: [{ id: spec.id, token, outcome, runtimeMs: 1 }] });
  expect(tellings(rig)).toEqual([]);
});

it.each([
  ["revoked while it waits", false, false],
  ["terminated while it runs", true, true],
])("a task that is %s is told of", async (_what, isRunning, terminate) => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  if (isRunning) rig.claim();
  rig.ledger.revoke(spec.id, terminate);
  expect(tellings(rig)).toEqual(expected(spec));
});

it("tasks that are purged, or called off with many, are told of", async () => {
  const rig = new Rig();
  const purged = told(rig);
  await rig.ledger.submit([purged]);
  rig.ledger.purgeSome("default", FIRST_POSITION);
  expect(tellings(rig)).toEqual(expected(purged));
  const revoked = told(rig);
  await rig.ledger.submit([revoked]);
  rig.ledger.revokeSome({ owner: "o" }, FIRST_POSITION, false);
  expect(tellings(rig)).toEqual(expected(revoked));
});

it("what tells of ends is called off by its id, its name or its queue alone", async () => {
  const rig = new Rig();
  const specs = [told(rig), told(rig)];
  const states = () =>
    specs.map(({ options }) => rig.ledger.get(options.callback?.id ?? "")?.state);
  await rig.ledger.submit(specs);
  rig.ledger.purgeSome("default", FIRST_POSITION);
  rig.ledger.revokeSome({ owner: "o" }, FIRST_POSITION, true);
  expect(states()).toEqual(["PENDING", "PENDING"]);
  rig.ledger.revoke(specs[0]?.options.callback?.id ?? "", false);
  expect(states()).toEqual(["REVOKED", "PENDING"]);
  rig.ledger.revokeSome({ name: "tell" }, FIRST_POSITION, false);
  expect(states()).toEqual(["REVOKED", "REVOKED"]);
});

it.each([
  ["is purged", (rig: Rig) => rig.ledger.purgeSome("calls", FIRST_POSITION)],
  ["is called off", (rig: Rig) => rig.ledger.revokeSome({ queue: "calls" }, FIRST_POSITION, false)],
])("and with its queue when that %s", async (_what, callOff) => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  rig.ledger.revoke(spec.id, false);
  expect(callOff(rig).revoked).toBe(1);
  expect(tellings(rig)).toEqual([]);
});

it("a task that expires is told of", async () => {
  const rig = new Rig();
  const spec = told(rig, { dueAt: rig.now + 1_000, expiresAt: rig.now + 2_000 });
  await rig.ledger.submit([spec]);
  await rig.pass(3_000);
  rig.ledger.tick();
  expect(tellings(rig)).toEqual(expected(spec));
});

it("a task that loses three consumers while it runs alone is told of", async () => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  for (let lost = 0; lost < 4; lost += 1) {
    expect(rig.claim(1).tasks).toHaveLength(1);
    await rig.pass(31_000);
  }
  rig.ledger.tick();
  expect(rig.ledger.get(spec.id)?.error?.exc_type).toBe("WorkerLostError");
  expect(tellings(rig)).toEqual(expected(spec));
});

it("what has no callback starts nothing", async () => {
  const rig = new Rig();
  const spec = rig.spec();
  await rig.ledger.submit([spec]);
  const { token } = rig.claim();
  rig.claim(0, { settlements: [success(spec.id, token)] });
  expect(tellings(rig)).toEqual([]);
});

it("the task that runs is not handed what tells of it", async () => {
  const rig = new Rig();
  await rig.ledger.submit([told(rig)]);
  expect(rig.claim().tasks[0]?.options).toEqual({});
});

it("of a call that is one with another only the other is told of", async () => {
  const rig = new Rig();
  const options = { unique_key: "k" };
  const first = told(rig, { unique: RULE, options });
  const keyed = told(rig, { unique: RULE, options, fingerprint: "call" });
  await rig.ledger.submit([first, keyed]);
  expect(rig.ledger.get(keyed.id)).toMatchObject({ state: "REVOKED", options });
  expect(tellings(rig)).toEqual([]);
  rig.ledger.revoke(first.id, false);
  expect(tellings(rig)).toEqual(expected(first));
});

it("a call that takes another's place brings its callback along", async () => {
  const rig = new Rig();
  const unique = { ...RULE, keep: "replace" } as const;
  const options = { unique_key: "k" };
  const first = told(rig, { unique, options, dueAt: rig.now + 1_000 });
  const newer = told(rig, { unique, options, dueAt: rig.now + 1_000 });
  await rig.ledger.submit([first]);
  await rig.ledger.submit([newer]);
  rig.ledger.revoke(first.id, false);
  expect(tellings(rig)).toEqual(expected({ ...newer, id: first.id }));
});

it("another owner's call that takes a task's place brings none: its owner is told as before", async () => {
  const rig = new Rig();
  const unique = { ...RULE, keep: "replace" } as const;
  const options = { unique_key: "k" };
  const dueAt = rig.now + 1_000;
  const first = told(rig, { unique, options, dueAt });
  const link = first.options.callback;
  const links = link === undefined ? {} : { link: [{ ...link, id: rig.spec().id }] };
  const others = told(rig, { unique, options: { ...options, ...links }, dueAt, owner: "other" });
  const unheard = rig.spec({ unique, options, dueAt, owner: "other" });
  await rig.ledger.submit([first]);
  expect(await rig.ledger.submit([others, unheard])).toMatchObject([
    { how: "replaced" },
    { how: "replaced" },
  ]);
  await rig.pass(1_000);
  rig.claim(0, { settlements: [success(first.id, rig.claim().token)] });
  expect(tellings(rig)).toEqual(expected(first));
});

it("the end and who tells of it are one transaction: a new object finds both", async () => {
  const rig = new Rig();
  const spec = told(rig);
  await rig.ledger.submit([spec]);
  rig.ledger.revoke(spec.id, false);
  rig.ledger = rig.create();
  expect(tellings(rig)).toEqual(expected(spec));
});
