import type { EffectContext } from "#engine";
import type { StepRow } from "./tables.ts";
import { Violation } from "./violation.ts";

/** What the world outside knows of one effect, and what the ledger said of it. */
interface Effect {
  /** Runs that were told they are the first. */
  firsts: number;
  /** What every run of it gave, in their order. */
  readonly results: string[];
  /** The result as it was recorded, and the newest lease under which it had run by then. Null: not yet. */
  recorded: { readonly result: string; readonly token: number } | null;
  /** The newest lease under which it ran. */
  token: number;
}

/**
 * The book of those who are asked for effects. At most one run of an effect is told that it is the first, none
 * begins under the lease that recorded it or a later one, and all attempts get the result that was recorded.
 */
export class EffectBook {
  readonly #effects = new Map<string, Effect>();

  /** Effects that ran more than once. */
  get repeated(): number {
    return [...this.#effects.values()].filter(({ results }) => results.length > 1).length;
  }

  /** The function of an effect runs, and answers what nobody else does. */
  run({ idempotencyKey: key, fencingToken: token, isRepeat }: EffectContext): string {
    const effect = this.#of(key);
    effect.firsts += isRepeat ? 0 : 1;
    if (effect.firsts > 1) throw new Violation(`${key}: two runs were told they are the first`);
    // Who lost the lease and does not know it yet may come after the one that has it.
    if (!isRepeat && effect.results.length > 0 && token >= effect.token) {
      throw new Violation(`${key}: had run, and is told that it is the first`);
    }
    const { recorded } = effect;
    if (recorded !== null && token >= recorded.token) {
      throw new Violation(`${key}: ran under lease ${token} after ${recorded.token} recorded it`);
    }
    effect.token = Math.max(effect.token, token);
    const result = `${key} ${effect.results.length}`;
    effect.results.push(result);
    return result;
  }

  /** A handler got the result of an effect. */
  got(key: string, result: string): void {
    const { recorded } = this.#of(key);
    if (recorded?.result !== result) {
      throw new Violation(`${key}: gave ${result}, and ${recorded?.result} was recorded`);
    }
  }

  committed(steps: readonly StepRow[]): void {
    for (const { taskId, step } of steps) {
      const key = `${taskId}:${step.name}`;
      const effect = this.#of(key);
      const { recorded } = effect;
      if (step.state !== "done" || step.result === null) {
        if (recorded !== null) throw new Violation(`${key}: its record was overwritten`);
        continue;
      }
      const result = JSON.parse(step.result) as string;
      if (!effect.results.includes(result)) throw new Violation(`${key}: ${result} never came`);
      if (recorded !== null && recorded.result !== result) {
        throw new Violation(`${key}: ${recorded.result} became ${result}`);
      }
      effect.recorded ??= { result, token: effect.token };
    }
  }

  #of(key: string): Effect {
    let effect = this.#effects.get(key);
    if (effect === undefined) {
      effect = { firsts: 0, results: [], recorded: null, token: 0 };
      this.#effects.set(key, effect);
    }
    return effect;
  }
}
