import { DurableObject } from "cloudflare:workers";
import {
  changeControls,
  NO_CONTROLS,
  type ControlChange,
  type Controls,
  type DeclaredSchedule,
  type ScheduleSettings,
} from "#engine";
import type { Env } from "../env.ts";
import { ObjectSql } from "../ledger/object-ports.ts";
import { log } from "../log.ts";
import { systemClock } from "../system.ts";
import { TaskBeat, type BeatPorts } from "./task-beat.ts";

/** Where the controls are stored. */
const CONTROLS = "controls";
/** How often the watchdog looks around. */
const WATCHDOG_MS = 30_000;

/** Something the watchdog does at every tick; each is tried, whatever becomes of the others. */
export interface WatchdogDuty {
  readonly name: string;
  run(controls: Controls): Promise<void>;
}

/**
 * The deployment's clock: one object whose alarm fires what is scheduled and runs the watchdog's duties every
 * half minute, for ever. The cron trigger calls `tick` too, and sets the alarm again should it ever be lost.
 * Schedules travel as JSON text.
 */
export abstract class BeatObject extends DurableObject<Env> {
  readonly #beat: TaskBeat;
  /** When the duties are due again, epoch ms. */
  #dutiesAt = 0;

  protected abstract duties(): readonly WatchdogDuty[];
  protected abstract declared(): readonly DeclaredSchedule[];
  protected abstract runsAndTasks(): Pick<BeatPorts, "submit" | "isUnfinished">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#beat = new TaskBeat({
      clock: systemClock,
      sql: new ObjectSql(ctx.storage),
      submit: (runs) => this.runsAndTasks().submit(runs),
      isUnfinished: (taskId) => this.runsAndTasks().isUnfinished(taskId),
      log,
    });
  }

  /** Starts the clock if it stands still. Cheap and safe to call at any time. */
  async start(): Promise<void> {
    try {
      this.#beat.declare(this.declared(), (name) => `code:${name}`);
    } catch (error) {
      log("declare_failed", { error });
    }
    const alarm = await this.ctx.storage.getAlarm();
    // A time long past means that the alarm was lost on the way.
    if (alarm === null || alarm < Date.now() - 2 * WATCHDOG_MS) await this.#arm();
    else await this.#armNoLaterThan(alarm);
  }

  async tick(): Promise<void> {
    await this.start();
    await this.#work(true);
  }

  /** See `Controls`: here they are kept. */
  async controls(): Promise<Controls> {
    return (await this.ctx.storage.get<Controls>(CONTROLS)) ?? NO_CONTROLS;
  }

  /**
   * Changes the controls. Whoever asked for it tells the shards; those that don't hear of it get it with
   * the next tick.
   */
  async control(change: ControlChange): Promise<Controls> {
    const controls = changeControls(await this.controls(), change);
    await this.ctx.storage.put(CONTROLS, controls);
    return controls;
  }

  async schedules(after: string, limit: number): Promise<string> {
    return JSON.stringify(this.#beat.page(after, limit));
  }

  async schedule(name: string): Promise<string> {
    return JSON.stringify(this.#beat.get(name));
  }

  async createSchedule(name: string, settings: string): Promise<string> {
    const given = JSON.parse(settings) as ScheduleSettings;
    return this.#changed(this.#beat.create(name, crypto.randomUUID(), given));
  }

  async updateSchedule(name: string, settings: string, version: number): Promise<string> {
    const given = JSON.parse(settings) as ScheduleSettings;
    return this.#changed(this.#beat.update(name, given, version));
  }

  async removeSchedule(name: string): Promise<boolean> {
    return this.#beat.remove(name);
  }

  async runSchedule(name: string, key: string): Promise<string> {
    return JSON.stringify(await this.#beat.run(name, key));
  }

  async backfillSchedule(name: string, from: number, until: number): Promise<string> {
    return JSON.stringify(await this.#beat.backfill(name, from, until));
  }

  async scheduleRuns(name: string, limit: number): Promise<string> {
    return JSON.stringify(this.#beat.runs(name, limit));
  }

  /** Never throws: an alarm that threw seven times would be dropped for ever. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + WATCHDOG_MS);
    await this.#work(Date.now() >= this.#dutiesAt);
    await this.#arm();
  }

  async #changed(answer: unknown): Promise<string> {
    await this.#arm();
    return JSON.stringify(answer);
  }

  async #work(isWatchdog: boolean): Promise<void> {
    const jobs = [this.#fire()];
    if (isWatchdog) {
      this.#dutiesAt = Date.now() + WATCHDOG_MS;
      jobs.push(this.#runDuties());
    }
    await Promise.all(jobs);
  }

  async #fire(): Promise<void> {
    try {
      await this.#beat.tick();
    } catch (error) {
      log("beat_failed", { error });
    }
  }

  /** For the next slot, or the watchdog. */
  async #arm(): Promise<void> {
    const now = Date.now();
    if (this.#dutiesAt < now) this.#dutiesAt = now;
    const at = Math.min(this.#dutiesAt, this.#beat.nextAt ?? Infinity);
    await this.ctx.storage.setAlarm(Math.max(now, at));
  }

  async #armNoLaterThan(alarm: number): Promise<void> {
    const next = this.#beat.nextAt;
    if (next !== null && next < alarm) await this.ctx.storage.setAlarm(next);
  }

  async #runDuties(): Promise<void> {
    const controls = await this.controls();
    await Promise.all(
      this.duties().map(async (duty) => {
        try {
          await duty.run(controls);
        } catch (error) {
          log("duty_failed", { duty: duty.name, error });
        }
      }),
    );
  }
}
