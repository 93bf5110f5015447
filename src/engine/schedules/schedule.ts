import { checkInteger } from "../checks.ts";
import type { Signature } from "../signature.ts";
import { lastSlots, nextSlot, slotsBetween, type Timing } from "./timing.ts";

/** What becomes of slots that nobody was there for (a deploy, an outage). */
export type MissedPolicy =
  | { readonly policy: "skip" }
  /** One run makes up for all of them. */
  | { readonly policy: "once" }
  /** The last `limit` of them, each as a task of its own. */
  | { readonly policy: "all"; readonly limit: number };

/** What becomes of a slot while the run before it is unfinished. */
export type OverlapPolicy = "allow" | "skip" | "queue";

/** What a schedule says, as it is made and changed; django-celery-beat's PeriodicTask. */
export interface ScheduleSettings {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly timing: Timing;
  readonly enabled: boolean;
  /** True: it is disabled when it has run once. */
  readonly oneOff: boolean;
  /** No slot before this, epoch ms; null: from the beginning. */
  readonly startTime: number | null;
  /** No slot after this, epoch ms; null: without end. */
  readonly expires: number | null;
  /** Seconds after its slot for which a run may start; null: at any time. */
  readonly expireSeconds: number | null;
  readonly queue: string | null;
  readonly priority: number | null;
  /** Labels of its tasks (Celery's headers and stamps). */
  readonly headers: Readonly<Record<string, string>>;
  readonly description: string;
  readonly missed: MissedPolicy;
  readonly overlap: OverlapPolicy;
}

/** A schedule as the code declares it, next to its task. */
export interface DeclaredSchedule {
  readonly name: string;
  readonly settings: ScheduleSettings;
}

/** What a schedule says that says nothing but its task and its timing. */
export const DEFAULT_SETTINGS = {
  args: [],
  kwargs: {},
  enabled: true,
  oneOff: false,
  startTime: null,
  expires: null,
  expireSeconds: null,
  queue: null,
  priority: null,
  headers: {},
  description: "",
  missed: { policy: "once" },
  overlap: "allow",
} as const satisfies Omit<ScheduleSettings, "task" | "timing">;

/** More of its periods are no interval. */
export const MAX_INTERVAL = 1_000_000;

/** Declares a schedule of a call. @throws InvalidOptionError, RangeError: its timing can't be */
export function declareSchedule(
  name: string,
  { task, args, kwargs }: Signature,
  timing: Timing,
  more: Partial<Omit<ScheduleSettings, "task" | "args" | "kwargs" | "timing">> = {},
): DeclaredSchedule {
  if (timing.kind === "interval") checkInteger("interval.every", timing.every, 1, MAX_INTERVAL);
  nextSlot(timing, 0);
  return { name, settings: { ...DEFAULT_SETTINGS, task, args, kwargs, timing, ...more } };
}

export interface Schedule extends ScheduleSettings {
  /** Part of the ids of its tasks: another schedule of the same name is another one. */
  readonly id: string;
  readonly name: string;
  /** `code`: it is declared there; `retired`: it was. */
  readonly origin: "code" | "admin" | "retired";
  /** What the code declared last, as JSON text; null: nothing. What an admin changed since then stays. */
  readonly declared: string | null;
  /** Slots up to here are dealt with, epoch ms. */
  readonly lastSlot: number;
  /** When it has something to do again; null: never. */
  readonly nextAt: number | null;
  /** A slot that waits for the end of the run before it. */
  readonly queuedSlot: number | null;
  /** A slot of one that runs one at a time, and of which is not known whether it became a task; null: none. */
  readonly askedSlot: number | null;
  readonly lastRunAt: number | null;
  readonly lastTaskId: string | null;
  readonly totalRunCount: number;
  /** Rows of its runs that are kept; those of slots up to `forgottenUntil` are not (null: all are). */
  readonly keptRuns: number;
  readonly forgottenUntil: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Rises with every change of what it says. */
  readonly version: number;
}

/** A slot that is later than this was missed. */
export const MISSED_AFTER_MS = 60_000;
/** Slots of one schedule that are fired at once: those of the last minute, or those that are made up for. */
export const MAX_SLOTS_AT_ONCE = 100;
/** A slot that waits for another run is looked at this often: after a sixtieth of what that has taken, within these. */
const QUEUED_LOOK_MS = { least: 5_000, most: 60_000, share: 1 / 60 } as const;

/** What a schedule has to do at a time. */
export interface DueSlots {
  /** To be fired, oldest first. */
  readonly slots: readonly number[];
  /** Up to where slots are dealt with then. */
  readonly lastSlot: number;
}

