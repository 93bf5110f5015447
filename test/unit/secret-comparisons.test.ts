import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../../src");

/** Where credentials and signatures are checked. */
const PLACES = [
  "domain/accounts",
  "domain/payments",
  "platform/access",
  "delivery/api/callers/access.ts",
];

/** Names of what is secret, or is made of it, on either side of a comparison. */
const COMPARED =
  /\b\w*(?:secret|digest|signature|token|hash|mac)\w*(?:\.\w+)?\s*[!=]==(?!\s*(?:null|undefined|""|0)(?!\w))|[!=]==\s*(?:\w+\??\.)*\w*(?:secret|digest|signature|Token|Hash)\b(?!\w|\.length)/;

/** Nobody outside chooses either side of these: both are hashes that we made. */
const BOTH_OURS = /\bpasswordHash [!=]== (?:user\.)?passwordHash\b/;

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesOf(join(path, name)));
}

function comparisonsIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => !/^\s*(\*|\/[/*])/.test(line))
    .filter((line) => COMPARED.test(line) && !BOTH_OURS.test(line))
    .map((line) => line.trim());
}

it("nothing secret is compared by its text", () => {
  const found = PLACES.flatMap((place) => filesOf(join(SRC, place)))
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => comparisonsIn(readFileSync(path, "utf8")).map((line) => `${path}: ${line}`));
  expect(found).toEqual([]);
});

it.each([
  "if (digest === wanted) return true;",
  "return row.secretHash !== given;",
  "return given === row.signature;",
  "if (token === body.token) {",
])("%s would be found", (line) => {
  expect(comparisonsIn(line)).toHaveLength(1);
});

it.each(['if (token === null) return "";', "if (secret !== undefined) use();"])(
  "%s is no comparison of secrets",
  (line) => {
    expect(comparisonsIn(line)).toEqual([]);
  },
);
