import { expect, it } from "vitest";
import * as z from "zod";
import { chain, chord, createTaskDefiner, group, withOptions, type Signature } from "#engine";
import { createEagerLovage, createTestLovage } from "#testing";

const define = createTaskDefiner<{ readonly calls: string[] }>();

class Flaky extends Error {}

const add = define({
  name: "add",
  params: z.object({ x: z.number(), y: z.number() }),
  handler: ({ x, y }) => x + y,
});
const total = define({
  name: "total",
  params: z.object({ numbers: z.array(z.number()) }),
  handler: ({ numbers }) => numbers.reduce((sum, one) => sum + one, 0),
});
const fail = define({
  name: "fail",
  params: z.object({ input: z.unknown().optional() }),
  handler: () => {
    throw new TypeError("boom");
  },
});
const note = define({
  name: "note",
  params: z.object({ value: z.unknown(), as: z.string() }),
  handler: ({ value, as }, { services }) => {
    services.calls.push(`${as} ${JSON.stringify(value)}`);
    return null;
  },
});
/** Becomes the sum of the numbers up to n, by calling itself. */
const triangle = define({
  name: "triangle",
  params: z.object({ n: z.number() }),
  handler: ({ n }, ctx): Promise<number> | number =>
    n <= 1 ? n : ctx.replace(chain(triangle.s({ n: n - 1 }) as Signature<number>, add.s({ y: n }))),
});
const becomes: Readonly<Record<string, () => Signature>> = {
  chain: () => chain(add.s({ x: 1, y: 2 }), add.s({ y: 10 })),
  group: () => group(add.s({ x: 1, y: 2 }), add.s({ x: 3, y: 4 })),
  chord: () => chord([add.s({ x: 1, y: 2 }), add.s({ x: 3, y: 4 })], total.s({})),
  task: () => add.s({ x: 1, y: 1 }),
  failing: () => chain(add.s({ x: 1, y: 2 }), fail.si({})),
  empty: () => group(),
};
const become = define({
  name: "become",
  params: z.object({ what: z.string() }),
  autoretryFor: [Flaky],
  defaultRetryDelaySeconds: 1,
  handler: ({ what }, ctx): number | number[] => {
    if (ctx.retries === 0) throw new Flaky("first it is tried again");
    const made = becomes[what];
    if (made === undefined) throw new Error(`nothing like ${what}`);
    return ctx.replace(made());
  },
});
/** Adds as many members to its group as it is told, also in each of its attempts. */
const grow = define({
  name: "grow",
  params: z.object({ by: z.number() }),
  autoretryFor: [Flaky],
  defaultRetryDelaySeconds: 1,
  handler: ({ by }, ctx) => {
    for (let n = 0; n < by; n += 1) ctx.addToGroup(add.s({ x: 100, y: n }));
    if (ctx.retries === 0) throw new Flaky("its members are not to come twice");
    return 0;
  },
});
const tasks = [add, total, fail, note, triangle, become, grow];

async function run(call: Signature) {
  const calls: string[] = [];
  const lovage = createTestLovage({ tasks, services: { calls } });
  const { taskId } = await lovage.lovage.send(call);
  await lovage.advance({ hours: 1 });
  const eager = { calls: [] as string[] };
  const answer = await createEagerLovage({ tasks, services: eager }).send(call);
  const record = lovage.task(taskId);
  expect([answer.state, answer.result]).toEqual([record?.state, lovage.result(taskId)]);
  expect(withoutIds(eager.calls)).toEqual(withoutIds(calls));
  expect(lovage.tasks().filter(({ finishedAt }) => finishedAt === null)).toEqual([]);
  return { record, result: lovage.result(taskId), calls, all: lovage.tasks() };
}

function withoutIds(calls: readonly string[]): string[] {
  return calls.map((call) => call.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id")).toSorted();
}

it.each([
  ["chain", 13],
  ["group", [3, 7]],
  ["chord", 10],
  ["task", 2],
  ["empty", []],
])("a task becomes a %s, and has its result under its own id", async (what, wanted) => {
  const { record, result } = await run(become.s({ what }));
  expect(record).toMatchObject({ name: "become", state: "SUCCESS" });
  expect(record?.attempts.map(({ outcome }) => outcome)).toEqual(["retry", "suspended"]);
  expect(result).toEqual(wanted);
});

it("who waits for a task waits for what it becomes: links, bodies, callbacks", async () => {
  const link = { link: [note.s({ as: "link" })] };
  const chained = await run(
    chain(withOptions(become.s({ what: "chain" }) as Signature<number>, link), add.s({ y: 1 })),
  );
  expect(chained.result).toBe(14);
  expect(chained.calls).toEqual(["link 13"]);
  const header = [become.s({ what: "chord" }), add.s({ x: 5, y: 5 })] as Signature<number>[];
  expect((await run(chord(header, total.s({})))).result).toBe(20);
});

it("it fails as what it becomes does, and its errbacks are called once", async () => {
  const failing = withOptions(become.s({ what: "failing" }) as Signature<number>, {
    linkError: [note.s({ as: "errback" })],
  });
  const { record, calls, all } = await run(chain(failing, add.s({ y: 1 })));
  expect(record).toMatchObject({ state: "FAILURE", error: { exc_type: "TypeError" } });
  expect(calls).toHaveLength(1);
  const states = all.map(({ name, state }) => `${name} ${state}`);
  const wanted = ["add SUCCESS", "fail FAILURE", "become FAILURE", "add REVOKED"];
  expect(states.toSorted()).toEqual([...wanted, "celery.chain FAILURE", "note SUCCESS"].toSorted());
});

it("a task may become one that becomes another, thirty deep", async () => {
  expect((await run(triangle.s({ n: 30 }))).result).toBe(465);
});

it("members that a member adds run behind the others, and come once, however often it is tried", async () => {
  const { result } = await run(
    group(add.s({ x: 1, y: 1 }), grow.s({ by: 2 }), add.s({ x: 2, y: 2 })),
  );
  expect(result).toEqual([2, 0, 4, 100, 101]);
  const header = [grow.s({ by: 3 }), add.s({ x: 1, y: 1 })];
  expect((await run(chord(header, total.s({})))).result).toBe(305);
  const inner = group(chain(grow.si({ by: 1 }), add.s({ y: 5 })), add.si({ x: 1, y: 1 }));
  expect((await run(chain(add.si({ x: 0, y: 0 }), inner, total.s({})))).result).toBe(107);
});

it("to add to a group that there is none of is an error; so is a member that doesn't fit", async () => {
  const { record } = await run(grow.s({ by: 1 }));
  expect(record).toMatchObject({ state: "FAILURE", error: { exc_type: "LovageError" } });
});
