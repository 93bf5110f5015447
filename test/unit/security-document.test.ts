import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "SECURITY.md"), "utf8");

/** The rows of the tables of controls: three cells, the last with a test's file and title. */
const controls = text
  .slice(text.indexOf("\n## Controls"), text.indexOf("\n## By hand"))
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (control|-+) /.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, control = "", code = "", test = ""]) => ({ control, code, test }));

const FILE = /^`([^`]+)`$/;
const TEST = /^`(test\/[\w./-]+\.test\.ts)`: "(.+)"$/;

describe("SECURITY.md", () => {
  it("has the controls of a whole checklist", () => {
    expect(controls.length).toBeGreaterThan(80);
  });

  it.each(controls)("$control: its code and its test are there", ({ code, test }) => {
    const [, file = "none"] = FILE.exec(code) ?? [];
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    const [, testFile = "none", title = "none"] = TEST.exec(test) ?? [];
    expect(existsSync(join(ROOT, testFile)), testFile).toBe(true);
    const tests = readFileSync(join(ROOT, testFile), "utf8");
    // A test may say behind its title which guarantee it checks.
    const isThere = tests.includes(`"${title}"`) || tests.includes(`"${title} (G`);
    expect(isThere, `${testFile}: ${title}`).toBe(true);
  });
});
