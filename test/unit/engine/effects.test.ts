import { expect, expectTypeOf, it } from "vitest";
import { effectKey, type EffectContext, type TaskContext } from "#engine";

declare const ctx: TaskContext<null>;

it("the key of an effect is the task's and the name's, and nothing else's", () => {
  expect(effectKey("a", "charge")).toBe("a:charge");
});

it("an effect gives what its function gives, and its function gets what it needs", () => {
  const charge = () => ctx.once("charge", async () => ({ receipt: "r1" }));
  expectTypeOf(charge).returns.toEqualTypeOf<Promise<{ receipt: string }>>();
  const count = () => ctx.once("count", () => 1);
  expectTypeOf(count).returns.toEqualTypeOf<Promise<number>>();
  const send = () =>
    ctx.once("send", (effect) => expectTypeOf(effect).toEqualTypeOf<EffectContext>());
  expectTypeOf(send).returns.toExtend<Promise<unknown>>();
  // @ts-expect-error -- it has no tries
  const tries = () => ctx.once("send", ({ attempt }) => attempt);
  expectTypeOf(tries).toBeFunction();
});
