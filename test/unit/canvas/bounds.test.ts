import { expect, it } from "vitest";
import * as z from "zod";
import {
  chain as typedChain,
  chunks,
  createTaskDefiner,
  group as typedGroup,
  map,
  secret,
  withOptions,
  type AnySignature,
  type Signature,
} from "#engine";
import { createEagerLovage, createTestLovage } from "#testing";
import { problemOf } from "../../../src/delivery/api/http/problems.ts";
import { readSignature } from "../../../src/delivery/api/tasks/signatures.ts";
import { TreeView } from "../../../src/delivery/api/canvas/canvas-tree.ts";

type Build = (...parts: readonly AnySignature[]) => AnySignature;
const [chain, group] = [typedChain, typedGroup] as unknown as [Build, Build];

interface Services {
  readonly calls: string[];
}
const define = createTaskDefiner<Services>();

const same = define({
  name: "same",
  params: z.object({ value: z.unknown() }),
  handler: ({ value }) => value,
});
const blob = define({
  name: "blob",
  params: z.object({ length: z.number() }),
  handler: ({ length }) => "x".repeat(length),
});
const note = define({
  name: "note",
  params: z.object({ value: z.unknown(), as: z.string() }),
  handler: ({ as }, { services }) => {
    services.calls.push(as);
  },
});
const fail = define({
  name: "fail",
  params: z.object({ value: z.unknown().optional() }),
  handler: () => {
    throw new TypeError("boom");
  },
});
const pay = define({
  name: "pay",
  params: z.object({ value: z.unknown().optional(), card: secret(z.string()) }),
  handler: () => null,
});
const keyed = define({
  name: "keyed",
  params: z.object({ value: z.unknown(), who: z.string() }),
  key: { of: ({ who }) => who, concurrency: 1 },
  handler: ({ who }) => who,
});
const keyedByResult = define({
  name: "keyed_by_result",
  params: z.object({ who: z.object({ id: z.string() }) }),
  key: { of: ({ who }) => who.id },
  handler: () => 1,
});
/** Becomes itself, again and again. */
const poll = define({
  name: "poll",
  params: z.object({ left: z.number() }),
  handler: ({ left }, ctx): unknown => ctx.replace(poll.s({ left: left - 1 })),
});
const grow = define({
  name: "grow",
  params: z.object({ by: z.number() }),
  handler: ({ by }, ctx) => {
    for (let n = 0; n < by; n += 1) ctx.addToGroup(same.s({ value: n }));
    return "grown";
  },
});
/** Adds members with five million characters of arguments. */
const swell = define({
  name: "swell",
  params: z.object({}),
  handler: (_params, ctx) => {
    for (let n = 0; n < 25; n += 1) ctx.addToGroup(note.s({ value: n, as: "x".repeat(200_000) }));
    return "swollen";
  },
});
const becomesSame = define({
  name: "becomes_same",
  params: z.object({ value: z.unknown() }),
  handler: ({ value }, ctx): unknown => ctx.replace(same.s({ value })),
});
const tasks = [same, blob, note, fail, pay, keyed, keyedByResult, poll, grow, swell, becomesSame];

function deploy() {
  const services = { calls: [] as string[] };
  return { services, lovage: createTestLovage({ tasks, services }) };
}

async function run(call: AnySignature) {
  const { services, lovage } = deploy();
  const { taskId } = await lovage.lovage.send(call as Signature);
  await lovage.advance({ hours: 2 });
  return { record: lovage.task(taskId), all: lovage.tasks(), calls: services.calls, lovage };
}

async function refusal(body: unknown) {
  const { lovage } = deploy();
  const thrown: unknown = await Promise.resolve()
    .then(() => lovage.lovage.prepare([readSignature(body)]))
    .catch((error: unknown) => error);
  return problemOf(thrown);
}

it("a task that becomes itself for ever is stopped, and fails", async () => {
  const { record, all } = await run(group(poll.s({ left: 1_000 })));
  expect(record?.state).toBe("FAILURE");
  expect(record?.error?.exc_message).toContain("may be replaced 100 times");
  expect(all.length).toBeLessThan(110);
});

it("a group grows up to a bound; what would go beyond it fails", async () => {
  const { record, all } = await run(group(grow.s({ by: 19_000 }), grow.s({ by: 3_000 })));
  expect(record).toMatchObject({ state: "FAILURE", error: { exc_type: "ChordError" } });
  expect(record?.error?.exc_message).toContain("at most 20000 parts");
  expect(all.filter(({ name }) => name === "same")).toHaveLength(19_000);
  // The outline stays small: what is alike is written once.
  expect(JSON.stringify(record?.options.tree).length).toBeLessThan(200);
});

