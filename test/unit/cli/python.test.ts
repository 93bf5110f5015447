import { expect, it } from "vitest";
import { reprOf } from "../../../src/delivery/cli/python.ts";

it.each([
  [null, "None"],
  [true, "True"],
  [[1, 2.5, "a"], "[1, 2.5, 'a']"],
  [{ a: { b: false } }, "{'a': {'b': False}}"],
  ["it's", `"it's"`],
  [`it's "so"`, `'it\\'s "so"'`],
  ["a\nb\\\x1b[31m", "'a\\nb\\\\\\x1b[31m'"],
  ["Zoë 🌿", "'Zoë 🌿'"],
])("%j is written as Python writes it", (value, text) => {
  expect(reprOf(value)).toBe(text);
});
