import { expect, it } from "vitest";
import { traceOf } from "./mixes.ts";

it.each([
  ["everything", 1_000],
  ["beat", 100],
  ["shop-everything", 60],
])("a seed is one history, byte for byte: %s", async (mix, tasks) => {
  const [first, second] = [await traceOf(mix, 7, tasks), await traceOf(mix, 7, tasks)];
  expect(first.violation).toBe(null);
  expect(first.lines.length).toBeGreaterThan(50);
  expect(second.lines.join("\n")).toBe(first.lines.join("\n"));
  const other = await traceOf(mix, 8, tasks);
  expect(other.lines.join("\n")).not.toBe(first.lines.join("\n"));
});

it("a mix that there is not is refused", async () => {
  await expect(traceOf("nothing", 1, 10)).rejects.toThrow("There is no mix 'nothing'.");
});

it("in a deployment's history invocations are given what they submit", async () => {
  const { lines } = await traceOf("everything", 7, 1_000);
  expect(lines.filter((line) => / to run it: accepted, lease /.test(line)).length).toBeGreaterThan(
    5,
  );
});
