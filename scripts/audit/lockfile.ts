/** What is read of package-lock.json here. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly name?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** What is read of package.json here. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

/** Licences of what a deployment runs. */
const LICENCES = ["MIT", "MIT-0", "Apache-2.0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
/** And of tools, which nobody is handed. */
const TOOL_LICENCES = [...LICENCES, "CC0-1.0", "MPL-2.0", "LGPL-3.0-or-later"];

/** Packages that say no licence in the lockfile, and have one in their files. */
const SAID_IN_FILES: Readonly<Record<string, string>> = { suncalc: "BSD-2-Clause" };

/** Versions before which an advisory holds: of packages whose worst was looked up. */
const OLDEST: Readonly<Record<string, readonly [version: string, why: string]>> = {
  hono: [
    "4.13.5",
    "GHSA-9vqf-7f2p-gf9v, GHSA-92vj-g62v-jqhh, GHSA-v8w9-8mx6-g223, GHSA-g6gw-c38x-mqfc, GHSA-q7jf-gf43-6x6p, CVE-2026-47673",
  ],
  nodemailer: ["8.0.5", "GHSA-c7w3-x93f-qmm8, GHSA-vvjj-xcjg-gr5g"],
};

/** What may be run while packages are installed; `esbuild` and `workerd` work without, and are let run anyway by npm. */
const SCRIPTS: ReadonlySet<string> = new Set(["esbuild", "node", "workerd"]);

const EXACT = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

/** Everything that is wrong with what would be installed, one line each. Asks nobody. */
export function faultsOf(manifest: Manifest, lockfile: Lockfile): string[] {
  const locked = Object.entries(lockfile.packages).filter(([path]) => path !== "");
  return [
    ...(lockfile.lockfileVersion === 3 ? [] : ["package-lock.json is no lockfile of version 3."]),
    ...looseFaults(manifest),
    ...scriptFaults(manifest),
    ...locked.flatMap(([path, one]) => packageFaults(path, one)),
  ];
}

/** Packages of other machines that nobody here could check: without a hash in the lockfile. */
export function unchecked({ packages }: Lockfile): string[] {
  return Object.entries(packages)
    .filter(([path, one]) => path !== "" && one.integrity === undefined && isForOthers(one))
    .map(([path]) => nameOf(path));
}

function looseFaults({ dependencies = {}, devDependencies = {} }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name} is not pinned: ${version}.`);
}

function scriptFaults({ allowScripts = {} }: Manifest): string[] {
  return Object.entries(allowScripts)
    .filter(([name, isAllowed]) => isAllowed && !SCRIPTS.has(name))
    .map(([name]) => `${name} is allowed to run a script.`);
}

function packageFaults(path: string, one: LockedPackage): string[] {
  const name = one.name ?? nameOf(path);
  const { version = "", resolved } = one;
  const faults: string[] = [];
  if (one.link === true) faults.push("is a link to somewhere else");
  if (resolved !== undefined && resolved !== addressOf(name, version)) {
    faults.push("is not what the npm registry has by this name and version");
  }
  if (one.integrity === undefined ? !isForOthers(one) : !one.integrity.startsWith("sha512-")) {
    faults.push("has no SHA-512 hash");
  }
  if (one.hasInstallScript === true && !SCRIPTS.has(name)) faults.push("runs a script");
  // Of what is not for this machine the lockfile may say little.
  const licence = one.license ?? SAID_IN_FILES[name];
  const isKnown = one.license !== undefined || !isForOthers(one);
  const allowed = one.dev === true || one.optional === true ? TOOL_LICENCES : LICENCES;
  if (isKnown && !isLicensed(licence, allowed)) faults.push(`has the licence ${licence}`);
  const [oldest, why] = OLDEST[name] ?? [];
  if (oldest !== undefined && isBefore(version, oldest)) faults.push(`is before ${oldest}: ${why}`);
  return faults.map((fault) => `${name}@${version} ${fault}.`);
}

/** Where the registry has a package: a lockfile may say another, with the hash that belongs to it. */
function addressOf(name: string, version: string): string {
  return `https://registry.npmjs.org/${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
}

/** Whether it is for another kind of machine than those that check: Linux on x64 with glibc. */
function isForOthers({ optional, os, cpu, libc }: LockedPackage): boolean {
  return optional === true && !(fits(os, "linux") && fits(cpu, "x64") && fits(libc, "glibc"));
}

/** As npm reads such a list: what is not named is left out, unless it says only what is left out (`!darwin`). */
function fits(list: readonly string[] | undefined, ours: string): boolean {
  if (list === undefined || list.includes(ours)) return true;
  return list.every((one) => one.startsWith("!")) && !list.includes(`!${ours}`);
}

/** `A OR B`: one of them will do; `A AND B`: both have to. */
function isLicensed(licence: string | undefined, allowed: readonly string[]): boolean {
  const bare = licence?.replaceAll(/[()]/g, "") ?? "";
  const isAllowed = (one: string) => allowed.includes(one.trim());
  return bare.includes(" AND ")
    ? bare.split(" AND ").every(isAllowed)
    : bare.split(" OR ").some(isAllowed);
}

/** Compares `major.minor.patch`. */
function isBefore(version: string, oldest: string): boolean {
  const [ours, theirs] = [version, oldest].map((one) => one.split(/[.-]/).slice(0, 3).map(Number));
  for (let place = 0; place < 3; place += 1) {
    const difference = (ours?.[place] ?? 0) - (theirs?.[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return version.includes("-");
}

function nameOf(path: string): string {
  return path.split("node_modules/").at(-1) ?? path;
}
