import {
  followingSlot,
  queuedLookMs,
  type DeclaredSchedule,
  type Schedule,
  type ScheduleSettings,
} from "#engine";

export function newSchedule({
  name,
  id,
  settings,
  origin,
  now,
}: {
  readonly name: string;
  readonly id: string;
  readonly settings: ScheduleSettings;
  readonly origin: "code" | "admin";
  readonly now: number;
}): Schedule {
  const schedule: Schedule = {
    ...settings,
    id,
    name,
    origin,
    declared: origin === "code" ? JSON.stringify(settings) : null,
    lastSlot: now,
    nextAt: null,
    queuedSlot: null,
    askedSlot: null,
    lastRunAt: null,
    lastTaskId: null,
    totalRunCount: 0,
    keptRuns: 0,
    forgottenUntil: null,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  return { ...schedule, nextAt: followingSlot(schedule) };
}

/** A schedule with other settings, from now on: no slot that is past fires again, and none is made up for. */
export function changedSchedule(old: Schedule, settings: ScheduleSettings, now: number): Schedule {
  const isRevived = old.origin === "retired" && settings.enabled;
  const changed = {
    ...old,
    ...settings,
    ...(isRevived && { origin: "admin" as const }),
    lastSlot: Math.max(old.lastSlot, now),
    queuedSlot: null,
    askedSlot: null,
    updatedAt: now,
    version: old.version + 1,
  };
  return { ...changed, nextAt: followingSlot(changed) };
}

/**
 * A schedule as the code declares it now, new or there. Only what nobody has changed since follows the code.
 * Returns the same where nothing is new.
 */
export function asDeclared(
  known: Schedule | null,
  { name, settings }: DeclaredSchedule,
  id: string,
  now: number,
): Schedule {
  if (known === null) return newSchedule({ name, id, settings, origin: "code", now });
  const declared = JSON.stringify(settings);
  // An admin had the name first: theirs stays.
  if (known.origin === "admin" && known.declared === null) return known;
  if (known.declared === declared && known.origin === "code") return known;
  const isOfCode = known.origin === "retired" || isAsDeclared(known);
  const { oneOff, timing, startTime, enabled } = settings;
  const hasRun =
    known.origin === "code" &&
    !known.enabled &&
    isDone(known) &&
    says(known, { oneOff, timing, startTime });
  const asNow = { ...settings, enabled: enabled && !hasRun };
  const next = isOfCode ? changedSchedule(known, asNow, now) : known;
  return { ...next, origin: "code", declared };
}

/** The code declares it no more: it keeps its history and fires no more. */
export function retired(schedule: Schedule, now: number): Schedule {
  const changed = changedSchedule(schedule, { ...schedule, enabled: false }, now);
  return { ...changed, origin: "retired" };
}

/** A schedule that has dealt with what was due, until it has something to do again. */
export function afterTick(schedule: Schedule, hasRun: boolean, now: number): Schedule {
  if (schedule.oneOff && hasRun) return over(schedule);
  const next = followingSlot(schedule);
  if (schedule.queuedSlot === null) return { ...schedule, nextAt: next };
  const look = now + queuedLookMs(schedule, now);
  return { ...schedule, nextAt: Math.min(next ?? look, look) };
}

/** A one-off that has run. */
export function over(schedule: Schedule): Schedule {
  return { ...schedule, enabled: false, nextAt: null, version: schedule.version + 1 };
}

/** Whether a one-off that was changed is to run at the same time as before, and once, so that either run is it. */
export function isSameOneOff(current: Schedule | null, before: Schedule): current is Schedule {
  if (current?.id !== before.id || !current.enabled || !current.oneOff) return false;
  const { oneOff, timing, startTime } = before;
  return says(current, { oneOff, timing, startTime });
}

/** Whether a schedule says this already. */
export function says(schedule: Schedule, settings: Partial<ScheduleSettings>): boolean {
  return Object.entries(settings).every(
    ([key, value]) =>
      JSON.stringify(schedule[key as keyof ScheduleSettings]) === JSON.stringify(value),
  );
}

function isAsDeclared(schedule: Schedule): boolean {
  if (schedule.declared === null) return false;
  const { enabled, ...others } = JSON.parse(schedule.declared) as ScheduleSettings;
  // That it has run, and is over by that, nobody has said.
  return says(schedule, others) && (isDone(schedule) || says(schedule, { enabled }));
}

function isDone({ oneOff, lastRunAt }: Schedule): boolean {
  return oneOff && lastRunAt !== null;
}
