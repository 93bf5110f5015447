import {
  followingSlot,
  LovageError,
  QUEUED_LOOK_MS,
  slotsBetween,
  type Clock,
  type DeclaredSchedule,
  type Schedule,
  type ScheduleRun,
  type ScheduleSettings,
} from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { changedSchedule, declaredAnew, newSchedule } from "./schedule-changes.ts";
import { ScheduleStore } from "./schedule-store.ts";
import { planTick, slotKey, type PlannedRun, type TickPlan } from "./tick-plan.ts";

/** What became of one: its task; or why it can't be one. Null: not known, it is to be asked again. */
export type RunAnswer = { readonly taskId: string } | { readonly refused: string } | null;

/** What Beat needs from outside. */
export interface BeatPorts {
  readonly clock: Clock;
  readonly sql: SqlPort;
  /** One answer per run, in their order. */
  submit(runs: readonly PlannedRun[]): Promise<RunAnswer[]>;
  /** Whether a task has not ended yet. Rejects when it can't be known just now. */
  isUnfinished(taskId: string): Promise<boolean>;
  log(event: string, fields: Record<string, unknown>): void;
}

/** Schedules that one tick looks at; the next follows at once. */
const MAX_DUE = 1_000;
/** After a tick that could not submit all. */
const AGAIN_MS = 1_000;
const MAX_BACKFILL = 1_000;
/** A schedule that can't be read is looked at again after this. */
const BROKEN_LOOK_MS = 3_600_000;

/**
 * The schedules of a deployment. A slot is submitted first and recorded then: its task's id belongs to the
 * schedule and the slot, so that a tick that is repeated, or two at once, make no second task.
 */
export class TaskBeat {
  readonly #ports: BeatPorts;
  readonly #store: ScheduleStore;
  /** Not before this is a tick repeated that could not submit all. */
  #againAt: number | null = null;
  #lastNow = 0;

  constructor(ports: BeatPorts) {
    this.#ports = ports;
    this.#store = new ScheduleStore(ports.sql);
  }

  /** When it has something to do again, epoch ms; null: never. */
  get nextAt(): number | null {
    const next = this.#store.nextAt();
    return next === null || this.#againAt === null ? next : Math.max(next, this.#againAt);
  }

