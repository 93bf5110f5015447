import {
  LovageError,
  type Clock,
  type DeclaredSchedule,
  type Schedule,
  type ScheduleRun,
  type ScheduleSettings,
} from "#engine";
import type { SqlPort } from "../ledger/ports.ts";
import { backfillSlots } from "./backfill.ts";
import {
  afterTick,
  asDeclared,
  changedSchedule,
  isSameOneOff,
  newSchedule,
  over,
  retired,
  says,
} from "./schedule-changes.ts";
import { KEPT_RUNS, ScheduleStore } from "./schedule-store.ts";
import { isSame, NOT_RUN, runOf, skippedRun, unavailable, type RunAnswer } from "./run-records.ts";
import {
  FIRST_RETRY_MS,
  oldestSlot,
  planTick,
  retryAt,
  runKey,
  slotKey,
  type PlannedRun,
  type TickPlan,
} from "./tick-plan.ts";

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

/** Schedules that are planned, submitted and recorded together, and runs (one schedule may be more). */
const SLICE = 200;
const SLICE_RUNS = 1_000;
/** After that a tick ends; the alarm comes again at once. */
const MAX_TICK_MS = 10_000;
/** A schedule that can't be read is looked at again after this. */
const BROKEN_LOOK_MS = 3_600_000;

/**
 * The schedules of a deployment. A slot is submitted first and recorded then: its task's id belongs to the
 * schedule and the slot, so that a tick that is repeated makes no second task.
 */
export class TaskBeat {
  readonly #ports: BeatPorts;
  readonly #store: ScheduleStore;
  /** Not before this is a tick repeated that failed. */
  #againAt: number | null = null;
  #ticking: Promise<void> | null = null;
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

