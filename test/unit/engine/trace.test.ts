import { expect, it } from "vitest";
import { isSampled, newTraceId, parseTraceparent, traceIdOf, traceparentOf } from "#engine";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

it.each([
  [`00-${TRACE}-${SPAN}-01`],
  [` 00-${TRACE}-${SPAN}-00 `],
  // A later version may say more behind what is known.
  [`cc-${TRACE}-${SPAN}-01-what-the-future-holds`],
])("a traceparent names its trace: %s", (header) => {
  expect(parseTraceparent(header)).toBe(TRACE);
});

it.each([
  [null],
  [""],
  [`00-${TRACE}-${SPAN}`],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`],
  [`00-${"0".repeat(32)}-${SPAN}-01`],
  [`00-${TRACE}-${"0".repeat(16)}-01`],
  [`ff-${TRACE}-${SPAN}-01`],
  [`00-${TRACE}-${SPAN}-01-more`],
  [`00-${TRACE}-${SPAN}-01\n`.repeat(9)],
])("what is no traceparent names none: %s", (header) => {
  expect(parseTraceparent(header)).toBeNull();
});

it("a task that nobody gave a trace begins one by its own id", () => {
  const id = "01a3185c-5000-8002-8101-010101010101";
  expect(traceIdOf({ id, options: {} })).toBe("01a3185c500080028101010101010101");
  expect(traceIdOf({ id, options: { trace: TRACE } })).toBe(TRACE);
  expect(parseTraceparent(traceparentOf(TRACE, id))).toBe(TRACE);
});

it("a new trace is 32 hex digits", () => {
  expect(newTraceId(new Uint8Array(16).fill(10))).toBe("0a".repeat(16));
});

it("a trace is logged whole or not at all, and about as many of them as is said", () => {
  expect(isSampled("f".repeat(32), 1)).toBe(true);
  expect(isSampled("0".repeat(32), 0)).toBe(false);
  const traces = Array.from({ length: 1_000 }, (_, n) =>
    newTraceId(new Uint8Array(16).map((_byte, at) => (n * 37 + at * 101) % 251)),
  );
  const sampled = traces.filter((trace) => isSampled(trace, 0.25)).length;
  expect(sampled).toBeGreaterThan(200);
  expect(sampled).toBeLessThan(300);
});
