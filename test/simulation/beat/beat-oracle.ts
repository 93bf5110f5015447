import type { ScheduleSettings } from "#engine";
import type { PlannedRun } from "#platform/beat/tick-plan.ts";
import { Violation } from "../violation.ts";
import { allSlots, expectedRuns } from "./expected-slots.ts";

/** A slot may be fired so much after it while nothing is wrong. */
const PROMPT_MS = 1_000;

/** A schedule as it is, as far as anybody outside can know. */
interface Known {
  readonly id: string;
  settings: ScheduleSettings;
  /** Slots up to here are dealt with, epoch ms; and the newest of them. */
  dealtUntil: number;
  newestDealt: number;
  /** It was changed after the clock had gone back: slots up to here may count as past, or not. */
  vagueUntil: number;
  /** Rises with every change. */
  version: number;
  /** Tasks that its history must show. */
  readonly recorded: Map<number, string>;
}

interface Planned {
  readonly schedule: Known;
  readonly version: number;
  readonly now: number;
  readonly slots: readonly number[];
}

/**
 * Knows which slots a schedule has and what its policy makes of them, and looks at everything that Beat submits:
 * exactly what is due since it was last dealt with, nothing that is past, nothing twice.
 */
export class BeatOracle {
  readonly #schedules = new Map<string, Known>();
  /** The task of each slot that was ever made one, by schedule and slot. */
  readonly #taskOf = new Map<string, string>();
  #planned: Planned[] = [];
  tasks = 0;

