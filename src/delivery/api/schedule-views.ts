import {
  describeTiming,
  type Schedule,
  type ScheduleRun,
  type TaskRecord,
  type Timing,
} from "#engine";
import { iso } from "./task-views.ts";

/** A schedule with django-celery-beat's names for its fields. */
export function scheduleView(schedule: Schedule) {
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
export function runView(run: ScheduleRun, task: TaskRecord | null) {
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
