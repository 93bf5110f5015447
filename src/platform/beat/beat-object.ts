import { DurableObject } from "cloudflare:workers";
import { changeControls, NO_CONTROLS, type ControlChange, type Controls } from "#engine";
import type { Env } from "../env.ts";
import { log } from "../log.ts";

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
 * The deployment's clock: one object whose alarm runs the watchdog's duties every half minute, for ever.
 * The cron trigger calls `tick` too, and sets the alarm again should it ever be lost.
 */
export abstract class BeatObject extends DurableObject<Env> {
  protected abstract duties(): readonly WatchdogDuty[];

  /** Starts the clock if it stands still. Cheap and safe to call at any time. */
  async start(): Promise<void> {
    const alarm = await this.ctx.storage.getAlarm();
    // A time long past means that the alarm was lost on the way.
    if (alarm === null || alarm < Date.now() - 2 * WATCHDOG_MS) await this.#arm();
  }

  async tick(): Promise<void> {
    await this.start();
    await this.#runDuties();
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

  override async alarm(): Promise<void> {
    await this.#arm();
    await this.#runDuties();
  }

  async #arm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + WATCHDOG_MS);
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
