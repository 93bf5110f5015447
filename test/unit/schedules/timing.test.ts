import { CronExpressionParser } from "cron-parser";
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  tuple,
} from "fast-check";
import { getPosition } from "suncalc";
import { expect, it } from "vitest";
import { crontabValues, lastSlots, nextSlot, slotsBetween, type Timing } from "#engine";

const crontab = (text: string, timezone = "UTC"): Timing => {
  const [minute = "*", hour = "*", day = "*", month = "*", weekday = "*"] = text.split(" ");
  return {
    kind: "crontab",
    timezone,
    minute,
    hour,
    day_of_month: day,
    month_of_year: month,
    day_of_week: weekday,
  };
};
const at = (text: string) => Date.parse(text);
const iso = (times: readonly number[]) =>
  times.map((slot) => new Date(slot).toISOString().slice(0, 16));

/** The slots of a time, as texts. */
function slots(text: string, zone: string, from: string, until: string): string[] {
  return iso(slotsBetween(crontab(text, zone), at(from) - 1, at(until), 1_000));
}

it.each([
  ["*", "minute", 60, [0, 59]],
  ["*/15", "minute", 4, [0, 45]],
  ["0-30/10", "minute", 4, [0, 30]],
  ["1,5,7-9", "minute", 5, [1, 9]],
  ["55-5", "minute", 11, [0, 59]],
  ["22-2", "hour", 5, [0, 23]],
  ["*/5", "hour", 5, [0, 20]],
  ["*/3", "month_of_year", 4, [1, 10]],
  ["nov-feb", "month_of_year", 4, [1, 12]],
  ["January,july", "month_of_year", 2, [1, 7]],
  ["fri-mon", "day_of_week", 4, [0, 6]],
  ["sun", "day_of_week", 1, [0, 0]],
  ["7", "day_of_week", 1, [0, 0]],
  ["5-7", "day_of_week", 3, [0, 6]],
  ["0-6/2", "day_of_week", 4, [0, 6]],
  ["mon-fri", "day_of_week", 5, [1, 5]],
] as const)("%s of %s", (text, field, count, [first, last]) => {
  const all = { minute: "*", hour: "*", day_of_month: "*", month_of_year: "*", day_of_week: "*" };
  const values = crontabValues({ ...all, [field]: text })[field];
  expect([values.length, values[0], values.at(-1)]).toEqual([count, first, last]);
});

it.each([
  ["60 * * * *", "60 is out of range 0–59"],
  ["* 24 * * *", "24 is out of range 0–23"],
  ["* * 0 * *", "0 is out of range 1–31"],
  ["* * * 13 *", "13 is out of range 1–12"],
  ["* * * * 9", "9 is out of range 0–7"],
  ["5/15 * * * *", "'5/15' is no value"],
  ["*/0 * * * *", "'*/0' is no value"],
  ["1--2 * * * *", "is no value"],
  ["* * * foo *", "'foo' is no value"],
  ["* * L * *", "'L' is no value"],
  [", * * * *", "is no value"],
  ["0 0 31 4 *", "31 is in none of the months 4"],
  ["0 0 30 2 *", "30 is in none of the months 2"],
])("%s is refused: %s", (text, message) => {
  expect(() => nextSlot(crontab(text), 0)).toThrow(message);
});

it("day of month and day of week are both asked for; the 29th of February comes", () => {
  expect(slots("0 0 13 * fri", "UTC", "2026-01-01T00:00Z", "2026-12-31T00:00Z")).toEqual([
    "2026-02-13T00:00",
    "2026-03-13T00:00",
    "2026-11-13T00:00",
  ]);
  expect(slots("0 0 29 feb *", "UTC", "2026-01-01T00:00Z", "2033-01-01T00:00Z")).toEqual([
    "2028-02-29T00:00",
    "2032-02-29T00:00",
  ]);
});

