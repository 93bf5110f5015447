import { LATEST_ALARM } from "#platform/idle.ts";
import type { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import { Violation } from "./violation.ts";
import type { World } from "../../src/testing/world.ts";

type AlarmFaults = Pick<Faults, "alarmLate" | "alarmDropped" | "alarmDoubled" | "clockJumps">;

/** The ledger takes an alarm for lost that is overdue by this (wakeups.ts). */
const GRACE_MS = 5_000;

/**
 * The one alarm of a Durable Object: outlives it, fires by the clock of its machine, is replaced by the
 * next that is set. May come late, twice, or (which the platform promises not to do) not at all.
 */
export class SimAlarm {
  readonly #world: World;
  readonly #clock: () => number;
  readonly #fire: () => void;
  readonly #chaos: Chaos<AlarmFaults>;
  /** Epoch ms; null: none is set. */
  #at: number | null = null;
  #cancel: () => void = () => undefined;
  /** It was lost, or its handler failed: what the ledger believes of it is wrong until the next tick. */
  #isLost = false;
  readonly #isUnreliable: boolean;

  constructor(world: World, clock: () => number, chaos: Chaos<AlarmFaults>, fire: () => void) {
    this.#world = world;
    this.#clock = clock;
    this.#chaos = chaos;
    const { alarmLate, alarmDropped, clockJumps } = chaos.faults;
    this.#isUnreliable = alarmLate + alarmDropped + clockJumps > 0;
    this.#fire = fire;
  }

  get at(): number | null {
    return this.#at;
  }

  set(at: number): void {
    if (!(at <= LATEST_ALARM)) throw new Violation(`no alarm can be set for ${at}`);
    this.#at = at;
    this.#plan(this.#chaos.strikes("alarmLate") ? this.#world.between(0, 75_000) : 0);
  }

  /** The handler failed, or its object died. */
  retry(ms: number): void {
    this.#isLost = true;
    this.set(this.#clock() + ms);
  }

  /** The ledger could not set it, or was told so. */
  refused(): void {
    this.#isLost = true;
  }

  /** The handler came to its end. */
  ticked(): void {
    this.#isLost = false;
  }

  clockChanged(): void {
    if (this.#at !== null) this.#plan(0);
  }

  /**
   * While there is work an alarm is set, and not later than it is needed; where alarms come late, not later
   * than the ledger takes them for lost.
   * @param needed when it is, epoch ms; Infinity: never
   */
  check(needed: number, now: number): void {
    if (this.#isLost || needed === Infinity) return;
    const latest = this.#isUnreliable ? Math.max(needed, now + GRACE_MS) : needed;
    if (this.#at !== null && this.#at <= latest) return;
    throw new Violation(`the alarm is set to ${this.#at}, but needed at ${needed} (it is ${now})`);
  }

  #plan(late: number): void {
    this.#cancel();
    const delay = Math.max(0, (this.#at ?? 0) - this.#clock()) + late;
    this.#cancel = this.#world.after(delay, () => {
      this.#at = null;
      if (this.#chaos.strikes("alarmDropped")) {
        this.#isLost = true;
        this.#world.note("an alarm is dropped");
        return;
      }
      if (this.#chaos.strikes("alarmDoubled")) {
        this.#world.after(this.#world.between(0, 1_000), this.#fire);
      }
      this.#fire();
    });
  }
}
