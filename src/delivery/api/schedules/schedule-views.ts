import * as z from "zod";
import {
  describeTiming,
  type Schedule,
  type ScheduleRun,
  type TaskRecord,
  type Timing,
} from "#engine";
import { anyJson, isoTime, isoTimeOrNull } from "../http/answers.ts";
import { iso } from "../tasks/task-views.ts";

/** One of the four kinds of timing. */
const timingFields = {
  crontab: z
    .strictObject({
      minute: z.string(),
      hour: z.string(),
      day_of_month: z.string(),
      month_of_year: z.string(),
      day_of_week: z.string(),
      timezone: z.string(),
    })
    .optional(),
  interval: z.strictObject({ every: z.int(), period: z.string() }).optional(),
  clocked: z.strictObject({ at: isoTimeOrNull }).optional(),
  solar: z
    .strictObject({ event: z.string(), latitude: z.number(), longitude: z.number() })
    .optional(),
};

export const scheduleAnswer = z
  .strictObject({
    name: z.string(),
    task: z.string(),
    args: z.array(anyJson).readonly(),
    kwargs: z.record(z.string(), anyJson).readonly(),
    ...timingFields,
    in_words: z.string().describe("When it fires, for people."),
    enabled: z.boolean(),
    one_off: z.boolean(),
    start_time: isoTimeOrNull,
    expires: isoTimeOrNull,
    expire_seconds: z.number().nullable(),
    queue: z.string().nullable(),
    priority: z.int().nullable(),
    headers: z.record(z.string(), z.string()).readonly(),
    description: z.string(),
    missed: z.union([z.enum(["skip", "once"]), z.strictObject({ all: z.int() })]),
    overlap: z.enum(["allow", "skip", "queue"]),
    origin: z.enum(["code", "admin", "retired"]).describe("Where it comes from."),
    next_run_at: isoTimeOrNull,
    last_run_at: isoTimeOrNull,
    total_run_count: z.int(),
    date_changed: isoTimeOrNull,
  })
  .meta({ id: "Schedule" });

export const runAnswer = z
  .strictObject({
    slot: isoTimeOrNull,
    kind: z.enum(["slot", "manual", "backfill"]),
    fired_at: isoTimeOrNull,
    drift_ms: z.number().nullable().describe("How late it fired; null: it had no time of its own."),
    task_id: z.string().nullable().describe("Null: no task came of it, and `note` says why."),
    state: z.string().nullable(),
    duration_ms: z.number().nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: "ScheduleRun" });

/** When a schedule fires next. */
export const nextAnswer = z.strictObject({
  enabled: z.boolean(),
  timezone: z.string(),
  next: z.array(
    z.strictObject({ at: isoTime, local: z.string().describe("In the schedule's zone.") }),
  ),
});

/** A schedule with django-celery-beat's names for its fields. */
export function scheduleView(schedule: Schedule): z.output<typeof scheduleAnswer> {
  const { timing, missed } = schedule;
  return {
    name: schedule.name,
    task: schedule.task,
    args: schedule.args,
    kwargs: schedule.kwargs,
    ...timingView(timing),
    in_words: describeTiming(timing),
    enabled: schedule.enabled,
    one_off: schedule.oneOff,
    start_time: iso(schedule.startTime),
    expires: iso(schedule.expires),
    expire_seconds: schedule.expireSeconds,
    queue: schedule.queue,
    priority: schedule.priority,
    headers: schedule.headers,
    description: schedule.description,
    missed: missed.policy === "all" ? { all: missed.limit } : missed.policy,
    overlap: schedule.overlap,
    origin: schedule.origin,
    next_run_at: iso(schedule.nextAt),
    last_run_at: iso(schedule.lastRunAt),
    total_run_count: schedule.totalRunCount,
    date_changed: iso(schedule.updatedAt),
  };
}

function timingView(timing: Timing) {
  switch (timing.kind) {
    case "crontab": {
      const { kind: _kind, ...fields } = timing;
      return { crontab: fields };
    }
    case "interval":
      return { interval: { every: timing.every, period: timing.period } };
    case "clocked":
      return { clocked: { at: iso(timing.at) } };
    case "solar": {
      const { kind: _kind, ...fields } = timing;
      return { solar: fields };
    }
  }
}

/** A run, with what became of its task (null: that is not known any more). */
export function runView(run: ScheduleRun, task: TaskRecord | null): z.output<typeof runAnswer> {
  const { slot, kind, fired_at: firedAt, task_id, note } = run;
  const started = task?.attempts[0]?.startedAt ?? null;
  const finished = task?.finishedAt ?? null;
  return {
    slot: iso(slot),
    kind,
    fired_at: iso(firedAt),
    drift_ms: kind === "slot" ? firedAt - slot : null,
    task_id,
    state: task?.state ?? null,
    duration_ms: started === null || finished === null ? null : finished - started,
    note,
  };
}
