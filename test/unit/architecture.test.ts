import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, it } from "vitest";

/*
 * The rings of src/: dependencies point inward, to the engine. What each ring may import is in
 * `ALLOWED`; the linter says the same sooner, by the text of an import, this test says it exactly.
 */

interface Import {
  /** Path from src/ for our own code (`engine/errors.ts`), else a package's name. */
  readonly target: string;
  readonly isOurs: boolean;
}

type Rule = (found: Import, from: string) => boolean;

const ENGINE_INDEX = "engine/index.ts";
const AREA_INDEX = /^domain\/([^/]+\/)?index\.ts$/;

const inRing =
  (ring: string): Rule =>
  ({ target }) =>
    target.startsWith(`${ring}/`);
/** A file of the same area, the index of another, or a file that lies above the areas. */
const inDomain: Rule = ({ target }, from) =>
  AREA_INDEX.test(target) ||
  /^domain\/[^/]+\.ts$/.test(target) ||
  (target.startsWith("domain/") && areaOf(target) === areaOf(from));

/** What a ring may import of ours; of packages, what `PACKAGES` says. */
const ALLOWED: Readonly<Record<string, Rule>> = {
  engine: inRing("engine"),
  platform: (found, from) => found.target === ENGINE_INDEX || inRing("platform")(found, from),
  domain: (found, from) => found.target === ENGINE_INDEX || inDomain(found, from),
  integrations: (found, from) =>
    found.target === ENGINE_INDEX ||
    AREA_INDEX.test(found.target) ||
    inRing("integrations")(found, from),
  delivery: (found, from) =>
    found.target === ENGINE_INDEX ||
    AREA_INDEX.test(found.target) ||
    inRing("delivery")(found, from),
  testing: (found, from) =>
    found.target === ENGINE_INDEX ||
    inRing("platform")(found, from) ||
    inRing("testing")(found, from),
};

const PACKAGES: Readonly<Record<string, (name: string) => boolean>> = {
  // Pure arithmetic all of them: schemas, the sun, crontabs in words.
  engine: (name) => ["zod", "suncalc", "cronstrue"].includes(name),
  domain: (name) => !name.startsWith("cloudflare:"),
};

/** The composition root: may import everything but the testing kit, and is imported by nothing else. */
const ROOT_FILES = [
  "config-providers.ts",
  "config-risks.ts",
  "config-shown.ts",
  "config.ts",
  "wiring-access.ts",
  "wiring-consumer.ts",
  "wiring-duties.ts",
  "wiring-figures.ts",
  "wiring-rates.ts",
  "wiring-shop.ts",
  "wiring-system.ts",
  "wiring.ts",
  "worker.ts",
];

/** Where the real clock is read. */
const CLOCK_READERS = /^platform\/(system\.ts|.*-object\.ts)$/;

const BANNED_FOLDERS = ["utils", "helpers", "common", "shared", "types", "manager"];

const MAX_LINES = 300;
/** Files that may be longer, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

const SRC = join(import.meta.dirname, "../../src");
const files = new Map(
  readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => [path.replaceAll("\\", "/"), readFileSync(join(SRC, path), "utf8")]),
);

function areaOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** All imports and re-exports of a file, dynamic ones included. */
function importsOf(from: string, text: string): Import[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(?:[^;"'()=]*?\sfrom\s+)?["'](?<path>[^"']+)["']|\bimport\(\s*["'](?<dynamic>[^"']+)["']/gm,
  );
  return Array.from(statements, ({ groups = {} }) =>
    resolve(from, groups["path"] ?? groups["dynamic"] ?? ""),
  );
}

function resolve(from: string, specifier: string): Import {
  if (specifier === "#engine") return { target: ENGINE_INDEX, isOurs: true };
  if (specifier === "#testing") return { target: "testing/index.ts", isOurs: true };
  const alias = /^#(?<ring>domain|platform)\/(?<rest>.+)$/.exec(specifier)?.groups;
  if (alias) {
    const end = alias["ring"] === "domain" ? "/index.ts" : "";
    return { target: `${alias["ring"]}/${alias["rest"]}${end}`, isOurs: true };
  }
  const isOurs = specifier.startsWith(".");
  return { target: isOurs ? posix.join(posix.dirname(from), specifier) : specifier, isOurs };
}

/** The imports a file should not have, as "from -> target". */
function strayImports(from: string, text: string): string[] {
  const ring = from.split("/")[0] ?? "";
  const isAllowed = (found: Import): boolean =>
    ROOT_FILES.includes(from)
      ? !found.target.startsWith("testing/")
      : found.isOurs
        ? (ALLOWED[ring]?.(found, from) ?? false)
        : (PACKAGES[ring]?.(found.target) ?? true);
  return importsOf(from, text)
    .filter((found) => !isAllowed(found))
    .map(({ target }) => `${from} -> ${target}`);
}

