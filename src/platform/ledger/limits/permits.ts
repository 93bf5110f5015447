import { hasPlaces, latenessOf, partsOfGate, type TaskLimits } from "#engine";
import type { Grant, Holding } from "../../limiter/protocol.ts";

/** Stands for calls without a key. */
const NO_KEY = "";

/** What this ledger may start of the tasks of one name. */
interface NamePermits {
  /** Granted start times by key, epoch ms, in order. */
  readonly slots: Map<string, number[]>;
  /** Tasks that may run at once by key, those that do included. */
  readonly places: Map<string, number>;
  /** From then on free places are not used again but given back, epoch ms. */
  turnEndsAt: number;
}

/** Tells which tasks of a gate run: see LeaseBook. */
type RunningAt = (gate: string) => ReadonlySet<string>;

/**
 * The leave to start limited tasks that the limiters granted to this ledger. In memory only: after a
 * restart the ledger has none but the places of the tasks that run, which it gives back, and asks again.
 */
export class Permits {
  readonly #names = new Map<string, NamePermits>();

  /** True: nothing was granted and nothing is held, as in every ledger without limited tasks. */
  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** How many tasks of a limited gate may start now. */
  available(gate: string, limits: TaskLimits, runningAt: RunningAt, now: number): number {
    return Math.min(
      this.#freePlaces(gate, limits, runningAt, now),
      this.#slotsOf(gate, limits, now)?.filter((at) => at <= now).length ?? Infinity,
    );
  }

  /** When the next task of a gate may start if not now, epoch ms; null: not known, or no place is free. */
  nextSlot(gate: string, limits: TaskLimits, runningAt: RunningAt, now: number): number | null {
    if (this.#freePlaces(gate, limits, runningAt, now) <= 0) return null;
    return this.#slotsOf(gate, limits, now)?.find((at) => at > now) ?? null;
  }

  /** Starts of a gate that are granted for now or soon; Infinity where no rate holds. */
  starts(gate: string, limits: TaskLimits, now: number): number {
    return this.#slotsOf(gate, limits, now)?.length ?? Infinity;
  }

  /** Tasks of a gate that may start now or soon, if `free` places are kept for them. */
  stock(gate: string, limits: TaskLimits, free: number, now: number): number {
    return Math.min(hasPlaces(gate, limits) ? free : Infinity, this.starts(gate, limits, now));
  }

  /** A task of the gate starts: takes its slot. Its place is taken by its lease. */
  use(gate: string): void {
    const { name, key } = partsOfGate(gate);
    const slots = this.#names.get(name)?.slots;
    const own = slots?.get(key ?? NO_KEY);
    own?.shift();
    if (own?.length === 0) slots?.delete(key ?? NO_KEY);
  }

  /** Takes what a limiter granted, and forgets what nobody came for. */
  add(name: string, grants: readonly Grant[], limits: TaskLimits | null, now: number): void {
    const permits = this.#of(name);
    const pastAt = limits === null ? now : now - latenessOf(limits);
    for (const [key, slots] of permits.slots) {
      if ((slots.at(-1) ?? 0) < pastAt) permits.slots.delete(key);
    }
    for (const { key, places, slots } of grants) {
      if (places > 0) permits.places.set(key, (permits.places.get(key) ?? 0) + places);
      if (slots === null) continue;
      const all = [...(permits.slots.get(key) ?? []), ...slots].sort((a, b) => a - b);
      permits.slots.set(key, all);
    }
  }

  /** A task of the gate runs since before this object was: its place goes back when it ends, others may wait for it. */
  recall(gate: string): void {
    const { name, key } = partsOfGate(gate);
    const permits = this.#of(name);
    permits.places.set(key ?? NO_KEY, (permits.places.get(key ?? NO_KEY) ?? 0) + 1);
    permits.turnEndsAt = 0;
  }

  /** Places of a key, those that are taken included. */
  places(name: string, key: string): number {
    return this.#of(name).places.get(key) ?? 0;
  }

  hasPlaces(name: string): boolean {
    return this.#of(name).places.size > 0;
  }

  keysWithPlaces(name: string): Iterable<string> {
    return this.#of(name).places.keys();
  }

  /**
   * What to state to the limiter: the places that run, and those that are kept. The others are given
   * back with this, for good: they are no longer counted here.
   */
  state(
    name: string,
    running: ReadonlyMap<string, ReadonlySet<string>>,
    kept: ReadonlyMap<string, number>,
  ): Holding[] {
    const { places } = this.#of(name);
    places.clear();
    for (const [key, ids] of running) places.set(key, ids.size);
    for (const [key, count] of kept) places.set(key, (places.get(key) ?? 0) + count);
    return Array.from(places, ([key, count]) => ({
      key,
      places: count,
      running: [...(running.get(key) ?? [])],
    }));
  }

  /** Others wait for places of this name: from `at` on they are not used again. Infinity: nobody waits. */
  endTurn(name: string, at: number): void {
    this.#of(name).turnEndsAt = at;
  }

  /** Forgets start times: the rate has changed. */
  dropSlots(name: string): void {
    this.#of(name).slots.clear();
  }

  #freePlaces(gate: string, limits: TaskLimits, runningAt: RunningAt, now: number): number {
    if (!hasPlaces(gate, limits)) return Infinity;
    const { name, key } = partsOfGate(gate);
    if (now >= this.#of(name).turnEndsAt) return 0;
    return (this.#names.get(name)?.places.get(key ?? NO_KEY) ?? 0) - runningAt(gate).size;
  }

  /** The slots of a gate that are not too late to use; null where no rate holds. */
  #slotsOf(gate: string, limits: TaskLimits, now: number): readonly number[] | null {
    const { name, key } = partsOfGate(gate);
    const rates = [limits.rate, key === null ? null : limits.perKey.rate].filter(
      (rate) => rate !== null,
    );
    if (rates.length === 0) return null;
    const slots = this.#names.get(name)?.slots.get(key ?? NO_KEY);
    if (slots === undefined) return [];
    const lateness = latenessOf(limits);
    while (slots[0] !== undefined && slots[0] + lateness < now) slots.shift();
    return slots;
  }

  #of(name: string): NamePermits {
    let permits = this.#names.get(name);
    if (permits === undefined) {
      permits = { slots: new Map(), places: new Map(), turnEndsAt: Infinity };
      this.#names.set(name, permits);
    }
    return permits;
  }
}
