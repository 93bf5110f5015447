import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner } from "#engine";
import * as testing from "#testing";

/* The examples of README's "Test your tasks" run as they stand there. */

const defineTask = createTaskDefiner<object>();

const greet = defineTask({
  name: "greet",
  params: z.object({ who: z.string() }),
  handler: ({ who }) => `Hello ${who}`,
});

const charge = defineTask({
  name: "charge",
  params: z.object({ failures: z.number() }),
  autoretryFor: [Error],
  handler: ({ failures }, { retries }) => {
    if (retries < failures) throw new Error("try later");
  },
});

const README = readFileSync(join(import.meta.dirname, "../../../README.md"), "utf8");
const [, section = ""] = README.split("### Test your tasks\n");
const examples = Array.from((section.split("\n### ")[0] ?? "").matchAll(/```ts\n(.*?)```/gs), (m) =>
  // What it imports is given here; and nothing in it is TypeScript alone.
  (m[1] ?? "").replace(/^import .*\n/m, ""),
);

it("there are two", () => {
  expect(examples).toHaveLength(2);
});

it.each(examples)("%s", async (example) => {
  const before = expect.getState().assertionCalls;
  const given = { ...testing, expect, greet, charge, services: {} };
  // oxlint-disable-next-line typescript/no-implied-eval
  const run = new Function(...Object.keys(given), `return (async () => {${example}})();`);
  await (run(...Object.values(given)) as Promise<void>);
  expect(expect.getState().assertionCalls - before).toBe(2);
});
