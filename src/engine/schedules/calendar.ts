import type { CrontabValues } from "./crontab.ts";

const DAY = 86_400_000;
/** 29 February falls on a given day of the week every 40 years at the latest. */
const MAX_YEARS = 41;

/**
 * The next wall time of a crontab after another; both as the epoch ms that they would be in UTC, where no clock
 * is ever changed. Null: there is none.
 */
export function nextWall(values: CrontabValues, after: number): number | null {
  const { minute: minutes, hour: hours } = values;
  const last = new Date(after).getUTCFullYear() + MAX_YEARS;
  let day = Math.floor(after / DAY) * DAY;
  for (;;) {
    const date = new Date(day);
    if (date.getUTCFullYear() > last) return null;
    if (!values.month_of_year.includes(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    if (isDay(values, date)) {
      for (const hour of hours) {
        for (const minute of minutes) {
          const wall = day + (hour * 60 + minute) * 60_000;
          if (wall > after) return wall;
        }
      }
    }
    day += DAY;
  }
}

function isDay({ day_of_month: days, day_of_week: weekdays }: CrontabValues, date: Date): boolean {
  return days.includes(date.getUTCDate()) && weekdays.includes(date.getUTCDay());
}
