import type { AgentReport } from "#engine";
import type { AgentHealth } from "./agent-record.ts";
import type { DatabaseLook } from "./database-look.ts";
import { CRON_STORE_MS, type BeatHealth, type ShardHealth, type WatchdogHealth } from "./health.ts";

/*
 * What the objects' own words mean: pure. The watchdog's alarm sees whether the cron trigger comes, and the cron
 * trigger sets the alarms again, so one of them is always there to tell of the other.
 */

/** The cron trigger comes every minute; after this it is missed. */
const CRON_MISSED_MS = 180_000;
/** An alarm that is so much too late is overdue: the platform rings within seconds. */
export const OVERDUE_MS = 60_000;

/** A task that waits longer in the outbox is held up: the sweep comes every half minute. */
const RELAY_LATE_MS = 120_000;

/** A task that ended is in D1 within a second; one that isn't for so long is held up. */
const FLUSH_LATE_MS = 120_000;

type Judged = Pick<AgentReport, "problem" | "problemSince" | "note">;

const FINE: Judged = { problem: null, problemSince: null, note: null };

function wrong(problem: string, since: number | null): Judged {
  return { problem, problemSince: since, note: null };
}

/** An object that did not answer in time. */
export function unreachable(name: string, does: string, now: number): AgentReport {
  const judged = wrong("It can't be reached just now.", now);
  return { name, does, lastRanAt: null, nextAt: null, ...judged };
}

/** @param isLocal where there is no cron trigger: `wrangler dev` never fires it */
export function cronReport(dog: WatchdogHealth, now: number, isLocal: boolean): AgentReport {
  const { cronAt } = dog;
  return {
    name: "cron",
    does: "Every minute: wakes beat and the watchdog, should an alarm be lost.",
    lastRanAt: cronAt,
    nextAt: cronAt === null ? null : cronAt + 60_000,
    ...judgeCron(dog, now, isLocal),
  };
}

function judgeCron(dog: WatchdogHealth, now: number, isLocal: boolean): Judged {
  const { cronAt, isCronStored, since } = dog;
  if (isLocal) {
    return { ...FINE, note: "There is no cron trigger on this machine; the alarms do without it." };
  }
  if (cronAt === null) {
    if (now - since <= CRON_MISSED_MS) return { ...FINE, note: "It has not come yet." };
    return wrong("It has never come: is the cron trigger deployed ([triggers])?", since);
  }
  // What was found stored may be as much too old.
  const quietMs = now - cronAt - (isCronStored ? CRON_STORE_MS : 0);
  if (quietMs <= CRON_MISSED_MS) return FINE;
  const minutes = Math.floor((now - cronAt) / 60_000);
  return wrong(
    `It has not come for ${minutes} minutes. Work goes on, by the alarms; deploy again to set the trigger anew.`,
    cronAt,
  );
}

export function watchdogReports(dog: WatchdogHealth, now: number): AgentReport[] {
  const failing = judgeWork(dog.rounds);
  return [
    {
      name: "watchdog",
      does: "Every half minute: its duties.",
      lastRanAt: dog.rounds.ranAt,
      nextAt: dog.alarmAt,
      ...(failing.problem === null ? judgeAlarm(dog.alarmAt, true, now) : failing),
    },
    ...dog.duties.map(({ name, does, ...health }) => ({
      name: `duty ${name}`,
      does,
      lastRanAt: health.ranAt,
      nextAt: dog.alarmAt,
      ...judgeWork(health),
    })),
  ];
}

/** A write relays its own tasks at once; the watchdog's duty `outbox` is for those that were left behind. */
export function relayReport(
  does: string,
  { outbox, outboxSince }: DatabaseLook,
  dog: WatchdogHealth | null,
  now: number,
): AgentReport {
  const sweep = dog?.duties.find(({ name }) => name === "outbox");
  const isLate = outboxSince !== null && now - outboxSince > RELAY_LATE_MS;
  return {
    name: "relay",
    does,
    lastRanAt: sweep?.ranAt ?? null,
    nextAt: dog?.alarmAt ?? null,
    ...(isLate ? wrong(`${outbox} tasks wait in the outbox.`, outboxSince) : FINE),
  };
}

export function beatReport(beat: BeatHealth, now: number): AgentReport {
  const failing = judgeWork(beat.ticks);
  return {
    name: "beat",
    does: "Calls the tasks of the schedules when their slots come.",
    lastRanAt: beat.ticks.ranAt,
    nextAt: beat.alarmAt ?? beat.nextSlotAt,
    ...(failing.problem === null
      ? judgeAlarm(beat.alarmAt, beat.nextSlotAt !== null, now)
      : failing),
  };
}

/** A shard forgets when its recoverer ran as soon as it is idle; the watchdog, which has it run, does not. */
export function shardReports(
  shard: number,
  health: ShardHealth,
  dog: WatchdogHealth | null,
  now: number,
): AgentReport[] {
  const { recoverer, flusher, alarmAt } = health;
  const round = dog?.duties.find(({ name }) => name === `ledger ${shard}`);
  const ranAt = Math.max(recoverer.ranAt ?? 0, round?.ranAt ?? 0);
  const hasWork = health.ready + health.running + health.unflushed > 0;
  const failing = judgeWork(recoverer);
  return [
    {
      name: `recoverer ${shard}`,
      does: "Looks for lost leases and for work that nobody comes for, when its alarm or the watchdog calls.",
      lastRanAt: ranAt === 0 ? null : ranAt,
      nextAt: alarmAt,
      ...(failing.problem === null ? judgeAlarm(alarmAt, hasWork, now) : failing),
    },
    {
      name: `flusher ${shard}`,
      does: "Writes finished tasks to D1.",
      lastRanAt: flusher.ranAt,
      nextAt: flusher.retryAt,
      ...judgeFlusher(health, now),
    },
  ];
}

function judgeFlusher({ flusher, unflushed }: ShardHealth, now: number): Judged {
  const { waitingSince: since } = flusher;
  const failing = judgeWork(flusher);
  if (failing.problem !== null || since === null || now - since <= FLUSH_LATE_MS) return failing;
  return wrong(`${unflushed} finished tasks wait for D1.`, since);
}

function judgeWork({ failingSince, error }: AgentHealth): Judged {
  return failingSince === null ? FINE : wrong(`It fails: ${error ?? "unknown"}`, failingSince);
}

/** @param isNeeded whether there has to be one */
function judgeAlarm(alarmAt: number | null, isNeeded: boolean, now: number): Judged {
  if (alarmAt === null) {
    return isNeeded ? wrong("It has no alarm; the cron trigger sets it again.", null) : FINE;
  }
  if (now - alarmAt <= OVERDUE_MS) return FINE;
  const seconds = Math.floor((now - alarmAt) / 1_000);
  return wrong(`Its alarm is ${seconds} seconds overdue.`, alarmAt);
}
