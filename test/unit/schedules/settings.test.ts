import { expect, it } from "vitest";
import { nextSlot, type Schedule } from "#engine";
import { changeSchema, settingsOf } from "../../../src/delivery/api/schedules/schedule-schema.ts";

const now = Date.parse("2026-11-22T09:17:00Z");
const start = Date.parse("2026-11-23T08:00:00Z");
const start_time = new Date(start).toISOString();
const hourly = { interval: { every: 1, period: "hours" } };
const daily = { interval: { every: 1, period: "days" } };

/** What a schedule says that is made, and then changed one request after the other. */
function made(...changes: readonly object[]) {
  const base = { now, timezone: "UTC" };
  return changes.reduce<Schedule | null>((old, change) => {
    const given = changeSchema.parse({ task: "t", ...change });
    return settingsOf(given, old, base) as Schedule;
  }, null);
}

it.each([
  ["made with both", [{ ...daily, start_time }]],
  ["given a start later", [daily, { start_time }]],
  ["given another interval", [{ ...hourly, start_time }, daily]],
  ["given another description", [{ ...daily, start_time }, { description: "In the morning" }]],
])("an interval counts from its start: %s", (_how, changes) => {
  const timing = made(...changes)?.timing;
  expect(timing && nextSlot(timing, start - 1)).toBe(start);
});

it("an interval without a start counts from when it was made; one that loses its start keeps its beat", () => {
  expect(made(daily)?.timing).toMatchObject({ anchor: now });
  expect(made({ ...daily, start_time }, { start_time: null })?.timing).toMatchObject({
    anchor: start,
  });
});