/** A field as Celery and cron-parser both write it. */
const field = (min: number, max: number) =>
  oneof(
    { weight: 3, arbitrary: constant("*") },
    integer({ min, max }).map(String),
    integer({ min: 1, max: 12 }).map((step) => `*/${step}`),
    tuple(integer({ min, max }), integer({ min, max })).map(
      ([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`,
    ),
    array(integer({ min, max }), { minLength: 2, maxLength: 4 }).map((list) =>
      [...new Set(list)].join(","),
    ),
  );

it("a day that a month has not is no reason to miss the first of the next", () => {
  expect(slots("0 0 1,31 * *", "UTC", "2026-02-26T00:00Z", "2026-05-02T00:00Z")).toEqual([
    "2026-03-01T00:00",
    "2026-03-31T00:00",
    "2026-04-01T00:00",
    "2026-05-01T00:00",
  ]);
});

it("finds the slots that another library finds", () => {
  assert(
    property(
      field(0, 59),
      field(0, 23),
      field(1, 31),
      field(1, 12),
      // Both together are OR-ed there.
      field(0, 6),
      boolean(),
      integer({ min: at("2026-01-01T00:00Z"), max: at("2030-01-01T00:00Z") }),
      (minute, hour, day, month, weekday, byDay, from) => {
        // A date that no month has is refused by both.
        const months = byDay && /29|3[01]/.test(day) ? "*" : month;
        const text = `${minute} ${hour} ${byDay ? day : "*"} ${months} ${byDay ? "*" : weekday}`;
        const other = CronExpressionParser.parse(text, { tz: "UTC", currentDate: new Date(from) });
        const theirs = Array.from({ length: 4 }, () => other.next().getTime());
        expect(slotsBetween(crontab(text), from, Infinity, 4), text).toEqual(theirs);
      },
    ),
    { numRuns: 1_000 },
  );
});

it("finds them in zones with other clocks too, where no clock is changed", () => {
  const zones = [
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Phoenix",
    "Africa/Nairobi",
    "Asia/Tokyo",
  ];
  assert(
    property(
      field(0, 59),
      field(0, 23),
      constantFrom(...zones),
      integer({ min: at("2026-01-01T00:00Z"), max: at("2030-01-01T00:00Z") }),
      (minute, hour, tz, from) => {
        const text = `${minute} ${hour} * * *`;
        const other = CronExpressionParser.parse(text, { tz, currentDate: new Date(from) });
        const theirs = Array.from({ length: 4 }, () => other.next().getTime());
        expect(slotsBetween(crontab(text, tz), from, Infinity, 4), `${text} ${tz}`).toEqual(theirs);
      },
    ),
    { numRuns: 300 },
  );
});

it.each([
  // Zone, a day on which clocks go forward at 02:00 (Lord Howe: by half an hour), and what 02:15 becomes.
  ["Europe/Paris", "2026-03-28T12:00Z", "2026-03-29T01:00"],
  ["America/New_York", "2026-03-07T12:00Z", "2026-03-08T07:00"],
  ["Australia/Sydney", "2026-10-03T00:00Z", "2026-10-03T16:00"],
  ["Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-03T15:30"],
])("in %s a time that is skipped runs once, right after it", (zone, from, first) => {
  const until = new Date(at(from) + 86_400_000).toISOString();
  expect(slots("15 2 * * *", zone, from, until)).toEqual([first]);
  // Several skipped ones are one.
  expect(slots("5,15,25 2 * * *", zone, from, until)).toEqual([first]);
});

it.each([
  ["Europe/Paris", "2026-10-24T12:00Z", "30 2 * * *", "2026-10-25T00:30"],
  ["America/New_York", "2026-10-31T12:00Z", "30 1 * * *", "2026-11-01T05:30"],
  ["Australia/Sydney", "2026-04-04T00:00Z", "30 2 * * *", "2026-04-04T15:30"],
  ["Australia/Lord_Howe", "2026-04-04T00:00Z", "45 1 * * *", "2026-04-04T14:45"],
])("in %s a time that comes twice runs the first time", (zone, from, text, first) => {
  const until = new Date(at(from) + 86_400_000).toISOString();
  expect(slots(text, zone, from, until)).toEqual([first]);
});

it.each([
  "Europe/Paris",
  "America/New_York",
  "Australia/Sydney",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Asia/Kolkata",
])("in %s every fifteen minutes keeps its pace for a year", (zone) => {
  const year = slotsBetween(
    crontab("*/15 * * * *", zone),
    at("2026-01-01T00:00Z"),
    at("2027-01-01T00:00Z"),
    Infinity,
  );
  expect(year).toHaveLength(365 * 96);
  expect(
    year.every((slot, index) => index === 0 || slot - (year[index - 1] ?? 0) === 900_000),
  ).toBe(true);
});

it("an interval counts from its anchor: no run moves the next", () => {
  const timing: Timing = { kind: "interval", every: 90, period: "seconds", anchor: 1_000 };
  expect(slotsBetween(timing, 0, 300_000, 10)).toEqual([1_000, 91_000, 181_000, 271_000]);
  expect(nextSlot(timing, 91_000)).toBe(181_000);
  expect(nextSlot({ ...timing, anchor: 500_000 }, 0)).toBe(500_000);
});

it("a clocked schedule has one slot", () => {
  expect(nextSlot({ kind: "clocked", at: 5 }, 4)).toBe(5);
  expect(nextSlot({ kind: "clocked", at: 5 }, 5)).toBeNull();
});

it("solar events come where and when they are seen", () => {
  const solar = (
    event: "sunrise" | "sunset" | "dawn_civil" | "solar_noon",
    latitude: number,
    longitude: number,
  ): Timing => ({
    kind: "solar",
    event,
    latitude,
    longitude,
  });
  // As timeanddate.com has them for 21 June 2026, to the minute or two.
  const near = (timing: Timing, day: string, wanted: string) => {
    const slot = nextSlot(timing, at(`${day}T00:00Z`)) ?? 0;
    expect(Math.abs(slot - at(wanted)), new Date(slot).toISOString()).toBeLessThan(120_000);
  };
  near(solar("sunrise", 51.5074, -0.1278), "2026-06-21", "2026-06-21T03:43Z");
  near(solar("sunset", 51.5074, -0.1278), "2026-06-21", "2026-06-21T20:21Z");
  near(solar("sunrise", 40.7128, -74.006), "2026-12-21", "2026-12-21T12:16Z");
  // In Tromsø the sun does not rise in December: the next time is in January.
  const polar = nextSlot(solar("sunrise", 69.6492, 18.9553), at("2026-12-01T00:00Z")) ?? 0;
  expect(new Date(polar).toISOString().slice(0, 7)).toBe("2027-01");
  const days = slotsBetween(
    solar("solar_noon", 48.85, 2.35),
    at("2026-01-01T00:00Z"),
    at("2027-01-01T00:00Z"),
    1_000,
  );
  expect(days).toHaveLength(365);
});

it("where the sun only grazes a horizon no event comes at another hour, and none of the days after is left out", () => {
  // The first and last of their season: suncalc puts them ten days off, at night, or with the sun high up.
  for (const [event, latitude, longitude, wrong] of [
    ["dawn_astronomical", 67.24, -150, "2026-09-10"],
    ["dusk_astronomical", -57.99, -60, "2026-10-30"],
    ["sunset", 85, -180, "2026-03-30"],
    ["sunset", 69.46, -150, "2027-05-18"],
    ["dusk_nautical", 56.88, -150, "2026-05-26"],
  ] as const) {
    const timing: Timing = { kind: "solar", event, latitude, longitude };
    const from = at(`${wrong}T00:00Z`) - 5 * 86_400_000;
    const found = slotsBetween(timing, from, from + 16 * 86_400_000, 100);
    const season = iso(found).join(" ");
    for (const [index, slot] of found.slice(1).entries()) {
      const hours = (slot - (found[index] ?? 0)) / 3_600_000;
      expect(hours, `${event}: ${season}`).toBeGreaterThan(20);
      expect(hours, `${event}: ${season}`).toBeLessThan(28);
    }
    const altitude = {
      dawn_astronomical: -18,
      dusk_astronomical: -18,
      dusk_nautical: -12,
      sunset: 0,
    };
    for (const slot of found) {
      const seen = getPosition(new Date(slot), latitude, longitude).altitude;
      expect(Math.abs(seen - altitude[event]), `${event}: ${iso([slot]).join()}`).toBeLessThan(2);
    }
  }
});

it("the last slots of a long time are found without going through it", () => {
  const minutely = crontab("* * * * *", "Europe/Paris");
  const [after, until] = [at("2020-01-01T00:00Z"), at("2026-01-01T00:00:30Z")];
  expect(iso(lastSlots(minutely, after, until, 3))).toEqual([
    "2025-12-31T23:58",
    "2025-12-31T23:59",
    "2026-01-01T00:00",
  ]);
  expect(iso(lastSlots(crontab("0 0 29 2 *"), after, until, 5))).toEqual([
    "2020-02-29T00:00",
    "2024-02-29T00:00",
  ]);
  expect(lastSlots(minutely, until, until, 3)).toEqual([]);
});

it("clocks that go back at midnight repeat the hour of a yearly schedule, too", () => {
  // 24:00 becomes 23:00: that day has 25 hours.
  expect(
    slots("30 * 4 4 *", "America/Santiago", "2026-01-01T00:00Z", "2026-12-31T00:00Z"),
  ).toHaveLength(25);
  expect(
    slots("30 * 31 10 *", "Africa/Cairo", "2024-01-01T00:00Z", "2024-12-31T00:00Z"),
  ).toHaveLength(25);
});

it("no slot is later than the year 9999: it could not be written", () => {
  const daily = crontab("0 0 * * *");
  expect(iso(slotsBetween(daily, at("9999-12-30T00:00Z"), Infinity, 10))).toEqual([
    "9999-12-31T00:00",
  ]);
});
