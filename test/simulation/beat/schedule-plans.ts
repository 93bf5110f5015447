import {
  crontab,
  DEFAULT_SETTINGS,
  type MissedPolicy,
  type ScheduleSettings,
  type Timing,
} from "#engine";
import type { World } from "../../../src/testing/world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Beginning = readonly [at: string, home: string];

/** When a history begins, and a zone of which the clocks are changed soon after, or that has a leap day then. */
export const BEGINNINGS: readonly [Beginning, ...Beginning[]] = [
  ["2026-03-28T12:00Z", "Europe/Paris"],
  ["2026-03-07T18:00Z", "America/New_York"],
  ["2026-10-24T12:00Z", "Europe/Paris"],
  ["2026-10-31T18:00Z", "America/New_York"],
  ["2026-04-04T06:00Z", "Australia/Sydney"],
  ["2026-10-03T04:00Z", "Australia/Lord_Howe"],
  ["2028-02-28T12:00Z", "UTC"],
];

const ZONES = [
  "Europe/Paris",
  "Europe/Paris",
  "America/New_York",
  "Australia/Sydney",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "UTC",
] as const;
const MINUTES = ["0", "0", "30", "15,45", "*/15", "*/20", "5-9", "59"] as const;
const HOURS = ["*", "*", "1", "2", "2", "1-3", "0", "3", "*/6", "23"] as const;
const DAYS = ["*", "*", "*", "*", "29", "1,28-31"] as const;
const WEEKDAYS = ["*", "*", "*", "0", "mon-fri", "sun,sat"] as const;

/** What a schedule says, by chance. @param home a zone that is to be seen more often than others */
export function anySettings(world: World, now: number, home: string): ScheduleSettings {
  const missed = world.pick<MissedPolicy>([
    { policy: "skip" },
    { policy: "once" },
    { policy: "once" },
    { policy: "all", limit: world.between(1, 6) },
  ]);
  return {
    ...DEFAULT_SETTINGS,
    task: "t",
    timing: anyTiming(world, now, home),
    enabled: !world.chance(0.05),
    oneOff: world.chance(0.1),
    startTime: world.chance(0.15) ? now + world.between(-HOUR, DAY) : null,
    expires: world.chance(0.15) ? now + world.between(HOUR, 3 * DAY) : null,
    missed,
    overlap: world.pick(["allow", "allow", "allow", "allow", "skip", "queue"]),
  };
}

/** A time of day at which clocks are changed: it may be skipped, or come twice. */
export function nightSettings(home: string): ScheduleSettings {
  const timing = crontab(home, { minute: "15,45", hour: "1-3" });
  return { ...DEFAULT_SETTINGS, task: "t", timing };
}

function anyTiming(world: World, now: number, home: string): Timing {
  switch (world.between(0, 7)) {
    case 0:
      return {
        kind: "interval",
        every: world.chance(0.3) ? world.between(20, 50) : world.between(60, 300),
        period: "seconds",
        anchor: now + world.between(-DAY, HOUR),
      };
    case 1:
      return {
        kind: "interval",
        every: world.between(1, 50),
        period: world.pick(["minutes", "minutes", "hours"]),
        anchor: now + world.between(-DAY, HOUR),
      };
    case 2:
      return { kind: "clocked", at: now + world.between(-HOUR, 2 * DAY) };
    case 3:
      return {
        kind: "solar",
        event: world.pick(["sunrise", "sunset", "solar_noon"]),
        latitude: world.between(-75, 75),
        longitude: world.between(-179, 179),
      };
    default:
      return crontab(world.chance(0.6) ? home : world.pick(ZONES), {
        minute: world.pick(MINUTES),
        hour: world.pick(HOURS),
        day_of_month: world.pick(DAYS),
        day_of_week: world.pick(WEEKDAYS),
      });
  }
}
