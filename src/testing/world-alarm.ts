import { LATEST_ALARM } from "#platform/idle.ts";
import type { AlarmPort } from "#platform/ledger/ports.ts";
import type { World } from "./world.ts";

/** The one alarm of a simulated object: goes off in time, once, and outlives the ledger that set it. */
export class WorldAlarm implements AlarmPort {
  readonly #world: World;
  readonly #wentOff: () => void;
  /** How often it was set: a row each. */
  sets = 0;
  #at: number | null = null;
  #cancel: () => void = () => undefined;

  constructor(world: World, wentOff: () => void) {
    this.#world = world;
    this.#wentOff = wentOff;
  }

  get at(): number | null {
    return this.#at;
  }

  set(at: number): void {
    if (!(at <= LATEST_ALARM)) throw new RangeError(`No alarm can be set for ${at}.`);
    this.sets += 1;
    this.#at = at;
    this.#cancel();
    this.#cancel = this.#world.after(Math.max(0, at - this.#world.now()), () => {
      this.#at = null;
      this.#wentOff();
    });
  }
}