  names(): string[] {
    return [...this.#schedules.keys()];
  }

  settingsOf(name: string): ScheduleSettings | undefined {
    return this.#schedules.get(name)?.settings;
  }

  made(name: string, id: string, settings: ScheduleSettings, now: number): void {
    this.#schedules.set(name, {
      ...{ id, settings, dealtUntil: now, newestDealt: now, vagueUntil: 0, version: 1 },
      recorded: new Map(),
    });
  }

  /** From now on it says something else: nothing of the past is made up for. */
  changed(name: string, settings: ScheduleSettings, now: number): void {
    const known = this.#schedules.get(name);
    if (known === undefined) return;
    if (now < known.dealtUntil) known.vagueUntil = Math.max(known.vagueUntil, known.dealtUntil);
    known.settings = settings;
    known.dealtUntil = Math.max(known.newestDealt, now);
    known.newestDealt = known.dealtUntil;
    known.version += 1;
  }

  removed(name: string): void {
    this.#schedules.delete(name);
  }

  /** Beat is about to submit these. @param isUnfinished whether the task of a slot has not ended yet */
  planned(
    runs: readonly PlannedRun[],
    now: number,
    isUnfinished: (taskId: string) => boolean,
  ): void {
    const byName = Map.groupBy(runs, ({ schedule }) => schedule.name);
    this.#planned = [];
    for (const [name, own] of byName) {
      const known = this.#schedules.get(name);
      if (known === undefined || known.id !== own[0]?.schedule.id) {
        throw new Violation(`${name} is fired, and is not there`);
      }
      const slots = own.map(({ slot }) => slot);
      if (known.settings.overlap === "allow") checkRuns(name, known, slots, now);
      else this.#checkOneAtATime(name, known, slots, now, isUnfinished);
      this.#planned.push({ schedule: known, version: known.version, now, slots });
    }
  }

  /** A run has come to the ledger. Returns whether it is a task that it did not have. */
  arrived({ schedule: { id, name }, slot, key }: PlannedRun, isNew: boolean): void {
    const place = `${id} ${slot}`;
    const task = this.#taskOf.get(place);
    if (task !== undefined && task !== key) {
      throw new Violation(`${name}: ${iso(slot)} was made a second task`);
    }
    this.#taskOf.set(place, key);
    if (isNew) this.tasks += 1;
  }

  /** The object died, or the submit failed: it will be planned again. */
  dropped(): void {
    this.#planned = [];
  }

  /** What was planned last has been recorded, as far as it was answered. @param taskOf null: no answer */
  recorded(taskOf: (scheduleId: string, slot: number) => string | null): void {
    for (const { schedule, version, now, slots } of this.#planned) {
      const tasks = slots.map((slot) => taskOf(schedule.id, slot));
      for (const [index, slot] of slots.entries()) {
        const task = tasks[index] ?? null;
        if (task !== null) schedule.recorded.set(slot, task);
      }
      if (schedule.version !== version || tasks.includes(null)) continue;
      schedule.dealtUntil = Math.max(schedule.dealtUntil, now);
      schedule.newestDealt = Math.max(schedule.newestDealt, ...slots);
      if (schedule.settings.oneOff) schedule.settings = { ...schedule.settings, enabled: false };
    }
    this.#planned = [];
  }

  /** All is well, and has been for a while: what came due since then has been fired. */
  checkPrompt(since: number, now: number): void {
    for (const [name, known] of this.#schedules) {
      const { settings, recorded, dealtUntil, vagueUntil } = known;
      const { timing, enabled, startTime, expires, overlap, oneOff } = settings;
      if (!enabled || overlap !== "allow" || oneOff) continue;
      const after = Math.max(since, vagueUntil, (startTime ?? 0) - 1);
      const until = Math.min(now - PROMPT_MS, expires ?? Infinity);
      const lost = allSlots(timing, after, until).find((slot) => !recorded.has(slot));
      if (lost !== undefined) {
        throw new Violation(`${name}: ${iso(lost)} was not fired (until ${iso(dealtUntil)})`);
      }
    }
  }

  /** Its history shows every task that was recorded. @param runs of a schedule, by slot */
  checkRecords(name: string, runs: ReadonlyMap<number, string>): void {
    const oldest = Math.min(...runs.keys());
    for (const [slot, task] of this.#schedules.get(name)?.recorded ?? []) {
      if (slot >= oldest && runs.get(slot) !== task) {
        throw new Violation(`${name}: ${iso(slot)} is not in its history`);
      }
    }
  }

  /** One after the other, each a slot that was not fired before, and none while the one before it runs. */
  #checkOneAtATime(
    name: string,
    known: Known,
    slots: readonly number[],
    now: number,
    isUnfinished: (taskId: string) => boolean,
  ): void {
    const [slot = 0] = slots;
    if (slots.length > 1) throw new Violation(`${name}: ${slots.length} runs at once`);
    const last = [...known.recorded].at(-1);
    if (last !== undefined && isUnfinished(last[1])) {
      throw new Violation(`${name}: ${iso(slot)} is fired while ${iso(last[0])} runs`);
    }
    if (slot > now) throw new Violation(`${name}: ${iso(slot)} is fired at ${iso(now)}`);
    if (known.recorded.has(slot)) throw new Violation(`${name}: ${iso(slot)} is fired again`);
    if (!allSlots(known.settings.timing, slot - 1, slot).includes(slot)) {
      throw new Violation(`${name}: ${iso(slot)} is no slot`);
    }
  }
}

function checkRuns(name: string, known: Known, slots: readonly number[], now: number): void {
  const { settings, dealtUntil, vagueUntil } = known;
  if (!settings.enabled) throw new Violation(`${name} is fired, and is disabled`);
  const isVague = now <= vagueUntil + 60_000 || dealtUntil < vagueUntil;
  const expected = isVague
    ? allSlots(settings.timing, dealtUntil, now).filter((slot) => slots.includes(slot))
    : expectedRuns(settings, dealtUntil, now);
  if (String(slots) === String(expected)) return;
  const times = (list: readonly number[]) => `[${list.map(iso).join()}]`;
  const { timing, missed } = settings;
  throw new Violation(
    `${name}: at ${iso(now)}, dealt with until ${iso(dealtUntil)}, it fires ${times(slots)} instead of ${times(expected)} (${JSON.stringify({ timing, missed, isVague })})`,
  );
}

function iso(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString().slice(0, 19) : String(time);
}
