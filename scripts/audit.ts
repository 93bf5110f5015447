/**
 * `npm run audit`: what would be installed, held against package.json and rules of our own (`audit/lockfile.ts`);
 * then the registry is asked for advisories, if it can be. Writes the list of all packages to `dist/sbom.json`.
 * Ends with 1 if anything is wrong. A registry that can't be asked is no fault, and it is said.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultsOf, unchecked, type Lockfile, type Manifest } from "./audit/lockfile.ts";
import { ROOT } from "./wrangler.ts";

const ASK_TIMEOUT_MS = 60_000;
const MAX_BYTES = 64 * 2 ** 20;

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}

function npm(...args: string[]) {
  return spawnSync("npm", args, {
    cwd: ROOT,
    encoding: "utf8",
    timeout: ASK_TIMEOUT_MS,
    maxBuffer: MAX_BYTES,
  });
}

/** Null: the registry could not be asked. */
function advisories(): { isClean: boolean; text: string } | null {
  const { status, stdout } = npm(
    "audit",
    "--offline=false",
    "--omit=dev",
    "--audit-level=high",
    "--json",
  );
  try {
    const report = JSON.parse(stdout) as { vulnerabilities?: unknown; metadata?: unknown };
    if (report.vulnerabilities === undefined) return null;
    return { isClean: status === 0, text: JSON.stringify(report.metadata) };
  } catch {
    return null;
  }
}

const lockfile = read("package-lock.json") as Lockfile;
const faults = faultsOf(read("package.json") as Manifest, lockfile);

const bill = npm("sbom", "--sbom-format=cyclonedx", "--package-lock-only");
if (bill.status === 0) {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(join(ROOT, "dist/sbom.json"), bill.stdout);
  console.log("dist/sbom.json lists every package (CycloneDX).");
} else {
  faults.push(`npm sbom failed: ${bill.stderr.slice(0, 500)}`);
}

const count = Object.keys(lockfile.packages).length - 1;
const others = unchecked(lockfile);
console.log(`${count} packages: ${faults.length} faults.`);
if (others.length > 0) {
  console.log(
    `${others.length} of them have no hash: they are for other machines than Linux on x64.`,
  );
}

const found = advisories();
if (found === null) {
  console.log(
    "NOT ASKED: the registry answers no audit here. Run `npm audit --omit=dev` where it does.",
  );
} else if (found.isClean) {
  console.log(
    "The registry knows of no advisory of level high or above for what a deployment runs.",
  );
} else {
  faults.push(`The registry knows of advisories: ${found.text}`);
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
