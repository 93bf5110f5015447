import { DurableObject } from "cloudflare:workers";
import { changeControls, NO_CONTROLS, type ControlChange, type Controls } from "#engine";
import type { Env } from "../env.ts";
import { AgentRecord } from "../health/agent-record.ts";
import { CRON_STORE_MS, type WatchdogHealth } from "../health/health.ts";
import { log } from "../log.ts";

/** Where the controls are stored. */
const CONTROLS = "controls";
/** Where it is stored when the cron trigger came, now and then. */
const CRON_SEEN = "cron-seen";
/** How often the watchdog looks around. */
const ROUND_MS = 30_000;

/** Something the watchdog does on every round; each is tried, whatever becomes of the others. */
export interface WatchdogDuty {
  readonly name: string;
  /** What it does, for people. */
  readonly does: string;
  run(controls: Controls): Promise<void>;
}

/**
 * The deployment's watchdog: one object whose alarm does its duties every half minute, for ever, and which
 * keeps the operators' settings that it brings to the shards. The cron trigger calls `round` too, and so
 * sets the alarm again should it ever be lost.
 */
export abstract class WatchdogObject extends DurableObject<Env> {
  readonly #startedAt = Date.now();
  readonly #rounds = new AgentRecord();
  readonly #duties = new Map<string, AgentRecord>();
  #cronAt: number | null = null;

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
      alarmAt: await this.ctx.storage.getAlarm(),
      cronAt: this.#cronAt ?? stored ?? null,
      isCronStored: this.#cronAt === null && stored !== undefined,
      rounds: this.#rounds.health,
      duties: this.duties().map(({ name, does }) => ({
        ...{ name, does },
        ...this.#recordOf(name).health,
      })),
    };
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

  /** Never throws: an alarm that threw seven times would be dropped for ever. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + ROUND_MS);
    await this.#work();
    this.#rounds.ran(Date.now());
  }

  async #work(): Promise<void> {
    const controls = await this.controls();
    await Promise.all(
      this.duties().map(async (duty) => {
        try {
          await duty.run(controls);
          this.#recordOf(duty.name).ran(Date.now());
        } catch (error) {
          this.#recordOf(duty.name).failed(Date.now(), error);
          log("duty_failed", { duty: duty.name, error });
        }
      }),
    );
  }

  #recordOf(duty: string): AgentRecord {
    let record = this.#duties.get(duty);
    if (record === undefined) this.#duties.set(duty, (record = new AgentRecord()));
    return record;
  }

  async #sawCron(): Promise<void> {
    this.#cronAt = Date.now();
    const stored = (await this.ctx.storage.get<number>(CRON_SEEN)) ?? 0;
    if (this.#cronAt - stored >= CRON_STORE_MS) await this.ctx.storage.put(CRON_SEEN, this.#cronAt);
  }
}
