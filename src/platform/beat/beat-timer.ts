import type { Clock } from "#engine";
import { LATEST_ALARM } from "../idle.ts";

/** An alarm that is so much too late was lost; a tick that dies is made again after so long. */
const LOST_AFTER_MS = 60_000;
const AGAIN_MS = 30_000;

/** What the timer needs from its object. */
export interface BeatTimerPorts {
  readonly clock: Clock;
  /** The object's one alarm: outlives it. Epoch ms; null: none is set. */
  readonly alarm: {
    get(): Promise<number | null>;
    set(at: number): Promise<void>;
    delete(): Promise<void>;
  };
  /** When there is something to do again, epoch ms; null: never. */
  readonly nextAt: () => number | null;
  /** Brings the declared schedules up to date. Never throws. */
  readonly declare: () => void;
  /** Fires what is due. Never rejects. */
  readonly fire: () => Promise<void>;
}

/**
 * Keeps the alarm of Beat's object at the next slot, so that it sleeps until then. Whatever dies, the alarm or a
 * tick, is made up for: by the alarm that is set before the work, by the cron trigger (`tick`), or by the first
 * request that comes (`start`).
 */
export class BeatTimer {
  readonly #ports: BeatTimerPorts;

  constructor(ports: BeatTimerPorts) {
    this.#ports = ports;
  }

  /** Starts the clock if it stands still. Safe at any time. */
  async start(): Promise<void> {
    const { alarm, clock, declare, nextAt } = this.#ports;
    declare();
    const next = nextAt();
    const at = await alarm.get();
    // One that is being tried again, or that nobody will try, still answers its old time.
    const isLost = at === null || at < clock.now() - LOST_AFTER_MS;
    if (isLost || (next !== null && next < at)) await this.arm();
  }

  /** The cron trigger's call. */
  async tick(): Promise<void> {
    await this.start();
    await this.#ports.fire();
    await this.arm();
  }

  /** The alarm goes off. Never rejects: an alarm that threw seven times would be dropped for ever. */
  async rang(): Promise<void> {
    const { alarm, clock, fire } = this.#ports;
    await alarm.set(clock.now() + AGAIN_MS);
    await fire();
    await this.arm();
  }

  /** For the next slot; without one it sleeps until something changes. */
  async arm(): Promise<void> {
    const { alarm, clock, nextAt } = this.#ports;
    const next = nextAt();
    if (next === null) await alarm.delete();
    else await alarm.set(Math.max(clock.now(), Math.min(next, LATEST_ALARM)));
  }
}