it.each([
  ["engine/a.ts", 'import * as z from "zod";'],
  ["platform/ledger/a.ts", 'import { log } from "../log.ts";'],
  ["platform/a.ts", 'import {\n  type Clock,\n} from "#engine";'],
  ["domain/orders/a.ts", 'export { b } from "./b.ts";'],
  ["domain/orders/a.ts", 'import { pay } from "#domain/payments";'],
  ["integrations/a.ts", 'import type { Gateway } from "#domain/payments";'],
  ["delivery/api/a.ts", 'import { Hono } from "hono";'],
  ["worker.ts", 'import { Ledger } from "./platform/ledger/ledger.ts";'],
  ["testing/a.ts", 'import { drain } from "#platform/consumer/drain.ts";'],
])("%s may have: %s", (from, text) => {
  expect(strayImports(from, text)).toEqual([]);
});

it.each([
  ["engine/a.ts", 'import { Hono } from "hono";'],
  ["engine/a.ts", 'import "cloudflare:workers";'],
  ["engine/a.ts", 'import { log } from "../platform/log.ts";'],
  ["platform/a.ts", 'import type { E } from "../engine/errors.ts";'],
  ["platform/a.ts", 'import {\n  type Order,\n} from "#domain/orders";'],
  ["platform/a.ts", 'const { readConfig } = await import("../config.ts");'],
  ["domain/orders/a.ts", 'import { rate } from "../payments/rates.ts";'],
  ["domain/orders/a.ts", 'export * from "#platform/log.ts";'],
  ["domain/orders/a.ts", 'import { env } from "cloudflare:workers";'],
  ["integrations/a.ts", 'import { retryPayment } from "../domain/payments/process-payment.ts";'],
  ["delivery/api/a.ts", 'import { Ledger } from "#platform/ledger/ledger.ts";'],
  ["delivery/api/a.ts", 'import { wire } from "../../wiring.ts";'],
  ["testing/a.ts", 'import { shopTasks } from "../domain/index.ts";'],
  ["platform/a.ts", 'import { World } from "../testing/world.ts";'],
  ["worker.ts", 'import { createTestLovage } from "#testing";'],
])("%s may not have: %s", (from, text) => {
  expect(strayImports(from, text)).toHaveLength(1);
});

it("every import points inward", () => {
  expect([...files].flatMap(([path, text]) => strayImports(path, text))).toEqual([]);
});

it("src holds the rings and the composition root, nothing else", () => {
  const strangers = [...files.keys()].filter(
    (path) => !ROOT_FILES.includes(path) && !((path.split("/")[0] ?? "") in ALLOWED),
  );
  expect(strangers).toEqual([]);
});

it("folders are named after a role", () => {
  const folders = [...files.keys()].flatMap((path) => path.split("/").slice(0, -1));
  expect(folders.filter((folder) => BANNED_FOLDERS.includes(folder))).toEqual([]);
});

it(`a file has at most ${MAX_LINES} lines, or a reason`, () => {
  const long = [...files].filter(([, text]) => text.split("\n").length - 1 > MAX_LINES);
  expect(long.map(([path]) => path).toSorted()).toEqual(Object.keys(LONG_FILES).toSorted());
});

it("the time of day is read in the adapters only", () => {
  const readers = [...files].filter(([, text]) => /\bnew Date\(\s*\)/.test(text));
  expect(readers.map(([path]) => path).filter((path) => !CLOCK_READERS.test(path))).toEqual([]);
});

it("zod is imported whole: by its name `z` alone it brings its texts in fifty languages along", () => {
  const named = [...files].filter(([, text]) => /^import \{[^}]*\} from "zod"/m.test(text));
  expect(named.map(([path]) => path)).toEqual([]);
});

it("tests of the domain use storage alone: nothing of theirs runs on in the runtime that they share", () => {
  const folder = join(import.meta.dirname, "../workerd/domain");
  const used = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const imports = importsOf(file, text).filter(({ target }) =>
      /^cloudflare:test|\/(worker|wiring)[^/]*\.ts$|^\.\.\/[^/]+$/.test(target),
    );
    const bindings = text.matchAll(/\benv\.(\w+)/g);
    const names = text.matchAll(/^import (.+) from "cloudflare:workers"/gm);
    return [
      ...imports.map(({ target }) => target),
      ...Array.from(bindings, ([, name]) => name),
      ...Array.from(names, ([, name]) => name),
    ];
  });
  expect(new Set(used)).toEqual(new Set(["DB", "FILES", "RESULTS", "{ env }"]));
});
