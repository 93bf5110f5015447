import { expect, it } from "vitest";
import { AttemptLog, MAX_ATTEMPT_LOG_BYTES, MAX_META_BYTES, reportedState } from "#engine";

const info = (message: string, fields?: Record<string, unknown>) =>
  ({ at: 5, level: "info", message, fields }) as const;

it.each(["SENDING", "PROGRESS", "A", "HALF_WAY", "A".repeat(40)])("%s is a state", (state) => {
  expect(reportedState(state, { a: 1 })).toEqual({ state, meta: '{"a":1}' });
});

it.each([
  "",
  "sending",
  "A1",
  "_A",
  "A B",
  "A".repeat(41),
  "SUCCESS",
  "STARTED",
  "RETRY",
  "REVOKED",
  "IGNORED",
  "SUSPENDED",
])("'%s' is refused as a state", (state) => {
  expect(() => reportedState(state, {})).toThrow(
    expect.objectContaining({ code: "invalid_option", field: "state" }),
  );
});

it("details over the limit are refused, those at it are not", () => {
  const meta = (length: number) => ({ a: "x".repeat(length - 8) });
  expect(reportedState("A", meta(MAX_META_BYTES)).meta).toHaveLength(MAX_META_BYTES);
  expect(() => reportedState("A", meta(MAX_META_BYTES + 1))).toThrow(
    expect.objectContaining({ field: "meta" }),
  );
});

it("a log keeps its first hundred lines, and says how many more there were", () => {
  const log = new AttemptLog();
  expect(log.lines()).toBeNull();
  for (let n = 0; n < 130; n += 1) log.add(info(`${n}`));
  const lines = log.lines() ?? [];
  expect(lines).toHaveLength(101);
  expect(lines[99]?.message).toBe("99");
  expect(lines[100]).toMatchObject({ level: "warn", message: "… 30 more lines were dropped" });
});

it("a log stays within its bytes, whatever is said and however often", () => {
  const log = new AttemptLog();
  for (let n = 0; n < 100_000; n += 1) log.add(info("€".repeat(5_000), { big: "y".repeat(500) }));
  const bytes = Buffer.byteLength(JSON.stringify(log.lines()));
  expect(bytes).toBeLessThanOrEqual(MAX_ATTEMPT_LOG_BYTES);
  expect(log.lines()?.length).toBeGreaterThan(1);
});

it("hostile fields never make a log throw", () => {
  const log = new AttemptLog();
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  for (const fields of [circle, { big: 10n }, { huge: "x".repeat(3_000) }]) {
    log.add(info("hello", fields));
  }
  log.add(info("half \ud800 a pair", { ok: undefined }));
  expect(log.lines()?.map(({ message, fields }) => [message, fields])).toEqual([
    ["hello (its fields are no JSON)", undefined],
    ["hello (its fields are no JSON)", undefined],
    ["hello (its fields are too large)", undefined],
    ["half \ufffd a pair", "{}"],
  ]);
});
