import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EditError, mutated, type Check, type Mutant } from "./mutant.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** A mutant has so many histories of each mix to be found in. */
export const SEEDS = 20;
/** A check that takes longer hangs, which is a kill of no use: nobody could say what it found. */
const TIMEOUT_MS = 300_000;
const MAX_VIOLATION = 140;
/** Found nothing: a machine may be slow. */
const TIMED_OUT = /^\w*Error: Test timed out|^Test timed out/;

/** How a mutant was found out. */
export interface Kill {
  readonly test: string;
  readonly violation: string;
  /** Histories until then; null: the test names none. */
  readonly seeds: number | null;
  readonly project: Check["project"];
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs the checks of a mutant until one fails. Null: it survived them all. */
export async function killOf(mutant: Mutant): Promise<Kill | null> {
  for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
    mutated(mutant, file, await readFile(join(ROOT, file), "utf8"));
  }
  for (const check of mutant.checks) {
    const kill = firstFailure(await run([check], mutant.id));
    if (kill !== null) return { ...kill, project: check.project };
  }
  return null;
}

/** Runs checks on the code as it is. Null: all pass. */
export async function failureOf(checks: readonly Check[]): Promise<string | null> {
  const kill = firstFailure(await run(checks, null));
  return kill === null ? null : `${kill.test}: ${kill.violation}`;
}

/** @throws EditError where files could not be loaded: what nobody ran says nothing */
function firstFailure({ testResults }: Report): Omit<Kill, "project"> | null {
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.find(
      (test) => test.status === "failed" && !TIMED_OUT.test(test.failureMessages[0] ?? ""),
    );
    if (failed !== undefined) return killBy(failed.fullName, failed.failureMessages[0] ?? "");
    const isBroken = assertionResults.every((test) => test.status !== "failed");
    if (status === "failed" && isBroken)
      throw new EditError(`${name} could not be run: ${message}`);
  }
  return null;
}

function killBy(test: string, message: string): Omit<Kill, "project"> {
  const [first = ""] = message.split("\n");
  const [, seed] = /SIM_REPLAY='[^']+:(\d+)'/.exec(first) ?? /seed (\d+)/.exec(first) ?? [];
  const violation = first
    .replace(/^(Error|AssertionError): /, "")
    .replace(/^SIM_REPLAY='[^']*': /, "")
    .replace(/^Violation: /, "")
    .slice(0, MAX_VIOLATION);
  return { test, violation, seeds: seed === undefined ? null : Number(seed) + 1 };
}

/** Runs checks with Vitest, projects one after the other, each until its first failure. */
async function run(checks: readonly Check[], mutant: string | null): Promise<Report> {
  const testResults: Report["testResults"][number][] = [];
  const byKind = Map.groupBy(checks, ({ project, name }) => `${project} ${name === undefined}`);
  for (const some of byKind.values()) {
    testResults.push(...(await vitest(some, mutant)).testResults);
  }
  return { testResults };
}

async function vitest(checks: readonly Check[], mutant: string | null): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "lovage-mutant-"));
  const output = join(folder, "report.json");
  const names = new Set(checks.flatMap(({ name }) => name ?? []));
  const [{ project } = { project: "unit" }] = checks;
  const args = [
    ...["--config", "test/mutants/vitest.config.ts", "--project", project, "--bail", "1"],
    ...["--reporter", "json", "--outputFile", output],
    // Nobody may be killed by a slow machine.
    ...["--testTimeout", String(TIMEOUT_MS)],
    ...(names.size === 0 ? [] : ["--testNamePattern", [...names].join("|")]),
    ...new Set(checks.map(({ file }) => file)),
  ];
  try {
    const said = await vitestRun(args, mutant);
    const text = await readFile(output, "utf8").catch(() => null);
    if (text === null) throw new Error(`${mutant ?? "No mutant"}: no test ran.\n${said}`);
    return JSON.parse(text) as Report;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @returns what it said */
function vitestRun(args: readonly string[], mutant: string | null): Promise<string> {
  const env = { ...process.env, SIM_SEEDS: String(SEEDS), ...(mutant && { MUTANT: mutant }) };
  const bin = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [bin, "run", ...args], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIMEOUT_MS,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      resolve(said);
    });
  });
}
