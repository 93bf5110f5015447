import { createTaskDefiner, chain, chord, chunks, group, map, starmap } from "#engine";
import { createEagerLovage, createTestLovage } from "#testing";
import { expect, it } from "vitest";
import * as z from "zod";

const define = createTaskDefiner<null>();

class Flaky extends Error {}

const blob = define({
  name: "blob",
  params: z.object({ kilobytes: z.number(), letter: z.string() }),
  handler: ({ kilobytes, letter }) => letter.repeat(kilobytes * 1_024),
});
const lengths = define({
  name: "lengths",
  params: z.object({ texts: z.array(z.string()) }),
  handler: ({ texts }) => texts.map((text) => `${text[0]}${text.length / 1_024}`),
});
const length = define({
  name: "length",
  params: z.object({ text: z.string(), add: z.number().default(0) }),
  handler: ({ text, add }) => text.length / 1_024 + add,
});
const lengthsInBatch = define({
  name: "lengths_in_batch",
  params: z.object({ text: z.string() }),
  batch: {
    size: 10,
    handler: async (calls) =>
      calls.map(({ params }) => ({
        status: "fulfilled" as const,
        value: params.text.length / 1_024,
      })),
  },
});
const nested = define({
  name: "nested",
  params: z.object({ lists: z.array(z.array(z.string())) }),
  handler: ({ lists }) => lists.map((list) => list.map((text) => text.length / 1_024)),
});
const add = define({
  name: "add",
  params: z.object({ x: z.number(), y: z.number().default(0) }),
  handler: ({ x, y }) => x + y,
});
const double = define({
  name: "double",
  params: z.object({ x: z.number() }),
  batch: {
    size: 3,
    handler: async (calls) =>
      calls.map(({ params }) =>
        params.x < 0
          ? { status: "rejected" as const, reason: new Error(`${params.x} is negative`) }
          : { status: "fulfilled" as const, value: params.x * 2 },
      ),
  },
});
const flaky = define({
  name: "flaky",
  params: z.object({ x: z.number() }),
  queue: "payments",
  autoretryFor: [Flaky],
  maxRetries: 2,
  handler: ({ x }, ctx) => {
    if (ctx.retries < 2) throw new Flaky("not yet");
    return x * 10;
  },
});
const secret = define({
  name: "with_secret",
  params: z.object({ card: z.string().meta({ secret: true }) }),
  handler: () => null,
});
const tasks = [blob, lengths, length, lengthsInBatch, nested, add, double, flaky, secret];

async function run(call: Parameters<ReturnType<typeof test>["lovage"]["send"]>[0]) {
  const lovage = test();
  const { taskId } = await lovage.lovage.send(call);
  await lovage.advance({ hours: 1 });
  const record = lovage.task(taskId);
  if (record === null) throw new Error("There is no canvas.");
  const eager = await createEagerLovage({ tasks, services: null }).send(call);
  expect([eager.state, eager.result]).toEqual([record.state, lovage.result(taskId)]);
  return { record, result: lovage.result(taskId) };
}

function test() {
  return createTestLovage({ tasks, services: null });
}

it("a result that is too large for the next task's row reaches it", async () => {
  const largeAndOther = chain(blob.s({ kilobytes: 250, letter: "a" }), length.s({ add: 1 }));
  expect((await run(largeAndOther)).result).toBe(251);
  const veryLarge = chain(blob.s({ kilobytes: 900, letter: "a" }), length.s({}));
  expect((await run(veryLarge)).result).toBe(900);
  const inBatch = chain(blob.s({ kilobytes: 900, letter: "a" }), lengthsInBatch.s({}));
  expect((await run(inBatch)).result).toBe(900);
});

it("a body gets a list that is too large for its row, and what of it is larger than a row", async () => {
  const header = [
    blob.s({ kilobytes: 200, letter: "a" }),
    blob.s({ kilobytes: 200, letter: "b" }),
    blob.s({ kilobytes: 700, letter: "c" }),
  ];
  const body = chord(header, lengths.s({}));
  expect((await run(body)).result).toEqual(["a200", "b200", "c700"]);
  const twice = chord([group(...header), group(...header)], nested.s({}));
  expect((await run(twice)).result).toEqual([
    [200, 200, 700],
    [200, 200, 700],
  ]);
});

it("a callback gets a list that its canvas keeps, after that is gone", async () => {
  const lovage = test();
  const header = [blob.s({ kilobytes: 200, letter: "a" }), blob.s({ kilobytes: 200, letter: "b" })];
  const call = { ...group(...header), options: { link: [lengths.s({})] } };
  await lovage.lovage.send(call);
  await lovage.advance({ hours: 1 });
  const [callback] = lovage.tasks().filter(({ name }) => name === "lengths");
  expect(lovage.result(callback?.id ?? "")).toEqual(["a200", "b200"]);
});

it("map and starmap call a task for each item in one attempt, chunks in several", async () => {
  expect((await run(map(add.s({ y: 5 }), [1, 2, 3]))).result).toEqual([6, 7, 8]);
  const each = starmap(add.s({}), [
    [1, 2],
    [3, 4],
  ]);
  const { record, result } = await run(each);
  expect(result).toEqual([3, 7]);
  expect([record.name, record.attempts.length]).toEqual(["celery.starmap", 1]);
  const items = [[1], [2], [3], [4], [5]];
  expect((await run(chunks(add.s({}), items, 2))).result).toEqual([[1, 2], [3, 4], [5]]);
  expect((await run(map(double.s({}), [1, 2, 3, 4]))).result).toEqual([2, 4, 6, 8]);
  expect((await run(map(add.s({}), []))).result).toEqual([]);
});

it("a map retries, routes and fails as the task that it calls", async () => {
  const { record, result } = await run(map(flaky.s({}), [1, 2]));
  expect([record.queue, record.attempts.length, result]).toEqual(["payments", 3, [10, 20]]);
  const failed = await run(map(double.s({}), [1, -2, 3]));
  expect(failed.record).toMatchObject({
    state: "FAILURE",
    error: { exc_type: "Error", exc_message: "-2 is negative" },
  });
  const inChord = chord([map(add.s({}), [1, 2]), map(add.s({}), [3])], listSum.s({}));
  expect(
    (await createEagerLovage({ tasks: [...tasks, listSum], services: null }).send(inChord)).result,
  ).toBe(6);
});

const listSum = define({
  name: "list_sum",
  params: z.object({ lists: z.array(z.array(z.number())) }),
  handler: ({ lists }) => lists.flat().reduce((sum, each) => sum + each, 0),
});

it("a map that can't run is refused before anything is stored, with the reason", async () => {
  const { lovage } = test();
  const refusals: [unknown, string][] = [
    [map(add.s({}), ["one"] as never), '"it.0.x"'],
    [map({ ...add.s({}), task: "nobody" }, [1]), "nobody"],
    [map(secret.s({}) as never, ["4242"]), "secret"],
    [starmap(add.s({}), [[1, 2, 3]]), "positional"],
    [
      { ...map(add.s({}), [1]), kwargs: { task: { task: "celery.map" }, it: [1] } },
      "is a map itself",
    ],
  ];
  for (const [call, reason] of refusals) {
    const thrown: unknown = await lovage.send(call as never).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    const text = JSON.stringify([
      (thrown as Error).message,
      (thrown as { issues?: unknown }).issues ?? null,
    ]);
    expect(text, text).toContain(reason);
  }
});
