import { partsOfGate } from "#engine";
import type { HeldTask } from "./held-tasks.ts";

const NONE: ReadonlySet<string> = new Set();
const NOBODY: ReadonlyMap<string, ReadonlySet<string>> = new Map();

/** The running tasks of a ledger that passed a gate, by its name and key ("" without one). */
export class RunningTasks {
  readonly #names = new Map<string, Map<string, Set<string>>>();

  /** Those that passed gates of this name, by key. */
  of(name: string): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#names.get(name) ?? NOBODY;
  }

  /** Those that passed this gate. */
  at(gate: string): ReadonlySet<string> {
    const { name, key } = partsOfGate(gate);
    return this.#names.get(name)?.get(key ?? "") ?? NONE;
  }

  begin({ id, gate }: HeldTask): void {
    if (gate === "") return;
    const { name, key } = partsOfGate(gate);
    let keys = this.#names.get(name);
    if (keys === undefined) this.#names.set(name, (keys = new Map()));
    keys.set(key ?? "", (keys.get(key ?? "") ?? new Set()).add(id));
  }

  end({ id, gate }: HeldTask): void {
    if (gate === "") return;
    const { name, key } = partsOfGate(gate);
    const keys = this.#names.get(name);
    const ids = keys?.get(key ?? "");
    ids?.delete(id);
    if (ids?.size === 0) keys?.delete(key ?? "");
    if (keys?.size === 0) this.#names.delete(name);
  }
}
