import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mutated } from "../mutants/mutant.ts";
import { MUTANTS } from "../mutants/mutants.ts";

const ROOT = join(import.meta.dirname, "../..");

it.each(MUTANTS)("$id still fits the code, and has tests to be found by", (mutant) => {
  for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
    const text = readFileSync(join(ROOT, file), "utf8");
    expect(mutated(mutant, file, text)).not.toBe(text);
  }
  for (const { file } of mutant.checks) expect(existsSync(join(ROOT, file)), file).toBe(true);
});

it("an edit whose place is gone, or is there twice, is refused", () => {
  const edit = { file: "f", find: "b", replace: "c" };
  const mutant = { id: "M", breaks: "", guarantees: [], edits: [edit], checks: [] };
  expect(mutated(mutant, "f", "abd")).toBe("acd");
  expect(() => mutated(mutant, "f", "a")).toThrow("found 0 times in f");
  expect(() => mutated(mutant, "f", "bb")).toThrow("found 2 times in f");
});
