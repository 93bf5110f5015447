import {
  callOfSlot,
  LovageError,
  slotsBetween,
  UnknownTaskError,
  type Schedule,
  type ScheduleRun,
  type ScheduleSettings,
} from "#engine";
import type * as z from "zod";
import type { Caller } from "../callers/access.ts";
import { conflict, invalid, notFound } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";
import { settingsOf, type changeSchema, type createSchema } from "./schedule-schema.ts";
import { argumentsOf } from "../tasks/signatures.ts";
import { checkCall } from "../tasks/task-calls.ts";

/** Of a change that others get in the way of. */
const MAX_TRIES = 5;

type DeskParts = Pick<ApiParts, "schedules" | "timezone" | "clock" | "lovageFor">;

/** What people and programs do with schedules, by the same rules. */
export class ScheduleDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** @throws Problem 404 */
  async found(name: string | undefined): Promise<Schedule> {
    const schedule = await this.#parts.schedules.get(name ?? "");
    if (schedule === null) throw notFound();
    return schedule;
  }

  /**
   * One whose calls the caller may make, too: whoever may steer schedules gets nothing run by them that they may
   * not call, nor keeps it from running.
   * @throws Problem 404, 403
   */
  async #steered(name: string | undefined, caller: Caller): Promise<Schedule> {
    const schedule = await this.found(name);
    checkCall(caller, callOfSlot(schedule, schedule.name, this.#parts.clock.now()));
    return schedule;
  }

  /**
   * What a schedule would say after a change, without writing it.
   * @param old null: it would be new
   * @throws Problem 422 naming the field
   */
  settings(given: z.output<typeof changeSchema>, old: Schedule | null): ScheduleSettings {
    const { clock, timezone } = this.#parts;
    const settings = settingsOf(given, old, { now: clock.now(), timezone });
    const { task, args, kwargs } = settings;
    return { ...settings, kwargs: argumentsOf(task, args, kwargs) };
  }

  /** @throws Problem 422, 403, 409 when the name is taken, or there are too many */
  async create(
    { name, ...given }: z.output<typeof createSchema>,
    caller: Caller,
  ): Promise<Schedule> {
    const settings = this.settings(given, null);
    await this.#check(name, settings, caller);
    const taken = conflict("exists", `There is a schedule '${name}'.`);
    // Asked first: an object that throws is an error in the platform's log. Somebody else may still come before.
    if ((await this.#parts.schedules.get(name)) !== null) throw taken;
    try {
      return await this.#parts.schedules.create(name, settings);
    } catch (error) {
      const code = error instanceof LovageError ? error.code : "";
      if (code === "exists") throw taken;
      if (code === "too_many_schedules") throw conflict(code, "There are too many schedules.");
      throw error;
    }
  }

  /**
   * Made again of what is there, if somebody else changes it at the same time.
   * @param given what is to change, by what there is
   * @throws Problem 404, 422, 403
   */
  async change(
    name: string | undefined,
    given: z.output<typeof changeSchema> | ((old: Schedule) => z.output<typeof changeSchema>),
    caller: Caller,
  ): Promise<Schedule> {
    for (let tried = 1; ; tried += 1) {
      const old = await this.#steered(name, caller);
      const settings = this.settings(typeof given === "function" ? given(old) : given, old);
      await this.#check(old.name, settings, caller);
      try {
        const changed = await this.#parts.schedules.update(old.name, settings, old.version);
        if (changed === null) throw notFound();
        return changed;
      } catch (error) {
        const isChanged = error instanceof LovageError && error.code === "changed_meanwhile";
        if (!isChanged || tried >= MAX_TRIES) throw error;
      }
    }
  }

  /** @throws Problem 404, 403, 409 for one that is declared in the code */
  async remove(name: string | undefined, caller: Caller): Promise<void> {
    const schedule = await this.#steered(name, caller);
    if (schedule.origin === "code") {
      throw conflict("declared_in_code", "It is declared in the code: disable it instead.");
    }
    await this.#parts.schedules.remove(schedule.name);
  }

  /** Once more, now. @param key the same is the same run @throws Problem 404, 403 */
  async run(name: string | undefined, key: string, caller: Caller): Promise<ScheduleRun> {
    const schedule = await this.#steered(name, caller);
    const run = await this.#parts.schedules.run(schedule.name, key);
    if (run === null) throw notFound();
    return run;
  }

  /** Fires the slots of a past time that were not fired. @throws Problem 404, 403, 422 */
  async backfill(
    name: string | undefined,
    { from, until }: { readonly from: Date; readonly until: Date },
    caller: Caller,
  ): Promise<ScheduleRun[]> {
    const [first, last] = [from.getTime(), until.getTime()];
    if (last < first || last > this.#parts.clock.now()) {
      throw invalid([{ field: "until", message: "Must be after from, and past." }]);
    }
    const schedule = await this.#steered(name, caller);
    try {
      const runs = await this.#parts.schedules.backfill(schedule.name, first, last);
      if (runs === null) throw notFound();
      return runs;
    } catch (error) {
      const isRefused = error instanceof LovageError && error.code.startsWith("too_");
      if (!isRefused) throw error;
      throw invalid([{ field: error.field ?? "from", message: error.message }]);
    }
  }

  /** Its next slots, as they would come if it were enabled, and the zone that it goes by. */
  next(
    { timing, startTime, expires }: Pick<ScheduleSettings, "timing" | "startTime" | "expires">,
    count: number,
  ): { readonly timezone: string; readonly next: { at: number; local: string }[] } {
    const after = Math.max(this.#parts.clock.now(), (startTime ?? 0) - 1);
    const slots = slotsBetween(timing, after, expires ?? Infinity, count);
    const timezone = timing.kind === "crontab" ? timing.timezone : "UTC";
    const local = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      dateStyle: "full",
      timeStyle: "long",
    });
    return { timezone, next: slots.map((at) => ({ at, local: local.format(at) })) };
  }

  /** A schedule whose calls can't be made is refused when it is written, not when it fires. */
  async #check(name: string, settings: ScheduleSettings, caller: Caller): Promise<void> {
    try {
      const call = callOfSlot(settings, name, this.#parts.clock.now());
      checkCall(caller, call);
      await this.#parts.lovageFor(caller.owner).prepare([call]);
    } catch (error) {
      if (!(error instanceof UnknownTaskError)) throw error;
      throw invalid([{ field: "task", message: error.message }]);
    }
  }
}
