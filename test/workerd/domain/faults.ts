/** Where the one fault of a run strikes: at the n-th call (from 1), before it takes effect or after. */
export interface FaultPoint {
  readonly at: number;
  readonly when: "before" | "after";
}

/** The connection broke: whether the call took effect is not known to the caller. */
class InjectedFault extends Error {
  override readonly name = "InjectedFault";
}

/** Counts the calls to everything outside and breaks one of them. */
export class Faults {
  readonly #point: FaultPoint | null;
  calls = 0;

  constructor(point: FaultPoint | null = null) {
    this.#point = point;
  }

  /** True once the fault struck. */
  get struck(): boolean {
    return this.#point !== null && this.calls >= this.#point.at;
  }

  async around<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    const when = this.#point?.at === this.calls ? this.#point.when : null;
    if (when === "before") throw new InjectedFault("Network connection lost.");
    const answer = await call();
    if (when === "after") throw new InjectedFault("Network connection lost.");
    return answer;
  }
}

const EXECUTING = new Set<PropertyKey>(["run", "all", "raw", "first"]);

/** The database with `faults` around every query and every batch. */
export function faultyDatabase(real: D1Database, faults: Faults): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function") return value;
        if (property === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (!EXECUTING.has(property)) return value.bind(target);
        return (...args: unknown[]) =>
          faults.around(() => value.apply(target, args) as Promise<unknown>);
      },
    });
    originals.set(proxy, statement);
    return proxy;
  };
  return new Proxy(real, {
    get(target, property) {
      if (property === "prepare") return (query: string) => wrap(target.prepare(query));
      if (property === "batch") {
        return (statements: D1PreparedStatement[]) =>
          faults.around(() => target.batch(statements.map((item) => originals.get(item) ?? item)));
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
