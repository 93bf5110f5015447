import { expect, it } from "vitest";
import { readConfig } from "../../../src/config.ts";
import type { Env } from "../../../src/platform/env.ts";

const configWith = (ALERT_URL: string | undefined) =>
  readConfig({
    OPEN_ACCESS: "false",
    LEDGER_SHARDS: "4",
    LOCALE: "en",
    ID_SECRET: "for tests only: 0123456789abcdef0123456789abcdef",
    ...(ALERT_URL !== undefined && { ALERT_URL }),
  } as Env);

it.each([
  [undefined, null],
  ["", null],
  ["https://hooks.example.com/services/T0/B0?x=1", "https://hooks.example.com/services/T0/B0?x=1"],
  ["http://127.0.0.1:9100/hook", "http://127.0.0.1:9100/hook"],
])("ALERT_URL %j is taken", (given, expected) => {
  expect(configWith(given).alertUrl).toBe(expected);
});

it.each([
  "http://hooks.example.com/",
  "ftp://example.com/",
  "hooks.example.com",
  "https://a:b@example.com/",
])("ALERT_URL %j is refused by its name, without its value", (given) => {
  expect(() => configWith(given)).toThrow(/^Missing or wrong settings: ALERT_URL\.$/);
});
