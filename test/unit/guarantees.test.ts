import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const OWN = "test/unit/guarantees.test.ts";
const GUARANTEES = Array.from({ length: 23 }, (_, index) => `G${index + 1}`);

/** The files with a test that is a check of a guarantee: `(G7)` or `(G1, G20)` at the end of its title. */
function readChecks(): Map<string, Set<string>> {
  const checks = new Map<string, Set<string>>();
  for (const file of globSync("test/**/*.ts")) {
    // This one speaks of tags, and is the check of none.
    if (file === OWN) continue;
    for (const { groups } of readFileSync(file, "utf8").matchAll(
      /\((?<tags>G\d+(?:, G\d+)*)\)(?:, [^"`\n]*)?["`]/g,
    )) {
      for (const guarantee of groups?.["tags"]?.split(", ") ?? []) {
        checks.set(guarantee, (checks.get(guarantee) ?? new Set()).add(file));
      }
    }
  }
  return checks;
}

/** The files that RELIABILITY.md names for each guarantee. */
function readTable(): Map<string, Set<string>> {
  const page = readFileSync("RELIABILITY.md", "utf8");
  const rows = page.matchAll(/^\| \*\*(?<guarantee>G\d+) .*\| (?<files>[^|]*)\|$/gm);
  return new Map(
    Array.from(rows, ({ groups }) => [
      groups?.["guarantee"] ?? "",
      new Set(
        Array.from(groups?.["files"]?.matchAll(/`(test\/[^`]+)`/g) ?? [], ([, file = ""]) => file),
      ),
    ]),
  );
}

it("every guarantee has a check, and RELIABILITY.md names all of them", () => {
  const checks = readChecks();
  expect([...checks.keys()].toSorted()).toEqual(GUARANTEES.toSorted());
  const table = readTable();
  expect([...table.keys()]).toEqual(GUARANTEES);
  for (const guarantee of GUARANTEES) {
    const named = [...(table.get(guarantee) ?? [])].toSorted();
    expect(named, guarantee).toEqual([...(checks.get(guarantee) ?? [])].toSorted());
  }
});
