import { expect, it } from "vitest";
import * as z from "zod";
import {
  chain as typedChain,
  chord as typedChord,
  createTaskDefiner,
  group as typedGroup,
  stamp,
  withOptions,
  type AnySignature,
  type Signature,
  type TaskRecord,
} from "#engine";
import { createEagerLovage, createTestLovage } from "#testing";

type Build = (...parts: unknown[]) => Signature;
/** Which canvases compile is the business of types.test.ts. */
const [chain, chord, group] = [typedChain, typedChord, typedGroup] as unknown as [
  Build,
  Build,
  Build,
];

interface Services {
  readonly calls: string[];
}

const define = createTaskDefiner<Services>();
const any = z.unknown();
const add = define({
  name: "add",
  params: z.object({ x: z.number(), y: z.number() }),
  handler: ({ x, y }, { services }) => {
    services.calls.push(`add ${x} ${y}`);
    return x + y;
  },
});
const sum = define({
  name: "sum",
  params: z.object({ numbers: z.array(z.number()) }),
  handler: ({ numbers }) => numbers.reduce((total, one) => total + one, 0),
});
const same = define({
  name: "same",
  params: z.object({ value: any }),
  handler: ({ value }) => value,
});
const fail = define({
  name: "fail",
  params: z.object({ value: any.optional() }),
  handler: () => {
    throw new TypeError("boom");
  },
});
const note = define({
  name: "note",
  params: z.object({ value: any, as: z.string() }),
  handler: ({ value, as }, { services }) => {
    services.calls.push(`${as} ${JSON.stringify(value)}`);
    return null;
  },
});
const tasks = [add, sum, same, fail, note];

interface Ran {
  readonly record: TaskRecord;
  readonly result: unknown;
  readonly calls: readonly string[];
}

/** Runs a canvas on a ledger, and eagerly: both have to come to the same. */
async function run(call: Signature): Promise<Ran> {
  const calls: string[] = [];
  const lovage = createTestLovage({ tasks, services: { calls } });
  const { taskId } = await lovage.lovage.send(call);
  await lovage.advance({ hours: 1 });
  const record = lovage.task(taskId);
  if (record === null) throw new Error("There is no canvas.");
  const eager = { calls: [] as string[] };
  const answer = await createEagerLovage({ tasks, services: eager }).send(call);
  const result = lovage.result(taskId);
  expect(withoutIds([answer.state, answer.result])).toEqual(withoutIds([record.state, result]));
  expect(withoutIds(eager.calls.toSorted())).toEqual(withoutIds(calls.toSorted()));
  const live = lovage.tasks().filter(({ finishedAt }) => finishedAt === null);
  expect(live).toEqual([]);
  return { record, result, calls };
}

function withoutIds(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id");
}

const by = (as: string) => note.s({ as });

it("a chain passes each result on as the first argument; an immutable link takes none", async () => {
  const { record, result, calls } = await run(
    chain(add.s({ x: 2, y: 2 }), add.s({ y: 4 }), same.si({ value: 8 }), add.s({ y: 1 })),
  );
  expect(record.state).toBe("SUCCESS");
  expect(result).toBe(9);
  expect(calls).toEqual(["add 2 2", "add 4 4", "add 8 1"]);
});

it("a group's results are in the order of its members, also of nested ones", async () => {
  const canvas = group(
    same.s({ value: 1 }),
    chord([same.s({ value: 2 }), same.s({ value: 3 })], sum.s({})),
    group(same.s({ value: 6 }), group(same.s({ value: 7 }))),
  );
  expect((await run(canvas)).result).toEqual([1, 5, [6, [7]]]);
});

it("a group followed by a task is a chord; the result before it goes to all its members", async () => {
  const canvas = chain(add.s({ x: 1, y: 1 }), group(add.s({ y: 10 }), add.s({ y: 20 })), sum.s({}));
  expect((await run(canvas)).result).toBe(34);
});

it("empty groups and chords, and a header of one", async () => {
  expect((await run(group())).result).toEqual([]);
  expect((await run(chord([], sum.s({})))).result).toBe(0);
  expect((await run(chord([same.s({ value: 4 })], sum.s({})))).result).toBe(4);
  const many = Array.from({ length: 3_000 }, () => group());
  expect((await run(chain(group(), ...many))).result).toEqual([]);
});

it("a failed link ends its chain; those after it say why they never ran; errbacks are called once", async () => {
  const calls: string[] = [];
  const lovage = createTestLovage({ tasks, services: { calls } });
  const canvas = withOptions(chain(fail.s({}), by("second"), by("third")), {
    linkError: [by("errback"), fail.s({}), by("other")],
  });
  const { taskId } = await lovage.lovage.send(canvas);
  await lovage.runDue();
  const failed = lovage.tasks({ name: "fail" }).find(({ options }) => options.canvas)?.id ?? "";
  expect(lovage.task(taskId)).toMatchObject({
    state: "FAILURE",
    error: { exc_type: "TypeError" },
    isDeadLettered: false,
  });
  expect(calls.toSorted()).toEqual([`errback "${failed}"`, `other "${failed}"`]);
  const others = lovage.tasks({ name: "note", state: "REVOKED" });
  expect(others.map(({ error }) => error?.exc_message)).toEqual(
    Array.from({ length: 2 }, () => `never ran: ${failed} before it ended with TypeError`),
  );
});

