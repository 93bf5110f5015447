import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { log } from "../log.ts";

/** How often the watchdog looks around. */
const WATCHDOG_MS = 30_000;

/** Something the watchdog does at every tick; each is tried, whatever becomes of the others. */
export interface WatchdogDuty {
  readonly name: string;
  run(): Promise<void>;
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

  override async alarm(): Promise<void> {
    await this.#arm();
    await this.#runDuties();
  }

  async #arm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + WATCHDOG_MS);
  }

  async #runDuties(): Promise<void> {
    await Promise.all(
      this.duties().map(async (duty) => {
        try {
          await duty.run();
        } catch (error) {
          log("duty_failed", { duty: duty.name, error });
        }
      }),
    );
  }
}
