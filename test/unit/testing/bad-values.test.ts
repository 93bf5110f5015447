import { expect, it } from "vitest";
import * as z from "zod";
import { chain, createTaskDefiner, type AnyTaskDefinition, type StepOptions } from "#engine";
import { createTestLovage } from "#testing";

/* What no table, alarm or reader could take comes to nothing by itself, and holds up no other task. */

const define = createTaskDefiner<null>();
const plain = define({ name: "plain", params: z.object({}), handler: () => "done" });

function deploy(...tasks: readonly AnyTaskDefinition<null>[]) {
  const now = new Date("2030-01-01T12:00:00Z");
  return createTestLovage({ tasks: [plain, ...tasks], services: () => null, shards: 1, now });
}

it.each<[keyof StepOptions, number]>([
  ["retryDelaySeconds", NaN],
  ["retryDelaySeconds", Infinity],
  ["retryDelaySeconds", 1e308],
  ["retryDelaySeconds", 1e17],
  ["retryDelaySeconds", -5],
  ["maxRetries", NaN],
  ["maxRetries", 0.5],
  ["timeLimitSeconds", NaN],
  ["timeLimitSeconds", 1e308],
  ["timeLimitSeconds", -1],
])("a step whose %s is %d fails its task, and no other", async (option, value) => {
  const stepwise = define({
    name: "stepwise",
    params: z.object({}),
    handler: (_params, ctx) =>
      ctx.step("away", () => Promise.reject(new Error("away")), { maxRetries: 1, [option]: value }),
  });
  const t = deploy(stepwise);
  const { taskId: other } = await t.lovage.delay(plain, {});
  const { taskId } = await t.lovage.delay(stepwise, {});
  await t.runDue();
  expect(t.task(taskId)).toMatchObject({
    state: "FAILURE",
    error: { exc_type: "InvalidOptionError", exc_message: expect.stringContaining(option) },
  });
  expect(t.task(other)?.state).toBe("SUCCESS");
});

it("a key with half a surrogate pair is refused: its task would wait for ever", async () => {
  const t = deploy();
  const cut = "ab😀".slice(0, 3);
  await expect(t.lovage.applyAsync(plain, {}, { key: cut })).rejects.toMatchObject({
    code: "invalid_option",
    field: "key",
  });
});

it("where a declaration gives a link such a key it has none", async () => {
  const cut = define({
    name: "cut",
    params: z.object({}),
    handler: () => "ab😀".slice(0, 3),
  });
  const keyed = define({
    name: "keyed",
    params: z.object({ who: z.string() }),
    key: { of: ({ who }) => who },
    handler: () => "done",
  });
  const t = deploy(cut, keyed);
  const { taskId } = await t.lovage.send(chain(cut.s({}), keyed.s({})));
  await t.runDue();
  expect(t.task(taskId)?.state).toBe("SUCCESS");
});

it("a rate that allows one start in all times allows that one, and holds up nothing", async () => {
  const rateLimit = `0.${"0".repeat(320)}1/h`;
  const seldom = define({ name: "seldom", params: z.object({}), rateLimit, handler: () => "done" });
  const t = deploy(seldom);
  const first = await t.lovage.delay(seldom, {});
  await t.runDue();
  const second = await t.lovage.delay(seldom, {});
  const { taskId: other } = await t.lovage.applyAsync(plain, {}, { countdown: 30 });
  await t.advance({ minutes: 1 });
  const states = [first.taskId, second.taskId, other].map((id) => t.task(id)?.state);
  expect(states).toEqual(["SUCCESS", "PENDING", "SUCCESS"]);
});