  /** Fires all slots that are due. Safe to call at any time: one at a time works, others wait for it. */
  async tick(): Promise<void> {
    while (this.#ticking !== null) await this.#ticking.catch(() => undefined);
    this.#ticking = this.#fireDue();
    try {
      await this.#ticking;
    } finally {
      this.#ticking = null;
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

  /** @throws LovageError `exists`, `too_many_schedules` */
  create(name: string, id: string, settings: ScheduleSettings): Schedule {
    if (this.#store.get(name) !== null) {
      throw new LovageError("exists", `There is a schedule '${name}'.`, { field: "name" });
    }
    this.#store.checkRoom();
    const schedule = newSchedule({ name, id, settings, origin: "admin", now: this.#now() });
    this.#store.put(schedule);
    return schedule;
  }

  /** See `ScheduleBook.update`. */
  update(name: string, settings: ScheduleSettings, version: number): Schedule | null {
    const old = this.#store.get(name);
    if (old === null) return null;
    if (old.version !== version) {
      throw new LovageError("changed_meanwhile", `'${name}' was changed meanwhile.`, {
        retryable: true,
      });
    }
    // What is due, and what waits, is not to be lost by that.
    if (says(old, settings)) return old;
    const changed = changedSchedule(old, settings, this.#now());
    this.#store.put(changed);
    return changed;
  }

  remove(name: string): boolean {
    const isThere = this.#store.get(name) !== null;
    if (isThere) this.#store.transaction(() => this.#store.remove(name));
    return isThere;
  }

  /** See `ScheduleBook.run`. */
  async run(name: string, key: string): Promise<ScheduleRun | null> {
    const schedule = this.#store.get(name);
    if (schedule === null) return null;
    const run = { schedule, slot: this.#now(), key: runKey(schedule, key) };
    const [answer = null] = await this.#ports.submit([run]);
    if (answer === null) throw unavailable();
    const { task_id: id, ...given } = runOf(run, answer, this.#now(), "manual");
    const known = id === null ? null : this.#store.manualRun(name, id);
    if (known !== null) return known;
    const record = { ...given, task_id: id, slot: this.#store.freeManualSlot(name, run.slot) };
    this.#store.transaction(() => this.#keep(schedule, [record]));
    return record;
  }

  /** See `ScheduleBook.backfill`. */
  async backfill(name: string, from: number, until: number): Promise<ScheduleRun[] | null> {
    const schedule = this.#store.get(name);
    if (schedule === null) return null;
    const slots = backfillSlots(schedule, from, until, this.#store.firedSlots(name, from, until));
    const runs = slots.map((slot) => ({ schedule, slot, key: slotKey(schedule, slot) }));
    const answers = runs.length === 0 ? [] : await this.#ports.submit(runs);
    const records = runs.flatMap((run, index) => {
      const answer = answers[index] ?? null;
      return answer === null ? [] : runOf(run, answer, this.#now(), "backfill");
    });
    this.#store.transaction(() => this.#keep(schedule, records));
    // What was submitted is known by its slot: the same request again does the rest.
    if (records.length < runs.length) throw unavailable();
    return records;
  }

  /**
   * Brings what the code declares up to date. What an admin changed or made stays as it is, as does one whose timing
   * can't be; what the code declares no more is retired. `idOf`: the id of one that is declared.
   */
  declare(declared: readonly DeclaredSchedule[], idOf: (name: string) => string): void {
    const now = this.#now();
    this.#store.transaction(() => {
      for (const one of declared) {
        const known = this.#store.get(one.name);
        try {
          const next = asDeclared(known, one, idOf(one.name), now);
          if (next !== known) this.#store.put(next);
        } catch (error) {
          this.#ports.log("schedule_broken", { schedule: one.name, error });
        }
      }
      const names = new Set(declared.map(({ name }) => name));
      let page = this.#store.page("", SLICE);
      while (page.length > 0) {
        for (const schedule of page) {
          if (schedule.origin !== "code" || names.has(schedule.name)) continue;
          this.#store.put(retired(schedule, now));
        }
        page = this.#store.page(page.at(-1)?.name ?? "", SLICE);
      }
    });
  }

  /** Slice by slice: what one has recorded no failure of another takes back. */
  async #fireDue(): Promise<void> {
    const begunAt = this.#now();
    // Should it fail: not at once again.
    this.#againAt = begunAt + FIRST_RETRY_MS;
    for (let now = begunAt; now - begunAt < MAX_TICK_MS; now = this.#now()) {
      const due = this.#store.due(now, SLICE);
      if (due.length === 0) break;
      const all = await Promise.all(due.map((schedule) => this.#planOf(schedule, now)));
      let count = 0;
      const plans = all.flatMap((plan) => {
        if (plan === null || count >= SLICE_RUNS) return [];
        count += plan.runs.length;
        return plan;
      });
      await this.#carryOut(plans, now);
    }
    this.#againAt = null;
  }

  async #carryOut(plans: readonly TickPlan[], now: number): Promise<void> {
    const runs = plans.flatMap(({ runs: own }) => own);
    const answers = runs.length === 0 ? [] : await this.#ports.submit(runs);
    const answerOf = new Map(runs.map((run, index) => [run, answers[index] ?? null]));
    this.#store.transaction(() => {
      for (const plan of plans) this.#record(plan, answerOf, now);
    });
  }

  /** One that can't be planned, or not now, keeps no other back: it is looked at again later. */
  async #planOf(schedule: Schedule, now: number): Promise<TickPlan | null> {
    try {
      const plan = await planTick(schedule, now, this.#ports);
      // Two runs at once would be worse than one later, and so would be none.
      if (plan === null) this.#lookAgain(schedule, retryAt(oldestSlot(schedule) ?? now, now));
      return plan;
    } catch (error) {
      // Its zone is gone.
      this.#ports.log("schedule_broken", { schedule: schedule.name, error });
      this.#lookAgain(schedule, now + BROKEN_LOOK_MS);
      return null;
    }
  }

  /** Unless it was changed meanwhile. */
  #lookAgain(schedule: Schedule, at: number): void {
    const current = this.#store.get(schedule.name);
    if (isSame(current, schedule)) this.#store.put({ ...current, nextAt: at });
  }

  #record(
    { schedule, due, runs, skipped, queued }: TickPlan,
    answerOf: ReadonlyMap<PlannedRun, RunAnswer>,
    now: number,
  ): void {
    const records = runs.flatMap((run) => {
      const answer = answerOf.get(run) ?? null;
      return answer === null ? [] : runOf(run, answer, this.#now(), "slot");
    });
    const isAnswered = records.length === runs.length;
    const left = isAnswered ? skipped.map((slot) => skippedRun(schedule, slot, now)) : [];
    const kept = this.#withRuns(schedule, [...records, ...left]);
    if (kept === null) return;
    // Changed meanwhile: what it says now counts, from then on.
    if (!isSame(kept, schedule)) {
      this.#store.put(records.length > 0 && isSameOneOff(kept, schedule) ? over(kept) : kept);
      return;
    }
    if (!isAnswered) {
      const askedSlot = kept.overlap === "allow" ? null : (runs[0]?.slot ?? null);
      this.#store.put({ ...kept, askedSlot, nextAt: retryAt(runs[0]?.slot ?? now, now) });
      return;
    }
    const dealtWith = { ...kept, lastSlot: due.lastSlot, queuedSlot: queued, askedSlot: null };
    this.#store.put(afterTick(dealtWith, records.length > 0, now));
  }

  #keep(schedule: Schedule, records: readonly ScheduleRun[]): void {
    const kept = this.#withRuns(schedule, records);
    if (kept !== null) this.#store.put(kept);
  }

  /** Keeps runs, those that are new. Returns their schedule as it is to be kept then; null: it is another, or none. */
  #withRuns(schedule: Schedule, records: readonly ScheduleRun[]): Schedule | null {
    const current = this.#store.get(schedule.name);
    if (current?.id !== schedule.id) return null;
    const { added, more } = this.#store.addRuns(records);
    if (added.length === 0) return current;
    const own = added.filter(({ kind, task_id: id }) => kind === "slot" && id !== null);
    const fired = added.filter(({ kind, note }) => kind === "slot" && note !== NOT_RUN);
    const next = {
      ...current,
      keptRuns: current.keptRuns + more,
      totalRunCount: current.totalRunCount + own.length,
      lastRunAt: fired.at(-1)?.fired_at ?? current.lastRunAt,
      lastTaskId: own.at(-1)?.task_id ?? current.lastTaskId,
    };
    if (next.keptRuns <= 2 * KEPT_RUNS) return next;
    const forgotten = this.#store.trim(schedule.name);
    const until = Math.max(forgotten ?? 0, current.forgottenUntil ?? 0);
    return { ...next, keptRuns: KEPT_RUNS, forgottenUntil: until };
  }

  /** Never goes back. Epoch ms. */
  #now(): number {
    this.#lastNow = Math.max(this.#lastNow, this.#ports.clock.now());
    return this.#lastNow;
  }
}
