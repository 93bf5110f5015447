import { afterEach, expect, it, vi } from "vitest";
import { log } from "#platform/log.ts";
import { traceScope } from "#platform/trace/trace-scope.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function logged(method: "log" | "warn" | "error", write: () => void): string {
  const spy = vi.spyOn(console, method).mockImplementation(() => undefined);
  write();
  expect(spy).toHaveBeenCalledTimes(1);
  return String(spy.mock.calls[0]?.[0]);
}

afterEach(() => {
  vi.restoreAllMocks();
});

it("an event is one line of JSON with its level", () => {
  expect(JSON.parse(logged("log", () => log("outbox_swept", { count: 3 })))).toEqual({
    level: "info",
    event: "outbox_swept",
    count: 3,
  });
});

it.each([
  ["flush_failed", "error"],
  ["not_configured", "error"],
  ["attempt_failed", "warn"],
] as const)("%s is of level %s", (event, level) => {
  expect(logged(level, () => log(event))).toContain(`"level":"${level}"`);
});

it("nothing that is logged moves the cursor, turns the line around or makes it two", () => {
  const nasty = "a\nb\u001b[2J\u009b1m\u2028\u202e\u0085\ud800";
  const line = logged("log", () => log("x", { nasty, error: new Error(nasty) }));
  // oxlint-disable-next-line no-control-regex -- that is what must not be there
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\ud800-\udfff]/);
  expect(JSON.parse(line)).toMatchObject({ nasty: nasty.toWellFormed() });
});

it("an error is said by its root cause, which quotes no statement", () => {
  const error = new Error("Failed query: … params: secret", { cause: new Error("locked") });
  expect(JSON.parse(logged("log", () => log("x", { error })))).toMatchObject({
    error: "Error: locked",
  });
});

it("a line belongs to the trace in which it is written, also after an await", async () => {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  await traceScope.run(TRACE, async () => {
    await Promise.resolve();
    log("inside");
  });
  log("outside");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: "info", event: "inside", trace_id: TRACE },
    { level: "info", event: "outside" },
  ]);
});
