import type { FinishedTask } from "#engine";
import type { HistoryPort } from "#platform/ledger/ports.ts";
import type { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import type { Tripwire } from "./tripwire.ts";
import { never, type World } from "../../src/testing/world.ts";

type HistoryFaults = Pick<Faults, "historyFails" | "historyDown">;

/**
 * D1: finished tasks as JSON, by id. It outlives every object. Before or after its commit it may fail, be
 * down for a while, or answer an object that is no more (the write counts all the same).
 */
export class SimHistory {
  readonly rows = new Map<string, string>();
  readonly #world: World;
  readonly #chaos: Chaos<HistoryFaults>;
  readonly #kept: (id: string, text: string) => void;
  readonly #tripwire: Tripwire;
  readonly #watched: <T>(look: () => T) => T;
  #downUntil = 0;

  /**
   * @param kept told of every record that arrives
   * @param watched runs what the oracle looks at, and ends the simulation if it objects
   */
  constructor(
    world: World,
    chaos: Chaos<HistoryFaults>,
    kept: (id: string, text: string) => void,
    tripwire: Tripwire,
    watched: <T>(look: () => T) => T,
  ) {
    this.#world = world;
    this.#watched = watched;
    this.#chaos = chaos;
    this.#kept = kept;
    this.#tripwire = tripwire;
    if (world.chance(chaos.faults.historyDown)) {
      world.after(world.between(0, 60_000), () => {
        world.note("D1 is down");
        this.#downUntil = world.now() + world.between(1_000, 60_000);
      });
    }
  }

  /** The port of one object. */
  portOf(isAlive: () => boolean, die: () => void): HistoryPort {
    const call = async <T>(run: () => Promise<T>): Promise<T> => {
      try {
        const value = await this.#tripwire.async(run, die);
        return isAlive() ? value : await never<T>();
      } catch (error) {
        if (!isAlive()) return never();
        throw error;
      }
    };
    return {
      write: (tasks) => call(() => this.#write(tasks)),
      fingerprints: (ids) => call(() => this.#fingerprints(ids)),
    };
  }

  /** What a reader finds here when the ledger knows no task of this id. */
  async find(id: string): Promise<FinishedTask | null> {
    await this.#arrive();
    const text = this.rows.get(id);
    return text === undefined ? null : (JSON.parse(text) as FinishedTask);
  }

  async #write(tasks: readonly FinishedTask[]): Promise<void> {
    const texts = tasks.map((task) => [task.id, JSON.stringify(task)] as const);
    await this.#arrive();
    for (const [id, text] of texts) {
      this.#watched(() => this.#kept(id, text));
      if (!this.rows.has(id)) this.rows.set(id, text);
    }
    this.#world.note(`D1 has ${texts.length} more`);
    await this.#world.sleep(this.#world.between(0, 10));
    if (this.#chaos.strikes("historyFails")) {
      throw new Error("D1: network connection lost after the commit");
    }
  }

  async #fingerprints(ids: readonly string[]): Promise<Map<string, string | null>> {
    await this.#arrive();
    const known = ids.flatMap((id) => {
      const text = this.rows.get(id);
      return text === undefined ? [] : [[id, JSON.parse(text) as FinishedTask] as const];
    });
    await this.#world.sleep(this.#world.between(0, 10));
    return new Map(known.map(([id, task]) => [id, task.fingerprint]));
  }

  async #arrive(): Promise<void> {
    const world = this.#world;
    await world.sleep(world.between(1, 15));
    if (world.now() < this.#downUntil) {
      this.#chaos.happened("historyDown");
      await world.sleep(world.between(0, 5_000));
      throw new Error("D1 is down");
    }
    if (this.#chaos.strikes("historyFails")) throw new Error("D1: lost before the commit");
  }
}