it("a failed header fails its chord when all have ended: the body with it, its errbacks once", async () => {
  const body = withOptions(sum.s({}), { linkError: [by("errback")] });
  const header = [same.s({ value: 1 }), fail.s({}), same.s({ value: 3 }), fail.s({})];
  const { record, calls } = await run(chord(header, body));
  expect(record).toMatchObject({ state: "FAILURE", error: { exc_type: "ChordError" } });
  expect(record.error?.exc_message).toMatch(/^Dependency \S+ raised TypeError: boom \(2 of 4/);
  expect(calls).toHaveLength(1);
});

it("positional arguments of a canvas come before its members' own, once", async () => {
  const members = [add.s({ y: 1 }), add.s({ y: 2 })];
  const given = (call: Signature): Signature => ({ ...call, args: [10] });
  expect((await run(given(group(...members)))).result).toEqual([11, 12]);
  expect((await run(given(chain(...members)))).result).toBe(13);
  expect((await run(given(chord(members, sum.s({}))))).result).toBe(23);
});

it("a task that ignores its result passes it on all the same", async () => {
  const silent = (value: number) => withOptions(same.s({ value }), { ignoreResult: true });
  expect((await run(chain(silent(5), add.s({ y: 1 })))).result).toBe(6);
  expect((await run(chord([silent(5), silent(6)], sum.s({})))).result).toBe(11);
  const alone = await run(withOptions(silent(5), { link: [by("link")] }));
  expect([alone.result, alone.calls]).toEqual([null, ["link 5"]]);
});

it("by choice the errors stand in the list", async () => {
  const header = withOptions(group(same.s({ value: 1 }), fail.s({})), { errors: "collect" });
  const { record, result } = await run(chain(header, same.s({})));
  expect(record.state).toBe("SUCCESS");
  expect(result).toEqual([
    1,
    { error: { exc_type: "TypeError", exc_message: "boom", task_id: expect.any(String) } },
  ]);
});

it("callbacks get the result, of a task, a group and a chain, each once", async () => {
  const member = withOptions(same.s({ value: 1 }), { link: [by("task")] });
  const inner = withOptions(group(member, same.s({ value: 2 })), { link: [by("group")] });
  const whole = withOptions(chain(inner, sum.s({})), {
    link: [chain(add.s({ y: 1 }), by("chain"))],
  });
  const { calls } = await run(whole);
  expect(calls.toSorted()).toEqual(["add 3 1", "chain 4", "group [1,2]", "task 1"]);
});

it("a failed chain undoes its finished links in reverse, once each, and goes on after a failed undo", async () => {
  const step = (value: string, undo: AnySignature = note.s({ as: `undo ${value}` })) =>
    withOptions(same.si({ value }), { undo });
  const inner = chain(step("b"), group(step("c"), step("d", fail.s({}))), step("e"));
  const { record, calls } = await run(
    chain(step("a"), inner, chain(step("f"), fail.s({})), step("g")),
  );
  expect(record.state).toBe("FAILURE");
  expect(calls).toEqual(
    ["undo f", "undo e", "undo c", "undo b", "undo a"].map((who) => `${who} "${who.at(-1)}"`),
  );
});

it("options of a canvas hold for its members, labels add up", async () => {
  const lovage = createTestLovage({ tasks, services: { calls: [] } });
  const member = stamp(same.s({ value: 1 }), { own: "1" });
  const canvas = withOptions(group(member, withOptions(same.s({ value: 2 }), { priority: 9 })), {
    queue: "emails",
    priority: 3,
    labels: { run: "r" },
  });
  const { taskId } = await lovage.lovage.send(canvas);
  const [first, second] = lovage.tasks({ queue: "emails" });
  expect(first).toMatchObject({ priority: 3, options: { labels: { run: "r", own: "1" } } });
  expect(second).toMatchObject({ priority: 9, options: { labels: { run: "r" } } });
  expect(lovage.task(taskId)?.options.labels).toEqual({ run: "r" });
});

it("countdowns count from the turn; a group's from its start", async () => {
  const lovage = createTestLovage({ tasks, services: { calls: [] } });
  const later = withOptions(same.s({}), { countdown: 60 });
  const { taskId } = await lovage.lovage.send(
    withOptions(chain(same.s({ value: 1 }), later), { countdown: 60 }),
  );
  await lovage.advance({ seconds: 119 });
  expect(lovage.task(taskId)?.state).toBe("SUSPENDED");
  await lovage.advance({ seconds: 2 });
  expect(lovage.task(taskId)?.state).toBe("SUCCESS");
});
