import { expect, it } from "vitest";
import { jsonOf } from "../../../src/delivery/api/http/body.ts";
import { Problem } from "../../../src/delivery/api/http/problems.ts";

function read(text: string | Uint8Array): unknown {
  return jsonOf(typeof text === "string" ? new TextEncoder().encode(text) : text);
}

const lists = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const items = (count: number) => JSON.stringify(Array.from({ length: count }, () => 0));
const keys = (count: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_none, n) => [`k${n}`, 0])));

it.each([
  ["lists 32 deep", lists(32)],
  ["objects 32 deep", objects(32)],
  ["10,000 items", items(10_000)],
  ["1,000 keys", keys(1_000)],
])("%s are read", (_what, text) => {
  expect(read(text)).toEqual(JSON.parse(text));
});

it.each([
  ["lists 33 deep", lists(33)],
  ["objects 33 deep", objects(33)],
  ["lists 100,000 deep", lists(100_000)],
  ["10,001 items", items(10_001)],
  ["10,001 items inside", `{"a":[${items(10_001)}]}`],
  ["1,001 keys", keys(1_001)],
  ["`__proto__`", '{"a":{"__proto__":{"b":1}}}'],
  ["a number beyond all", '{"a":1e999}'],
  ["half a surrogate pair", '{"a":"\\ud800"}'],
  ["a NUL", '{"a":"\\u0000"}'],
  ["a NUL in a key", '{"\\u0000":1}'],
  ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
])("%s are refused", (_what, text) => {
  expect(() => read(text)).toThrow(Problem);
});
