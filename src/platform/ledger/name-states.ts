import { REMEMBERS_MS } from "../idle.ts";
import { ALL } from "../limiter/protocol.ts";
import type { GatekeeperHooks } from "./gatekeeper.ts";
import { NameState } from "./name-state.ts";
import type { SqlPort } from "./ports.ts";
import { consume } from "./schema.ts";

/** Keys whose turns outlive it: of 200 characters each, as many as a row has room for. */
const MAX_SERVED = 1_000;

interface AskRow extends Record<string, string | number> {
  at: number;
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

  /** The limiter of a name has answered. Rows written: 1 if nothing is to be asked for until it may be forgotten. */
  answered(name: string, now: number): void {
    const { times } = this.of(name);
    if (times.opensAt - now <= REMEMBERS_MS) return;
    consume(
      this.#sql.exec(
        "INSERT OR REPLACE INTO asks (name, limits, at, served) VALUES (?, ?, ?, ?)",
        ...[name, this.#limitsOf(name), times.opensAt],
        JSON.stringify(times.servedLast(MAX_SERVED)),
      ),
    );
  }

  #recall(name: string): NameState {
    const [row] = this.#sql.exec<AskRow>(
      "SELECT at, served FROM asks WHERE name = ? AND limits = ?",
      ...[name, this.#limitsOf(name)],
    );
    const state = new NameState(JSON.parse(row?.served ?? "[]") as string[]);
    if (row !== undefined && row.at > this.#hooks.now()) state.times.wait(ALL, row.at, false);
    return state;
  }

  /** The limits of a name, as text: with other ones what was said holds no longer. */
  #limitsOf(name: string): string {
    const { controls } = this.#hooks.memory();
    return JSON.stringify([controls.current.version, controls.limitsOf(name)]);
  }
}
