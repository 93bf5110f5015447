import { expect, it } from "vitest";
import type { AgentHealth } from "#platform/health/agent-record.ts";
import {
  beatReport,
  cronReport,
  relayReport,
  shardReports,
  watchdogReports,
} from "#platform/health/agent-reports.ts";
import type { ShardHealth, WatchdogHealth } from "#platform/health/health.ts";

const NOW = 1_900_000_000_000;
const MINUTE = 60_000;
const FINE: AgentHealth = { ranAt: NOW - 1_000, failingSince: null, error: null };
const FAILS: AgentHealth = {
  ranAt: null,
  failingSince: NOW - 5 * MINUTE,
  error: "Error: D1 is away",
};

function dog(over: Partial<WatchdogHealth> = {}): WatchdogHealth {
  return {
    ...{ startedAt: NOW - MINUTE, since: NOW - 60 * MINUTE, alarmAt: NOW + 10_000, rounds: FINE },
    ...{ cronAt: NOW - 30_000, isCronStored: false },
    duties: [{ name: "outbox", does: "…", ...FINE }],
    ...over,
  };
}

function shard(over: Partial<ShardHealth> = {}): ShardHealth {
  return {
    ...{ startedAt: NOW - MINUTE, alarmAt: null, recoverer: FINE, live: null, databaseBytes: 1 },
    flusher: { ...FINE, retryAt: null, waitingSince: null },
    ...{ ready: 0, running: 0, unflushed: 0 },
    ...{ ledgerRows: 0, historyRows: 0, requests: 0, bells: 0 },
    ...over,
  };
}

it.each<[string, Partial<WatchdogHealth>, string | null]>([
  ["seen a moment ago", {}, null],
  ["missed for three minutes", { cronAt: NOW - 3 * MINUTE }, null],
  ["missed for longer", { cronAt: NOW - 4 * MINUTE }, "has not come for 4 minutes"],
  [
    "stored some minutes ago, by an object that has gone",
    { cronAt: NOW - 6 * MINUTE, isCronStored: true },
    null,
  ],
  ["stored too long ago", { cronAt: NOW - 9 * MINUTE, isCronStored: true }, "for 9 minutes"],
  ["never seen, by a deployment that is new", { cronAt: null, since: NOW - MINUTE }, null],
  ["never seen at all", { cronAt: null }, "has never come"],
])("the cron trigger, %s", (_what, over, problem) => {
  const report = cronReport(dog(over), NOW, false);
  if (problem === null) expect(report.problem).toBeNull();
  else expect(report.problem).toContain(problem);
});

it("on a person's own machine there is no cron trigger, and nothing wrong with that", () => {
  const report = cronReport(dog({ cronAt: null }), NOW, true);
  expect(report).toMatchObject({ problem: null, note: expect.stringContaining("no cron trigger") });
});

it.each<[string, number | null, boolean]>([
  ["due soon", NOW + 1_000, true],
  ["a little late", NOW - MINUTE, true],
  ["overdue", NOW - 2 * MINUTE, false],
  ["not there", null, false],
])("the watchdog's alarm, %s", (_what, alarmAt, isFine) => {
  const [watchdog] = watchdogReports(dog({ alarmAt }), NOW);
  expect(watchdog?.problem === null).toBe(isFine);
});

it("a duty that throws says what and since when", () => {
  const duties = [{ name: "history", does: "…", ...FAILS }];
  expect(watchdogReports(dog({ duties }), NOW)[1]).toMatchObject({
    name: "duty history",
    problem: "It fails: Error: D1 is away",
    problemSince: NOW - 5 * MINUTE,
  });
});

it("beat may sleep without schedules, and may not with one", () => {
  const beat = {
    ...{ startedAt: NOW, alarmAt: null, nextSlotAt: null, ticks: FINE },
    ...{ schedules: 0, databaseBytes: 1 },
  };
  expect(beatReport(beat, NOW).problem).toBeNull();
  expect(beatReport({ ...beat, nextSlotAt: NOW + MINUTE }, NOW).problem).toContain("no alarm");
  expect(beatReport({ ...beat, ticks: FAILS }, NOW).problem).toContain("It fails");
});

it("an idle shard needs no alarm, and one with work does", () => {
  expect(shardReports(0, shard(), dog(), NOW).map(({ problem }) => problem)).toEqual([null, null]);
  const [recoverer] = shardReports(0, shard({ ready: 1 }), dog(), NOW);
  expect(recoverer?.problem).toContain("no alarm");
});

it.each([
  ["has run itself since", NOW - 1_000, NOW - 1_000],
  ["has forgotten when it ran", null, NOW - 20_000],
])("a recoverer that %s says when it last ran", (_what, ranAt, lastRanAt) => {
  const round = { name: "ledger 2", does: "…", ...FINE, ranAt: NOW - 20_000 };
  const recoverer = { ...FINE, ranAt };
  const [report] = shardReports(2, shard({ recoverer }), dog({ duties: [round] }), NOW);
  expect(report?.lastRanAt).toBe(lastRanAt);
});

it("a flusher that fails says since when, and when it tries again", () => {
  const flusher = { ...FAILS, retryAt: NOW + 500, waitingSince: NOW - 9 * MINUTE };
  const [, report] = shardReports(
    2,
    shard({ flusher, unflushed: 3, alarmAt: NOW + 1 }),
    dog(),
    NOW,
  );
  expect(report).toMatchObject({
    ...{ name: "flusher 2", nextAt: NOW + 500, problemSince: NOW - 5 * MINUTE },
    problem: "It fails: Error: D1 is away",
  });
});

it.each([
  [NOW - MINUTE, null],
  [NOW - 3 * MINUTE, NOW - 3 * MINUTE],
])("tasks that D1 doesn't get are said, also by an object that has forgotten why", (at, since) => {
  const flusher = { ranAt: null, failingSince: null, error: null, retryAt: null, waitingSince: at };
  const [, report] = shardReports(
    2,
    shard({ flusher, unflushed: 3, alarmAt: NOW + 1 }),
    dog(),
    NOW,
  );
  expect(report?.problemSince).toBe(since);
});

it.each([
  [NOW - MINUTE, true],
  [NOW - 3 * MINUTE, false],
])("the relay is late when a task waits in the outbox for minutes", (outboxSince, isFine) => {
  const look = { bytes: 1, deadLetters: 0, outbox: 1, outboxSince };
  expect(relayReport("…", look, dog(), NOW).problem === null).toBe(isFine);
});
