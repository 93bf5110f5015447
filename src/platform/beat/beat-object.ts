import { DurableObject } from "cloudflare:workers";
import type { BeatMeter, DeclaredSchedule, ScheduleSettings } from "#engine";
import type { Env } from "../env.ts";
import { AgentRecord, type AgentHealth } from "../health/agent-record.ts";
import type { BeatHealth } from "../health/health.ts";
import { ObjectSql } from "../ledger/object-ports.ts";
import { log } from "../log.ts";
import { systemClock } from "../system.ts";
import { beatMeter } from "./beat-meter.ts";
import { BeatTimer } from "./beat-timer.ts";
import { countSchedules, ScheduleStore } from "./schedule-store.ts";
import { TaskBeat, type BeatPorts } from "./task-beat.ts";

/** Where it is stored how the last tick went: between slots an object may be gone for days. */
const TICKS = "ticks";

/**
 * The deployment's clock: one object whose alarm is the next slot of its schedules, and which sleeps until
 * then. The cron trigger calls `tick` too, and sets the alarm again should it ever be lost. Schedules travel
 * as JSON text.
 */
export abstract class BeatObject extends DurableObject<Env> {
  readonly #beat: TaskBeat;
  readonly #timer: BeatTimer;
  readonly #sql: ObjectSql;
  readonly #startedAt = Date.now();
  readonly #ticks = new AgentRecord();
  protected abstract declared(): readonly DeclaredSchedule[];
  protected abstract runsAndTasks(): Pick<BeatPorts, "submit" | "isUnfinished">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = new ObjectSql(ctx.storage);
    this.#beat = new TaskBeat({
      clock: systemClock,
      sql: this.#sql,
      submit: (runs) => this.runsAndTasks().submit(runs),
      isUnfinished: (taskId) => this.runsAndTasks().isUnfinished(taskId),
      log,
    });
    this.#timer = new BeatTimer({
      clock: systemClock,
      alarm: {
        get: () => ctx.storage.getAlarm(),
        set: (at) => ctx.storage.setAlarm(at),
        delete: () => ctx.storage.deleteAlarm(),
      },
      nextAt: () => this.#beat.nextAt,
      declare: () => this.#declare(),
      fire: () => this.#fire(),
    });
    void ctx.blockConcurrencyWhile(async () => {
      const stored = await ctx.storage.get<AgentHealth>(TICKS);
      if (stored !== undefined) this.#ticks.recall(stored);
    });
  }

  /** Brings the declared schedules up to date and starts the clock if it stands still. Safe at any time. */
  start(): Promise<void> {
    return this.#timer.start();
  }

  tick(): Promise<void> {
    return this.#timer.tick();
  }

  async health(): Promise<BeatHealth> {
    return {
      startedAt: this.#startedAt,
      alarmAt: await this.ctx.storage.getAlarm(),
      ticks: this.#ticks.health,
      nextSlotAt: this.#beat.nextAt,
      schedules: countSchedules(this.#sql),
      databaseBytes: this.ctx.storage.sql.databaseSize,
    };
  }

  /** See `BeatMeter`. */
  async meter(): Promise<BeatMeter> {
    return beatMeter(this.#sql, new ScheduleStore(this.#sql), Date.now());
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
    const isRemoved = this.#beat.remove(name);
    await this.#timer.arm();
    return isRemoved;
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

  override alarm(): Promise<void> {
    return this.#timer.rang();
  }

  async #changed(answer: unknown): Promise<string> {
    await this.#timer.arm();
    return JSON.stringify(answer);
  }

  #declare(): void {
    try {
      this.#beat.declare(this.declared(), (name) => `code:${name}`);
    } catch (error) {
      log("declare_failed", { error });
    }
  }

  /** Rows written: 1, besides those of the runs. */
  async #fire(): Promise<void> {
    try {
      await this.#beat.tick();
      this.#ticks.ran(Date.now());
      await this.ctx.storage.put(TICKS, this.#ticks.health);
    } catch (error) {
      this.#ticks.failed(Date.now(), error);
      log("beat_failed", { error });
    }
  }
}
