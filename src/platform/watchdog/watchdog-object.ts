import { DurableObject } from "cloudflare:workers";
import { changeControls, NO_CONTROLS, type ControlChange, type Controls } from "#engine";
import type { Env } from "../env.ts";
import { AgentRecord, type AgentHealth } from "../health/agent-record.ts";
import { CRON_STORE_MS, type WatchdogHealth } from "../health/health.ts";
import { log } from "../log.ts";
import { systemClock, systemTimers } from "../system.ts";
import { DutyRounds, type DutyMemory, type WatchdogDuty } from "./duty-rounds.ts";

/** Where the controls are stored. */
const CONTROLS = "controls";
/** Where it is stored when the cron trigger came, now and then. */
const CRON_SEEN = "cron-seen";
/** Where it is stored when this deployment's watchdog first did its round. */
const SINCE = "since";
/** Where it is stored how the rounds and their duties went: an idle object is gone long before the next one. */
const HEALTH = "health";
/** How often the watchdog looks around. */
const ROUND_MS = 30_000;

interface StoredHealth {
  readonly rounds: AgentHealth;
  readonly duties: Readonly<Record<string, AgentHealth>>;
}

/**
 * The deployment's watchdog: one object whose alarm does its duties every half minute, for ever, and which
 * keeps the operators' settings that it brings to the shards. The cron trigger calls `round` too, and so
 * sets the alarm again should it ever be lost.
 */
export abstract class WatchdogObject extends DurableObject<Env> {
  readonly #startedAt = Date.now();
  readonly #rounds = new AgentRecord();
  readonly #duties = new DutyRounds({ clock: systemClock, timers: systemTimers, log });
  #cronAt: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      const stored = await ctx.storage.get<StoredHealth>(HEALTH);
      if (stored === undefined) return;
      this.#rounds.recall(stored.rounds);
      this.#duties.recall(stored.duties);
    });
  }

  protected abstract duties(): readonly WatchdogDuty[];

  /** Sets the alarm if there is none. Cheap and safe to call at any time. */
  async start(): Promise<void> {
    const alarm = await this.ctx.storage.getAlarm();
    const now = Date.now();
    // A time long past means that the alarm was lost on the way.
    if (alarm === null || alarm < now - 2 * ROUND_MS) await this.ctx.storage.setAlarm(now);
  }

  /** The cron trigger's call. Rows written: 1 in CRON_STORE_MS, besides what the duties write. */
  async round(): Promise<void> {
    await this.#sawCron();
    await this.start();
    await this.#work();
  }

  async health(): Promise<WatchdogHealth> {
    const stored = await this.ctx.storage.get<number>(CRON_SEEN);
    return {
      startedAt: this.#startedAt,
      since: (await this.ctx.storage.get<number>(SINCE)) ?? this.#startedAt,
      alarmAt: await this.ctx.storage.getAlarm(),
      cronAt: this.#cronAt ?? stored ?? null,
      isCronStored: this.#cronAt === null && stored !== undefined,
      rounds: this.#rounds.health,
      duties: this.duties().map(({ name, does }) => ({
        ...{ name, does },
        ...this.#duties.healthOf(name),
      })),
    };
  }

  #healthNow(): StoredHealth {
    const duties = this.duties().map(({ name }): [string, AgentHealth] => [
      name,
      this.#duties.healthOf(name),
    ]);
    return { rounds: this.#rounds.health, duties: Object.fromEntries(duties) };
  }

  /** See `Controls`: here they are kept. */
  async controls(): Promise<Controls> {
    return (await this.ctx.storage.get<Controls>(CONTROLS)) ?? NO_CONTROLS;
  }

  /**
   * Changes the controls. Whoever asked for it tells the shards; those that don't hear of it get it with
   * the next round.
   */
  async control(change: ControlChange): Promise<Controls> {
    const controls = changeControls(await this.controls(), change);
    await this.ctx.storage.put(CONTROLS, controls);
    return controls;
  }

  /**
   * Never throws: an alarm that threw seven times would be dropped for ever. Rows written: 2 (the alarm, and how
   * it went), besides what the duties write.
   */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + ROUND_MS);
    try {
      await this.#work();
      this.#rounds.ran(Date.now());
      await this.ctx.storage.put(HEALTH, this.#healthNow());
    } catch (error) {
      this.#rounds.failed(Date.now(), error);
      log("round_failed", { error });
    }
  }

  /** Rows written: 1 in the first round of all, besides what the duties write. */
  async #work(): Promise<void> {
    const { storage } = this.ctx;
    if ((await storage.get<number>(SINCE)) === undefined) await storage.put(SINCE, Date.now());
    await this.#duties.run(this.duties(), await this.controls(), (duty) => this.#memoryOf(duty));
  }

  #memoryOf(duty: string): DutyMemory {
    const { storage } = this.ctx;
    const key = `duty ${duty}`;
    return { read: () => storage.get(key), write: (value) => storage.put(key, value) };
  }

  async #sawCron(): Promise<void> {
    this.#cronAt = Date.now();
    const stored = (await this.ctx.storage.get<number>(CRON_SEEN)) ?? 0;
    if (this.#cronAt - stored >= CRON_STORE_MS) await this.ctx.storage.put(CRON_SEEN, this.#cronAt);
  }
}
