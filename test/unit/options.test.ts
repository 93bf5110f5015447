import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/wrangler.ts";

function run(script: string, ...args: string[]) {
  const file = join(ROOT, "scripts", script);
  return spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });
}

it.each([
  ["keys.ts", ["list", "--jsno"], "Unknown option '--jsno'. --help tells which there are.\n"],
  ["capacity.ts", ["7"], "Unexpected argument '7'. --help tells which there are.\n"],
  [
    "capacity.ts",
    ["--rate"],
    "Option '--rate <value>' argument missing. --help tells which there are.\n",
  ],
  [
    "capacity.ts",
    ["--rate", "-1"],
    "Option '--rate' argument is ambiguous. --help tells which there are.\n",
  ],
])("%s %j: what is wrong, in a line, and 2", (script, args, line) => {
  expect(run(script, ...args)).toMatchObject({ status: 2, stdout: "", stderr: line });
});

it("--help tells what stands at the head of the file", () => {
  const { status, stdout } = run("keys.ts", "--help");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^`npm run keys`: API keys of a deployment\.\n\n {2}npm run keys -- create --name/,
  );
  expect(stdout).not.toContain("*");
});
