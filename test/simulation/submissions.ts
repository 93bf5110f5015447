import type { Merged, SubmitAnswer, TaskSpec } from "#engine";
import type { Model } from "./model.ts";
import { Violation } from "./violation.ts";

/** What clients submitted, and what they were told: one call has an id, and everyone hears the same. */
export class Submissions {
  readonly #offered = new Map<string, TaskSpec[]>();
  readonly #accepted = new Set<string>();
  /** Tasks that will tell of the ends of others. */
  readonly #callbacks = new Set<string>();

  offer(specs: readonly TaskSpec[]): void {
    for (const spec of specs) {
      const { callback } = spec.options;
      if (callback !== undefined) this.#callbacks.add(callback.id);
      const offers = this.#offered.get(spec.id);
      if (offers === undefined) this.#offered.set(spec.id, [spec]);
      else offers.push(spec);
    }
  }

  /** The call that a committed row comes from. */
  find(id: string, fingerprint: string | null): TaskSpec {
    const spec = this.#offered.get(id)?.find((offer) => offer.fingerprint === fingerprint);
    if (spec === undefined) throw new Violation(`${id} was never submitted`);
    return spec;
  }

  isCallback(id: string): boolean {
    return this.#callbacks.has(id);
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(id);
  }

  /** @param merged what those are to be told that are one with another task */
  answered(
    specs: readonly TaskSpec[],
    answers: readonly SubmitAnswer[],
    model: Model,
    merged: ReadonlyMap<string, Merged>,
  ): void {
    for (const [index, spec] of specs.entries()) {
      const answer = answers[index];
      const expected = merged.get(spec.id);
      if (typeof answer === "object" || expected !== undefined) {
        const [is, should] = [JSON.stringify(answer), JSON.stringify(expected)];
        if (is !== should) throw new Violation(`${spec.id} is told ${is} instead of ${should}`);
      } else if (answer !== "busy") {
        this.#answered(spec, answer, model);
      }
    }
  }

  #answered(
    { id, fingerprint }: TaskSpec,
    answer: Exclude<SubmitAnswer, Merged> | undefined,
    model: Model,
  ): void {
    const task = model.tasks.get(id);
    if (task === undefined) throw new Violation(`${id} is ${answer}, but was never committed`);
    const isSame = task.spec.fingerprint === fingerprint;
    if (answer === "accepted") {
      if (this.#accepted.has(id)) throw new Violation(`${id} was accepted twice`);
      if (!isSame) throw new Violation(`${id} was accepted as another call`);
      this.#accepted.add(id);
    } else if ((answer === "exists") !== isSame) {
      throw new Violation(`${id}: ${answer}, but it is ${isSame ? "the same call" : "another"}`);
    }
  }
}
