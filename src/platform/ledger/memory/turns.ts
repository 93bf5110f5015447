/**
 * Which keys of a queue were served lately: the one that was served longest ago is next. In memory only:
 * after a restart the turns begin anew.
 */
export class KeyTurns {
  /** By queue and priority: the keys in the order in which they were served last. */
  readonly #served = new Map<string, Set<string>>();

  /** The keys in the order of their turns: those not served lately, then the others. */
  inOrder(queue: string, priority: number, keys: ReadonlyMap<string, unknown>): string[] {
    const served = this.#served.get(`${priority} ${queue}`);
    if (served === undefined) return [...keys.keys()];
    // Keys that have no tasks any more must not pile up.
    for (const key of served) if (!keys.has(key)) served.delete(key);
    return [...[...keys.keys()].filter((key) => !served.has(key)), ...served];
  }

  took(queue: string, priority: number, key: string): void {
    const place = `${priority} ${queue}`;
    let served = this.#served.get(place);
    if (served === undefined) this.#served.set(place, (served = new Set()));
    served.delete(key);
    served.add(key);
  }
}