  /** Fires all slots that are due. Safe to call at any time, and twice at once. */
  async tick(): Promise<void> {
    const now = this.#now();
    // Should it fail: not at once again.
    this.#againAt = now + AGAIN_MS;
    const due = this.#store.due(now, MAX_DUE);
    const plans = await Promise.all(due.map((schedule) => this.#planOf(schedule, now)));
    await this.#carryOut(
      plans.filter((plan) => plan !== null),
      now,
    );
  }

  async #carryOut(plans: readonly TickPlan[], now: number): Promise<void> {
    const runs = plans.flatMap(({ runs: own }) => own);
    const answers = runs.length === 0 ? [] : await this.#ports.submit(runs);
    const answerOf = new Map(runs.map((run, index) => [run, answers[index] ?? null]));
    let areAllKnown = true;
    this.#store.transaction(() => {
      for (const plan of plans) areAllKnown = this.#record(plan, answerOf, now) && areAllKnown;
    });
    if (areAllKnown) this.#againAt = null;
  }

  /** One that can't be planned (its zone is gone) keeps no other back: it is looked at again later. */
  async #planOf(schedule: Schedule, now: number): Promise<TickPlan | null> {
    try {
      return await planTick(schedule, now, (taskId) => this.#isBusy(taskId));
    } catch (error) {
      this.#ports.log("schedule_broken", { schedule: schedule.name, error });
      const current = this.#store.get(schedule.name);
      if (current?.updatedAt === schedule.updatedAt) {
        this.#store.put({ ...current, nextAt: now + BROKEN_LOOK_MS });
      }
      return null;
    }
  }

  get(name: string): Schedule | null {
    return this.#store.get(name);
  }

  page(after: string, limit: number): Schedule[] {
    return this.#store.page(after, limit);
  }

  runs(name: string, limit: number): ScheduleRun[] {
    return this.#store.runs(name, limit);
  }

  /** @throws LovageError `exists` */
  create(name: string, id: string, settings: ScheduleSettings): Schedule {
    if (this.#store.get(name) !== null) {
      throw new LovageError("exists", `There is a schedule '${name}'.`, { field: "name" });
    }
    const schedule = newSchedule({ name, id, settings, origin: "admin", now: this.#now() });
    this.#store.put(schedule);
    return schedule;
  }

  /** No slot that is past fires again. Null: there is no such schedule. */
  update(name: string, settings: ScheduleSettings): Schedule | null {
    const old = this.#store.get(name);
    if (old === null) return null;
    const changed = changedSchedule(old, settings, this.#now());
    this.#store.put(changed);
    return changed;
  }

  remove(name: string): boolean {
    const isThere = this.#store.get(name) !== null;
    if (isThere) this.#store.transaction(() => this.#store.remove(name));
    return isThere;
  }

  /** Runs a schedule once more, now. @param key the same is the same run */
  async run(name: string, key: string): Promise<ScheduleRun | null> {
    const schedule = this.#store.get(name);
    if (schedule === null) return null;
    const slot = this.#now();
    const run = { schedule, slot, key: `${schedule.id}:run:${key}` };
    const [answer = null] = await this.#ports.submit([run]);
    const record = this.#runOf(run, answer, "manual");
    if (record === null) throw unavailable();
    this.#store.transaction(() => {
      this.#store.addRun(record);
    });
    return record;
  }

  /**
   * Fires the slots of a past time that have not been fired.
   * @returns null: there is no such schedule
   * @throws LovageError `too_many_slots`
   */
  async backfill(name: string, from: number, until: number): Promise<ScheduleRun[] | null> {
    const schedule = this.#store.get(name);
    if (schedule === null) return null;
    const slots = slotsBetween(schedule.timing, from - 1, until, MAX_BACKFILL + 1);
    if (slots.length > MAX_BACKFILL) {
      const message = `There are more than ${MAX_BACKFILL} slots in that time.`;
      throw new LovageError("too_many_slots", message, { field: "until" });
    }
    const runs = slots.map((slot) => ({ schedule, slot, key: slotKey(schedule, slot) }));
    const answers = runs.length === 0 ? [] : await this.#ports.submit(runs);
    const records = runs.map((run, index) => this.#runOf(run, answers[index] ?? null, "backfill"));
    const known = records.filter((record) => record !== null);
    this.#store.transaction(() => {
      for (const record of known) this.#store.addRun(record);
    });
    // What was submitted is known by its slot: the same request again does the rest.
    if (known.length < records.length) throw unavailable();
    return known;
  }

  /**
   * Brings what the code declares up to date. What an admin changed stays as it is; what the code declares
   * no more is retired: it keeps its history and fires no more.
   * @param idOf the id of a schedule that is declared
   */
  declare(declared: readonly DeclaredSchedule[], idOf: (name: string) => string): void {
    this.#store.transaction(() => {
      for (const { name, settings } of declared) {
        const now = this.#now();
        const known = this.#store.get(name);
        const next =
          known === null
            ? newSchedule({ name, id: idOf(name), settings, origin: "code", now })
            : declaredAnew(known, settings, now);
        if (next !== known) this.#store.put(next);
      }
      const names = new Set(declared.map(({ name }) => name));
      let page = this.#store.page("", MAX_DUE);
      while (page.length > 0) {
        for (const schedule of page) {
          if (schedule.origin !== "code" || names.has(schedule.name)) continue;
          this.#store.put({ ...schedule, origin: "retired", enabled: false, nextAt: null });
        }
        page = this.#store.page(page.at(-1)?.name ?? "", MAX_DUE);
      }
    });
  }

  async #isBusy(taskId: string): Promise<boolean> {
    try {
      return await this.#ports.isUnfinished(taskId);
    } catch (error) {
      // Not known: two at once would be worse than one later.
      this.#ports.log("overlap_unknown", { task_id: taskId, error });
      return true;
    }
  }

  #record(
    { schedule, due, runs, skipped, queued }: TickPlan,
    answerOf: ReadonlyMap<PlannedRun, RunAnswer>,
    now: number,
  ): boolean {
    // Changed or removed while its slots were submitted: what it says now counts from here on.
    const current = this.#store.get(schedule.name);
    if (current?.id !== schedule.id) return true;
    if (runs.some((run) => answerOf.get(run) === null)) return false;
    let next = current;
    for (const run of runs) {
      const answer = answerOf.get(run) ?? null;
      const record = this.#runOf(run, answer, "slot");
      if (record === null || !this.#store.addRun(record)) continue;
      next = { ...next, totalRunCount: next.totalRunCount + 1, lastRunAt: now };
      if (record.task_id !== null) next = { ...next, lastTaskId: record.task_id };
      this.#store.trim(schedule.name, next.totalRunCount);
    }
    for (const slot of skipped) {
      const note = "the run before it was unfinished";
      this.#store.addRun({
        schedule: schedule.name,
        slot,
        kind: "slot",
        fired_at: now,
        task_id: null,
        note,
      });
    }
    const isSame = current.updatedAt === schedule.updatedAt;
    const lastSlot = Math.max(next.lastSlot, due.lastSlot);
    const nextAt = isSame ? due.nextAt : followingSlot({ ...next, lastSlot });
    const isOver = next.oneOff && runs.length > 0;
    const look = queued === null ? null : now + QUEUED_LOOK_MS;
    this.#store.put({
      ...next,
      lastSlot,
      queuedSlot: queued,
      ...(isOver && { enabled: false }),
      nextAt: isOver ? null : earliest(nextAt, look),
    });
    return true;
  }

  #runOf(run: PlannedRun, answer: RunAnswer, kind: ScheduleRun["kind"]): ScheduleRun | null {
    if (answer === null) return null;
    return {
      schedule: run.schedule.name,
      slot: run.slot,
      kind,
      fired_at: this.#now(),
      task_id: "taskId" in answer ? answer.taskId : null,
      note: "refused" in answer ? answer.refused : null,
    };
  }

  /** Never goes back. Epoch ms. */
  #now(): number {
    this.#lastNow = Math.max(this.#lastNow, this.#ports.clock.now());
    return this.#lastNow;
  }
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function unavailable(): LovageError {
  return new LovageError("ledger_unavailable", "The ledger can't be reached just now.", {
    retryable: true,
  });
}
