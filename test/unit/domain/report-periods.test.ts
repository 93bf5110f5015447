import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  checkPeriod,
  dateOf,
  isLogKept,
  isOver,
  lastPeriod,
  periodBefore,
  periodOf,
  ReportPeriodError,
} from "../../../src/domain/reports/period.ts";
import { Times } from "../../../src/domain/reports/times.ts";

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);

it("a day begins and ends at the zone's midnights", () => {
  expect(periodOf("daily", "2025-06-26", "Europe/Moscow")).toEqual({
    kind: "daily",
    key: "2025-06-26",
    days: ["2025-06-26"],
    from: at("2025-06-26T00:00:00+03:00"),
    until: at("2025-06-27T00:00:00+03:00"),
  });
});

it.each([
  ["Europe/Berlin", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25", 25],
  ["America/New_York", "2026-11-01", 25],
  // The clocks go forward at midnight: the day begins at one.
  ["Africa/Cairo", "2026-04-24", 23],
  ["Australia/Lord_Howe", "2026-10-04", 23.5],
  ["UTC", "2026-03-29", 24],
])("in %s the day %s has %d hours", (zone, date, hours) => {
  const { from, until } = periodOf("daily", date, zone);
  expect((until - from) / HOUR).toBe(hours);
});

it.each([
  ["2025-06-26", "2025-W26", "2025-06-23"],
  ["2024-12-30", "2025-W01", "2024-12-30"],
  ["2027-01-03", "2026-W53", "2026-12-28"],
  ["2021-01-03", "2020-W53", "2020-12-28"],
  ["2026-01-01", "2026-W01", "2025-12-29"],
  ["2023-01-01", "2022-W52", "2022-12-26"],
])("%s is in the week %s, which begins on %s", (date, week, monday) => {
  const period = periodOf("weekly", date, "UTC");
  expect(period.key).toBe(week);
  expect(period.days).toHaveLength(7);
  expect(period.days[0]).toBe(monday);
});

it("periods follow each other without gaps, and their names sort as they do", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu"),
      fc.constantFrom("daily" as const, "weekly" as const),
      fc.integer({ min: at("2022-01-01T00:00:00Z"), max: at("2035-01-01T00:00:00Z") }),
      (zone, kind, day) => {
        const period = periodOf(kind, dateOf(day), zone);
        const before = periodBefore(period, zone);
        expect(before.until).toBe(period.from);
        expect(before.key < period.key).toBe(true);
        // Whatever day of it names it.
        for (const date of period.days) expect(periodOf(kind, date, zone)).toEqual(period);
      },
    ),
  );
});

it("the last day has ended, also where the clock is not quite at midnight", () => {
  const zone = "Europe/Moscow";
  const lastDay = (text: string) => lastPeriod("daily", at(text), zone).key;
  expect(lastDay("2025-06-26T23:58:00+03:00")).toBe("2025-06-25");
  expect(lastDay("2025-06-26T23:59:59+03:00")).toBe("2025-06-26");
  expect(lastDay("2025-06-27T00:00:00+03:00")).toBe("2025-06-26");
  expect(lastPeriod("weekly", at("2025-06-30T01:30:00+03:00"), zone).key).toBe("2025-W26");
  expect(lastPeriod("weekly", at("2025-07-06T12:00:00+03:00"), zone).key).toBe("2025-W26");
});

it("there is no report of what has not begun, nor of what the log has forgotten", () => {
  const now = at("2025-06-26T12:00:00Z");
  const check = (date: string) => () => {
    checkPeriod(periodOf("daily", date, "UTC"), now, 30);
  };
  expect(check("2025-06-27")).toThrow(ReportPeriodError);
  expect(check("2025-06-27")).toThrow("2025-06-27 has not begun.");
  expect(check("2025-06-26")).not.toThrow();
  expect(check("2025-05-28")).not.toThrow();
  expect(check("2025-05-27")).toThrow("is deleted after 30 days");
});

it("a log that is about to be deleted is not kept, and a period in progress is not over", () => {
  const period = periodOf("daily", "2025-06-01", "UTC");
  expect(isLogKept(period, period.from + 8 * 24 * HOUR - HOUR, 8)).toBe(true);
  expect(isLogKept(period, period.from + 8 * 24 * HOUR - HOUR + 1, 8)).toBe(false);
  expect(isOver(period, period.until - 61_000)).toBe(false);
  expect(isOver(period, period.until - 1_000)).toBe(true);
});

it("an hour that comes twice is one of the day's hours, and two for the busiest", () => {
  const times = new Times();
  const zone = "Europe/Berlin";
  for (const text of [
    "2026-10-25T02:10:00+02:00",
    "2026-10-25T02:50:00+02:00",
    "2026-10-25T02:10:00+01:00",
    "2026-10-25T02:20:00+01:00",
    "2026-10-25T02:59:59+01:00",
    "2026-10-26T02:30:00+01:00",
  ]) {
    times.add(at(text));
  }
  expect(times.byHour(zone)["02:00"]).toBe(6);
  expect(times.byDay(zone, ["2026-10-24", "2026-10-25", "2026-10-26"])).toEqual({
    "2026-10-24": 0,
    "2026-10-25": 5,
    "2026-10-26": 1,
  });
  expect(times.busiestHour(zone)).toEqual({ start: at("2026-10-25T02:00:00+01:00"), requests: 3 });
});

it("the hours of a day are told in their order", () => {
  const hours = Object.keys(new Times().byHour("UTC"));
  expect(hours).toEqual([...hours].sort());
  expect(hours).toHaveLength(24);
});
