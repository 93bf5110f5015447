import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  faultsOf,
  type LockedPackage,
  type Lockfile,
  type Manifest,
} from "../../scripts/audit/lockfile.ts";

const ROOT = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
const lockfile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lockfile;

const GOOD: LockedPackage = { version: "1.0.0", integrity: "sha512-x", license: "MIT" };

/** What is said of a lockfile with this package besides. */
function faultsWith(name: string, over: LockedPackage): string[] {
  const packages = { "": {}, [`node_modules/${name}`]: { ...GOOD, ...over } };
  return faultsOf({}, { lockfileVersion: 3, packages });
}

it("what would be installed is as it has to be", () => {
  expect(faultsOf(manifest, lockfile)).toEqual([]);
});

it("a package that is as it has to be has no fault", () => {
  expect(faultsWith("good", {})).toEqual([]);
});

it.each<[string, string, LockedPackage]>([
  ["one with a weak hash", "a", { integrity: "sha1-x" }],
  ["one from elsewhere", "a", { resolved: "git+ssh://git@example.com/a.git" }],
  ["one from another's place", "a", { resolved: "https://registry.npmjs.org/b/-/b-1.0.0.tgz" }],
  ["another version than it says", "a", { resolved: "https://registry.npmjs.org/a/-/a-1.0.1.tgz" }],
  [
    "one that calls itself by another's name, to run a script",
    "a",
    {
      name: "esbuild",
      resolved: "https://registry.npmjs.org/a/-/a-1.0.0.tgz",
      hasInstallScript: true,
    },
  ],
  ["one that is a link", "a", { link: true }],
  ["one that runs a script", "a", { hasInstallScript: true }],
  ["one under a licence of another kind", "a", { license: "AGPL-3.0-only" }],
  ["a tool's licence in what is deployed", "a", { license: "MPL-2.0" }],
  ["one of whose two licences one is not allowed", "a", { license: "MIT AND GPL-3.0-only" }],
  ["a hono with advisories", "hono", { version: "4.13.4" }],
  ["a release candidate of what mends them", "hono", { version: "4.13.5-rc.1" }],
  ["a nodemailer with advisories", "nodemailer", { version: "8.0.4" }],
  ["one inside another", "b/node_modules/hono", { version: "3.9.9" }],
])("%s is a fault", (_what, name, over) => {
  expect(faultsWith(name, over)).toHaveLength(1);
});

it.each<[string, LockedPackage]>([
  ["one with a scope", { name: "@b/a", resolved: "https://registry.npmjs.org/@b/a/-/a-1.0.0.tgz" }],
  ["a tool under the MPL", { dev: true, license: "MPL-2.0" }],
  ["a choice of licences with one that is allowed", { license: "(GPL-3.0-only OR MIT)" }],
])("%s is none", (_what, over) => {
  expect(faultsWith("a", over)).toEqual([]);
});

it("one without a hash is a fault, unless it is for other machines", () => {
  const { integrity: _none, ...bare } = GOOD;
  const faultsOfBare = (over: LockedPackage) =>
    faultsOf({}, { lockfileVersion: 3, packages: { "node_modules/a": { ...bare, ...over } } });
  expect(faultsOfBare({})).toHaveLength(1);
  expect(faultsOfBare({ optional: true })).toHaveLength(1);
  expect(faultsOfBare({ optional: true, os: ["linux"], cpu: ["x64"] })).toHaveLength(1);
  expect(faultsOfBare({ os: ["darwin"] })).toHaveLength(1);
  expect(faultsOfBare({ optional: true, os: ["!darwin"] })).toHaveLength(1);
  expect(faultsOfBare({ optional: true, os: ["!linux"] })).toEqual([]);
  expect(faultsOfBare({ optional: true, os: ["darwin"], cpu: ["x64"] })).toEqual([]);
});

it.each(["^1.0.0", "~1.0.0", "latest", "1.x", ">=1.0.0", "git+https://example.com/a", "*"])(
  "a dependency on %s is a fault",
  (version) => {
    const none = { lockfileVersion: 3, packages: {} };
    expect(faultsOf({ dependencies: { a: version } }, none)).toHaveLength(1);
    expect(faultsOf({ devDependencies: { a: version } }, none)).toHaveLength(1);
  },
);

it("a script that package.json allows and nobody knows is a fault", () => {
  const none = { lockfileVersion: 3, packages: {} };
  expect(faultsOf({ allowScripts: { a: true } }, none)).toHaveLength(1);
});
