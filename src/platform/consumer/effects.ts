import { effectKey, type EffectContext, type StepRecord } from "#engine";
import type { DurableStepsParts } from "./durable-steps.ts";
import type { StepBook } from "./step-book.ts";
import { checkName, parsed, resultText } from "./step-values.ts";
import type { Waits } from "./waits.ts";

/**
 * The effects of one run. Each is recorded twice: that it begins, and its result. Both are fenced by the
 * lease's token, so that a run that lost its lease neither begins one nor records what it came to. Rows written:
 * 2 for an effect, however many attempts it takes (1 more where an attempt that begins it again has slept before); 1
 * for the first step or effect of a task; 1 each when the task ends.
 */
export class Effects {
  readonly #parts: DurableStepsParts;
  readonly #book: StepBook;
  readonly #waits: Waits;
  readonly #byName = new Map<string, Promise<unknown>>();

  constructor(parts: DurableStepsParts, book: StepBook, waits: Waits) {
    this.#parts = parts;
    this.#book = book;
    this.#waits = waits;
  }

  /** See `TaskContext.once`. */
  once<T>(name: string, fn: (effect: EffectContext) => T | Promise<T>): Promise<T> {
    let result = this.#byName.get(name);
    if (result === undefined) {
      result = this.#find(name, fn);
      this.#byName.set(name, result);
    }
    return result as Promise<T>;
  }

  /** While it is in progress the run is not suspended. */
  async #find(name: string, fn: (effect: EffectContext) => unknown): Promise<unknown> {
    checkName("effect", name);
    const done = this.#waits.hold();
    let left: () => void = () => undefined;
    try {
      await this.#goOn();
      left = (await this.#book.turns()).hold();
      const known = await this.#book.find({ kind: "once", name, nth: 0 });
      const value =
        known?.state === "done" ? parsed(known.result) : await this.#make(name, known, fn);
      await this.#goOn();
      return value;
    } finally {
      this.#waits.goOn();
      left();
      done();
    }
  }

  async #make(
    name: string,
    known: StepRecord | null,
    fn: (effect: EffectContext) => unknown,
  ): Promise<unknown> {
    const { clock, signal, task, token } = this.#parts;
    const begun = known ?? (await this.#begun(name));
    // Also what is there already: whoever lost the lease is told so, and does not begin.
    await this.#book.record(begun, null);
    await this.#goOn();
    const result = await fn({
      idempotencyKey: effectKey(task.id, name),
      fencingToken: token,
      isRepeat: known !== null,
      get signal() {
        return signal();
      },
    });
    const text = resultText("effect", name, result);
    // Also by a run that is over: what was done is done.
    const ended = { result: text, finishedAt: clock.now() };
    await this.#book.record({ ...begun, ...ended, state: "done" }, null);
    // As every later attempt will see it.
    return parsed(text);
  }

  async #begun(name: string): Promise<StepRecord> {
    return {
      ...{ kind: "once", name, nth: 0, index: await this.#book.newIndex() },
      ...{ state: "started", result: null, error: null, tries: 1, until: null, place: null },
      retries: this.#parts.task.retries,
      begun: (await this.#book.turns()).now,
      startedAt: this.#parts.clock.now(),
      finishedAt: null,
    };
  }

  async #goOn(): Promise<void> {
    if (this.#parts.isOver()) await this.#parts.halt();
  }
}
