import { REMEMBERS_MS } from "../../idle.ts";
import { ALL, type Wait } from "../../limiter/protocol.ts";
import { keysOf } from "./gate-needs.ts";
import type { GatekeeperHooks } from "./gatekeeper.ts";
import { NameState } from "./name-state.ts";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";

interface AskRow extends Record<string, string | number> {
  at: number;
  waits: string;
  served: string;
}

/**
 * What the gatekeeper knows of the tasks of each name. In memory, but for a next start that is far off: an idle object
 * is out of memory by then. It would call a consumer and ask again whenever it looks after its work, and always for
 * the same keys first.
 */
export class NameStates {
  readonly #sql: SqlPort;
  readonly #hooks: Pick<GatekeeperHooks, "memory" | "now">;
  readonly #states = new Map<string, NameState>();

  constructor(sql: SqlPort, hooks: Pick<GatekeeperHooks, "memory" | "now">) {
    this.#sql = sql;
    this.#hooks = hooks;
  }

  names(): Iterable<string> {
    return this.#states.keys();
  }

  all(): NameState[] {
    return [...this.#states.values()];
  }

  /** Reads no table. */
  known(name: string): NameState | undefined {
    return this.#states.get(name);
  }

  of(name: string): NameState {
    let state = this.#states.get(name);
    if (state === undefined) this.#states.set(name, (state = this.#recall(name)));
    return state;
  }

  /**
   * The limiter of a name has answered. Rows written: 1 if it said that a start is far off, and nothing is to be asked
   * for until that may be forgotten.
   */
  answered(name: string, waits: readonly Wait[], now: number): void {
    const { times } = this.of(name);
    const isFar = (at: number | null) => at !== null && at - now > REMEMBERS_MS;
    if (!waits.some(({ retryAt }) => isFar(retryAt)) || !isFar(times.next(now))) return;
    consume(
      this.#sql.exec(
        "INSERT OR REPLACE INTO asks (name, limits, at, waits, served) VALUES (?, ?, ?, ?, ?)",
        ...[name, this.#limitsOf(name), times.opensAt],
        ...[JSON.stringify(times.farOff(now)), JSON.stringify(times.servedLast())],
      ),
    );
  }

  #recall(name: string): NameState {
    const [row] = this.#sql.exec<AskRow>(
      "SELECT at, waits, served FROM asks WHERE name = ? AND limits = ?",
      ...[name, this.#limitsOf(name)],
    );
    if (row === undefined) return new NameState([]);
    const state = new NameState(JSON.parse(row.served) as string[]);
    // Whose tasks are gone waits no more.
    const keys = keysOf(this.#hooks.memory(), name);
    const ofKeys = (JSON.parse(row.waits) as [string, number][]).filter(([key]) => keys.has(key));
    const now = this.#hooks.now();
    for (const [resource, at] of [[ALL, row.at] as const, ...ofKeys]) {
      if (at > now) state.times.wait(resource, at, false);
    }
    return state;
  }

  /** The limits of a name, as text: with other ones what was said holds no longer. */
  #limitsOf(name: string): string {
    const { controls } = this.#hooks.memory();
    return JSON.stringify([controls.current.version, controls.limitsOf(name)]);
  }
}
