import { toString as wordsOf } from "cronstrue";
import { crontabValues, type Crontab } from "./crontab.ts";
import type { Timing } from "./timing.ts";

/** A timing in words: "At 08:00, Monday through Friday, Europe/Paris". */
export function describeTiming(timing: Timing): string {
  switch (timing.kind) {
    case "crontab": {
      // Both days are asked for, as in Celery; other crons take either.
      const style = { use24HourTimeFormat: true, logicalAndDayFields: true };
      const words = wordsOf(plainCrontab(timing), style);
      return `${words}, ${timing.timezone}`;
    }
    case "interval":
      return timing.every === 1
        ? `Every ${timing.period.slice(0, -1)}`
        : `Every ${timing.every} ${timing.period}`;
    case "clocked":
      return `Once, at ${new Date(timing.at).toISOString()}`;
    case "solar": {
      const { event, latitude, longitude } = timing;
      return `At ${event.replaceAll("_", " ")}, ${latitude}, ${longitude}`;
    }
  }
}

/** In the syntax that others read: names and ranges that wrap are written out. */
function plainCrontab(crontab: Crontab): string {
  const values = crontabValues(crontab);
  const fields = ["minute", "hour", "day_of_month", "month_of_year", "day_of_week"] as const;
  return fields
    .map((field) => {
      const text = crontab[field];
      const isPlain = /^[\d*,/-]+$/.test(text) && !text.includes("7") && !wraps(text);
      return isPlain ? text : ranges(values[field]);
    })
    .join(" ");
}

function wraps(text: string): boolean {
  return text.split(",").some((part) => {
    const [from, to] = (part.split("/")[0] ?? "").split("-").map(Number);
    return to !== undefined && (from ?? 0) > to;
  });
}

/** 1,2,3,5 as 1-3,5. */
function ranges(values: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.[1] === value - 1) last[1] = value;
    else runs.push([value, value]);
  }
  // Two of them are a list, as people say it.
  return runs
    .map(([from, to]) => (to - from < 2 ? [...new Set([from, to])].join(",") : `${from}-${to}`))
    .join(",");
}