it("nor does a group grow beyond what a plan may have when it is submitted: all of it is in memory together", async () => {
  const { all } = await run(group(swell.s({}), swell.s({}), swell.s({})));
  const grown = all.filter(({ name }) => name === "swell");
  expect(grown.map(({ state }) => state).toSorted()).toEqual(["FAILURE", "FAILURE", "SUCCESS"]);
  const [failed] = grown.filter(({ state }) => state === "FAILURE");
  expect(failed?.error?.exc_message).toContain("8388608 bytes of JSON");
  expect(all.filter(({ name }) => name === "note")).toHaveLength(25);
});

it("a short request that stands for a large plan is refused before it is made", async () => {
  const repeated = { task: "celery.group", args: ["x".repeat(100_000)], kwargs: {} };
  const tasksOf = (count: number) => Array.from({ length: count }, () => ({ name: "same" }));
  const tooLarge = await refusal({ ...repeated, kwargs: { tasks: tasksOf(4_000) } });
  expect(tooLarge.status).toBe(422);
  expect(tooLarge.errors[0]?.message).toContain("may have 8388608 bytes of JSON.");
  const task = { name: "note", kwargs: { as: "x".repeat(200_000) } };
  const items = Array.from({ length: 4_000 }, () => [1]);
  expect((await refusal({ chunks: { task, items, size: 1 } })).status).toBe(422);
  expect((await refusal({ group: tasksOf(10_000).concat(tasksOf(10_001)) })).status).toBe(422);
});

it("options that can't hold are refused", async () => {
  const undo = { name: "note", kwargs: { as: "x" } };
  for (const body of [
    { chain: [{ name: "same", args: [1] }], errors: "collect" },
    { name: "same", args: [1], undo },
    { group: [{ group: [{ name: "same", args: [1] }], expires: 5 }] },
    { group: [], link: [{ chain: [], expires: 5 }] },
    { task: "celery.group", kwargs: { tasks: [] }, options: { labels: "abc" } },
    { task: "celery.group", kwargs: { tasks: [] }, options: { labels: ["abc"] } },
  ]) {
    expect((await refusal(body)).status, JSON.stringify(body)).toBe(422);
  }
});

it("a map stores nothing of its task but arguments, and its items can't change the canvas", async () => {
  const link = [pay.s({ card: "4242-4242" })];
  for (const call of [
    map(withOptions(same.s({}), { link }), [1]),
    chunks(withOptions(same.s({}), { link }), [[1]], 1),
  ]) {
    const { all } = await run(call);
    expect(all.map(({ name }) => name)).toContain("pay");
    const maps = all.filter(({ name }) => name.startsWith("celery."));
    expect(JSON.stringify(maps.map(({ kwargs }) => kwargs))).not.toContain("4242-4242");
  }
  const replaced = await run(map(becomesSame.s({}), ["a", "b"]));
  expect(replaced.record).toMatchObject({ state: "FAILURE" });
  expect(replaced.record?.error?.exc_message).toContain("use a group");
});

it("what holds for a canvas holds for its own result", async () => {
  const members = group(same.s({ value: "private" }));
  const expiring = await run(withOptions(members, { resultExpires: 60 }));
  expect(expiring.record?.options.result_expires).toBe(60);
  const ignored = await run(withOptions(members, { ignoreResult: true }));
  expect(ignored.record).toMatchObject({ state: "SUCCESS", result: null });
});

it("a link has the key of its arguments, whatever the size of the result before it", async () => {
  const { all } = await run(chain(blob.si({ length: 300_000 }), keyed.s({ who: "me" })));
  expect(all.find(({ name }) => name === "keyed")).toMatchObject({ state: "SUCCESS" });
  const spec = await deploy().lovage.lovage.prepare([
    chain(same.si({ value: 1 }), keyed.s({ who: "me" })) as Signature,
  ]);
  expect(spec[0]?.plan?.nodes[2]).toMatchObject({ call: { key: "me" } });
});

it("a link whose key is its result's, and whose turn never comes, ends as any other", async () => {
  const call = chain(fail.s({}), keyedByResult.s({}));
  expect((await run(call)).record?.state).toBe("FAILURE");
  const eager = createEagerLovage({ tasks, services: { calls: [] } });
  expect((await eager.send(call as Signature)).state).toBe("FAILURE");
});

it("a chord that collected errors is shown as it ended", () => {
  const view = new TreeView(
    "019b0000-0000-8000-8000-000000000000",
    { from: 0, to: 100 },
    (_place, _id, name) => ({ state: name }),
  );
  const header = ["SUCCESS", "FAILURE"];
  const chord = { header, body: "SUCCESS", errors: "collect" as const };
  expect(view.of({ chord }, 0).state).toBe("SUCCESS");
});
