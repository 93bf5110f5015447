import type { World } from "../../../src/testing/world.ts";
import type { BeatFaults, FaultCount } from "./beat-faults.ts";

interface BeatAlarmParts {
  readonly world: World;
  readonly count: FaultCount;
  readonly clock: () => number;
  readonly faults: () => BeatFaults;
  readonly fire: () => void;
}

/**
 * The alarm of Beat's object: rings by its machine's clock, once, and is replaced by the next that is set. It may
 * come late or twice. Where the platform loses it, it is gone, or still answers its old time.
 */
export class BeatAlarm {
  /** Epoch ms; null: none is set. */
  at: number | null = null;
  readonly #parts: BeatAlarmParts;
  #cancel: () => void = () => undefined;

  constructor(parts: BeatAlarmParts) {
    this.#parts = parts;
  }

  set(at: number): Promise<void> {
    this.at = at;
    this.#plan();
    return Promise.resolve();
  }

  delete(): Promise<void> {
    this.at = null;
    this.#cancel();
    return Promise.resolve();
  }

  /** The clock that it goes by shows another time. */
  clockChanged(): void {
    if (this.at !== null) this.#plan();
  }

  #plan(): void {
    const { world, count, clock } = this.#parts;
    const faults = this.#parts.faults();
    this.#cancel();
    let delay = Math.max(0, (this.at ?? 0) - clock());
    if (world.chance(faults.alarmLate)) {
      count.add("alarmLate");
      delay += world.between(0, 75_000);
    }
    this.#cancel = world.after(delay, () => this.#ring());
  }

  #ring(): void {
    const { world, count, fire } = this.#parts;
    const faults = this.#parts.faults();
    if (world.chance(faults.alarmLost)) {
      count.add("alarmLost");
      if (world.chance(0.5)) this.at = null;
      return;
    }
    this.at = null;
    if (world.chance(faults.alarmDoubled)) {
      count.add("alarmDoubled");
      world.after(world.between(0, 1_000), fire);
    }
    fire();
  }
}