/** The slots of a schedule that are due, by its policy for those that were missed. */
export function dueSlots(schedule: Schedule, now: number): DueSlots {
  const { timing, missed } = schedule;
  const until = Math.min(now, schedule.expires ?? Infinity);
  const after = Math.max(schedule.lastSlot, (schedule.startTime ?? -Infinity) - 1);
  const since = Math.max(after, now - MISSED_AFTER_MS);
  const onTime = slotsBetween(timing, since, until, MAX_SLOTS_AT_ONCE);
  const late: number[] = [];
  if (since > after && missed.policy !== "skip") {
    const isOne = missed.policy === "once";
    const count = missed.policy === "once" ? 1 : Math.min(missed.limit, MAX_SLOTS_AT_ONCE);
    const before = Math.min(since, until);
    // One run makes up for all: the one that is on time does.
    if (!isOne || onTime.length === 0) late.push(...lastSlots(timing, after, before, count));
  }
  const slots = [...late, ...onTime];
  const lastSlot = Math.max(schedule.lastSlot, onTime.at(-1) ?? since, since);
  return { slots: schedule.oneOff ? slots.slice(-1) : slots, lastSlot };
}

/** The next slot of a schedule that is to come; null: there is none. */
export function followingSlot(
  schedule: Pick<Schedule, "timing" | "enabled" | "startTime" | "expires" | "lastSlot">,
): number | null {
  if (!schedule.enabled) return null;
  const after = Math.max(schedule.lastSlot, (schedule.startTime ?? -Infinity) - 1);
  const next = nextSlot(schedule.timing, after);
  return next !== null && next <= (schedule.expires ?? Infinity) ? next : null;
}

/** How long until a slot that waits for the run before it is looked at again: a run may take days. */
export function queuedLookMs({ lastRunAt }: Pick<Schedule, "lastRunAt">, now: number): number {
  const { least, most, share } = QUEUED_LOOK_MS;
  return Math.round(Math.max(least, Math.min(most, (now - (lastRunAt ?? now)) * share)));
}

/** One run of a schedule: a slot, and what became of it. */
export interface ScheduleRun {
  readonly schedule: string;
  /** Epoch ms. */
  readonly slot: number;
  /** `slot`, by itself; `manual`, somebody asked for it; `backfill`. */
  readonly kind: "slot" | "manual" | "backfill";
  readonly fired_at: number;
  /** Null: there is none. */
  readonly task_id: string | null;
  /** Why there is none: the run before it was unfinished, or the call doesn't fit its task any more. */
  readonly note: string | null;
}

/** The schedules of a deployment, as admins manage them. Null: there is no such schedule. */
export interface ScheduleBook {
  /** By name, from behind `after` on. */
  page(after: string, limit: number): Promise<Schedule[]>;
  get(name: string): Promise<Schedule | null>;
  /** @throws LovageError `exists`, `too_many_schedules` */
  create(name: string, settings: ScheduleSettings): Promise<Schedule>;
  /**
   * No slot that is past fires again.
   * @param version of the schedule that was changed
   * @throws LovageError `changed_meanwhile`: it has another by now
   */
  update(name: string, settings: ScheduleSettings, version: number): Promise<Schedule | null>;
  remove(name: string): Promise<boolean>;
  /** Runs it once more, now. @param key the same is the same run */
  run(name: string, key: string): Promise<ScheduleRun | null>;
  /**
   * Fires the slots of a time, `from` and `until` included, that were not fired.
   * @throws LovageError `too_many_slots`; `too_old`: nobody knows any more which were
   */
  backfill(name: string, from: number, until: number): Promise<ScheduleRun[] | null>;
  /** The newest first. */
  runs(name: string, limit: number): Promise<ScheduleRun[]>;
}

/** The call that a slot of a schedule is. */
export function callOfSlot(
  {
    task,
    args,
    kwargs,
    queue,
    priority,
    expireSeconds,
    headers,
  }: Pick<
    ScheduleSettings,
    "task" | "args" | "kwargs" | "queue" | "priority" | "expireSeconds" | "headers"
  >,
  name: string,
  slot: number,
): Signature {
  return {
    task,
    args,
    kwargs,
    options: {
      ...(queue !== null && { queue }),
      ...(priority !== null && { priority }),
      ...(expireSeconds !== null && { expires: new Date(slot + expireSeconds * 1_000) }),
      slot: new Date(slot),
      labels: { ...headers, [SCHEDULE_LABEL]: name },
    },
    subtask_type: null,
    immutable: false,
  };
}

/** The label by which the tasks of a schedule are found; Celery's header of that name. */
const SCHEDULE_LABEL = "periodic_task_name";
