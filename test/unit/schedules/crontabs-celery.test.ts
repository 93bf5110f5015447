import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { crontab, slotsBetween } from "#engine";

/** What Celery answered (`celery-crontabs.py`): "zone | fields | after | slots", or "refused" for slots. */
const { expressions, changes } = JSON.parse(
  readFileSync("test/unit/schedules/celery-crontabs.json", "utf8"),
) as Record<"expressions" | "changes", string[]>;

/** A row with our answer instead: as many slots as it has, or those of so many hours. */
function answered(row: string, hours?: number): string {
  const [zone = "", text = "", after = "", slots = ""] = row.split(" | ");
  const [minute = "*", hour = "*", day_of_month = "*", month_of_year = "*", day_of_week = "*"] =
    text.split(" ");
  const timing = crontab(zone, { minute, hour, day_of_month, month_of_year, day_of_week });
  const from = Date.parse(after);
  const count = hours === undefined ? slots.split(" ").length : Infinity;
  const until = hours === undefined ? Infinity : from + hours * 3_600_000;
  let ours: string[];
  try {
    ours = slotsBetween(timing, from, until, count).map((slot) => new Date(slot).toISOString());
  } catch {
    ours = ["refused"];
  }
  const written = ours.map((slot) => slot.replace(":00.000Z", "Z")).join(" ");
  return [zone, text, after, written].join(" | ");
}

it("a crontab has the slots that Celery finds, and is refused where Celery refuses it", () => {
  expect(expressions.map((row) => answered(row))).toEqual(expressions);
  expect(expressions.filter((row) => row.endsWith("refused")).length).toBeGreaterThan(20);
});

it("where clocks are changed, fixed hours come when Celery's beat fires them", () => {
  expect(changes.map((row) => answered(row, 60))).toEqual(changes);
});
