import { NO_CONTROLS, NO_LIMITS, parseRate, type Controls, type TaskLimits } from "#engine";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";

/** One ledger's copy of the controls. */
export class ControlBook {
  readonly #sql: SqlPort;
  readonly #declaredOf: (name: string) => TaskLimits | null;
  /** By task name; null: not limited. */
  readonly #limits = new Map<string, TaskLimits | null>();
  #controls: Controls = NO_CONTROLS;
  #paused: ReadonlySet<string> = new Set();

  constructor(sql: SqlPort, declaredOf: (name: string) => TaskLimits | null) {
    this.#sql = sql;
    this.#declaredOf = declaredOf;
    const [row] = [...sql.exec<{ controls: string }>("SELECT controls FROM controls")];
    if (row !== undefined) this.#take(JSON.parse(row.controls) as Controls);
  }

  get current(): Controls {
    return this.#controls;
  }

  /** Nothing may be claimed from the queue. */
  isPaused(queue: string): boolean {
    return this.#controls.isShutDown || this.#paused.has(queue);
  }

  /** The limits that hold for a task; null: none do. */
  limitsOf(name: string): TaskLimits | null {
    let limits = this.#limits.get(name);
    if (limits === undefined) {
      limits = this.#effective(name);
      this.#limits.set(name, limits);
    }
    return limits;
  }

  /**
   * Takes newer controls; older ones change nothing. Rows written: 1.
   * @returns names of tasks whose rates they change; null: they were not newer
   */
  set(controls: Controls): readonly string[] | null {
    if (controls.version <= this.#controls.version) return null;
    const before = this.#controls.rateLimits;
    const after = controls.rateLimits;
    consume(
      this.#sql.exec(
        "INSERT OR REPLACE INTO controls (id, controls) VALUES (1, ?)",
        JSON.stringify(controls),
      ),
    );
    this.#take(controls);
    return Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);
  }

  #take(controls: Controls): void {
    this.#controls = controls;
    this.#paused = new Set(controls.pausedQueues);
    this.#limits.clear();
  }

  #effective(name: string): TaskLimits | null {
    const declared = this.#declaredOf(name);
    const { rateLimits } = this.#controls;
    if (!Object.hasOwn(rateLimits, name)) return declared;
    const rate = parseRate("rate_limit", rateLimits[name] ?? null);
    const limits = { ...(declared ?? NO_LIMITS), rate };
    return JSON.stringify(limits) === JSON.stringify(NO_LIMITS) ? null : limits;
  }
}
