import { expect, it } from "vitest";
import { readConfig } from "../../../src/config.ts";
import type { Env } from "../../../src/platform/env.ts";

function originsOf(CORS_ORIGINS?: string): readonly string[] {
  return readConfig({
    OPEN_ACCESS: "false",
    LEDGER_SHARDS: "4",
    LOCALE: "en",
    ID_SECRET: "i".repeat(32),
    ...(CORS_ORIGINS !== undefined && { CORS_ORIGINS }),
  } as unknown as Env).corsOrigins;
}

it("without a list there are no other origins", () => {
  expect(originsOf()).toEqual([]);
  expect(originsOf("")).toEqual([]);
});

it("origins are those of a list, to the letter", () => {
  expect(originsOf("https://a.example, https://b.example:8443,http://localhost:3000")).toEqual([
    "https://a.example",
    "https://b.example:8443",
    "http://localhost:3000",
  ]);
});

it.each([
  "*",
  "null",
  "https://*.example.com",
  "https://a.example/",
  "https://a.example/path",
  "https://a.example:443",
  "https://A.example",
  "https://user@a.example",
  "http://a.example",
  "http://localhost.evil.example",
  "a.example",
  "javascript:alert(1)",
  "https://a.example, *",
])("%s is no origin that may be on it", (list) => {
  expect(() => originsOf(list)).toThrow("Missing or wrong settings: CORS_ORIGINS.");
});
