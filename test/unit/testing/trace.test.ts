import { expect, it } from "vitest";
import * as z from "zod";
import { chain, createTaskDefiner, group, type TaskContext } from "#engine";
import { createTestLovage } from "#testing";

interface Services {
  /** The trace that each task ran in, by what it was told to be. */
  readonly traces: Map<string, string>;
  readonly work: (ctx: TaskContext<Services>) => unknown;
}

const defineTask = createTaskDefiner<Services>();
const note = defineTask({
  name: "note",
  params: z.object({ as: z.string() }),
  handler: ({ as }, { services, traceId }) => void services.traces.set(as, traceId),
});
const fail = defineTask({
  name: "fail",
  params: z.object({}),
  maxRetries: 0,
  handler: () => {
    throw new Error("no");
  },
});
const root = defineTask({
  name: "root",
  params: z.object({}),
  handler: async (_params, ctx) => {
    ctx.services.traces.set("root", ctx.traceId);
    await ctx.services.work(ctx);
  },
});
const noted = (as: string) => note.si({ as });

/** Runs a task that does so, and answers the traces that were seen. */
async function tracesOf(work: Services["work"]): Promise<Record<string, string>> {
  const services = { traces: new Map<string, string>(), work };
  const t = createTestLovage({ tasks: [note, fail, root], services, shards: 2 });
  await t.lovage.delay(root, {});
  await t.runDue();
  return Object.fromEntries(services.traces);
}

it.each<[string, Services["work"], string[]]>([
  ["calls", (ctx) => ctx.lovage.delay(note, { as: "child" }), ["child"]],
  [
    "bulk calls",
    (ctx) => ctx.lovage.sendAll([noted("first"), noted("second")]),
    ["first", "second"],
  ],
  [
    "members of a canvas",
    (ctx) => ctx.lovage.send(chain(noted("a"), group(noted("b"), noted("c")), noted("d"))),
    ["a", "b", "c", "d"],
  ],
  [
    "a callback",
    (ctx) => ctx.lovage.send(note.si({ as: "first" }, { link: [noted("then")] })),
    ["first", "then"],
  ],
  ["an errback", (ctx) => ctx.lovage.send(fail.s({}, { linkError: [noted("sorry")] })), ["sorry"]],
  ["what replaces it", (ctx) => ctx.replace(group(noted("a"), noted("b"))), ["a", "b"]],
])("%s belong to the trace of the task that they come from", async (_what, work, names) => {
  const { root: trace, ...others } = await tracesOf(work);
  expect(trace).toMatch(/^[0-9a-f]{32}$/);
  expect(others).toEqual(Object.fromEntries(names.map((name) => [name, trace])));
});

it("two calls that nobody gave a trace begin one each, with nothing stored for it", async () => {
  const services = { traces: new Map<string, string>(), work: () => null };
  const t = createTestLovage({ tasks: [root], services });
  const { taskId } = await t.lovage.delay(root, {});
  expect(t.task(taskId)?.options).toEqual({});
  await t.runDue();
  expect(services.traces.get("root")).toBe(taskId.replaceAll("-", ""));
});
