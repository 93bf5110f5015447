import {
  checkStepOptions,
  EventTimeoutError,
  InvalidOptionError,
  stepDelayMs,
  StepLimitError,
  StepOrderError,
  TimeLimitExceeded,
  type ErrorInfo,
  type StepContext,
  type StepKind,
  type StepOptions,
  type StepRecord,
} from "#engine";
import type { StepBook, StepBookParts, StepId } from "./step-book.ts";
import { checkName, failureOf, forever, parsed, resultText } from "./step-values.ts";
import type { Waits } from "./waits.ts";

export interface DurableStepsParts extends StepBookParts {
  readonly signal: () => AbortSignal;
  /** An error as it is kept: without the secrets of the call. */
  readonly describe: (thrown: unknown) => ErrorInfo;
  /** Ends the run with this, whatever its handler does. */
  readonly end: (reason: Error) => void;
  /** Whether the run has ended, in any way: what its handler still does is for nobody. */
  readonly isOver: () => boolean;
}

/** A hundred years. */
const MAX_SLEEP_MS = 100 * 365 * 86_400_000;

/**
 * The durable steps of one run: hands out what was recorded before, in its order, records what is new, and
 * gives the consumer up where the handler has to wait. It does so only when no step of the run is in
 * progress. Nothing begins in a run that is over.
 */
export class DurableSteps {
  readonly #parts: DurableStepsParts;
  readonly #book: StepBook;
  /** Steps that the handler came to, by kind and name. */
  readonly #counts = new Map<string, number>();
  readonly #waits: Waits;

  constructor(parts: DurableStepsParts, book: StepBook, waits: Waits) {
    this.#parts = parts;
    this.#book = book;
    this.#waits = waits;
  }

  /** See `TaskContext.step`. */
  async step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<T> {
    checkStepOptions(options);
    const id = this.#idOf("step", name);
    const known = await this.#find(id);
    if (await this.#isHandedOut(known)) {
      if (known?.state === "failed") throw failureOf(known.error);
      return parsed(known?.result ?? null) as T;
    }
    // A failed step is run anew by the task's next retry: with all its tries.
    const before = known?.state === "waiting" ? known : await this.#waiting(id, null, known);
    if ((before.until ?? 0) > (await this.#book.now())) return this.#waits.add(before);
    await this.#caughtUp();
    return this.#run(before, fn, options);
  }

  /** See `TaskContext.sleep`. */
  async sleep(time: number | { readonly until: Date }): Promise<void> {
    const now = this.#parts.clock.now();
    const until = typeof time === "number" ? now + time * 1_000 : time.until.getTime();
    if (!(until - now <= MAX_SLEEP_MS)) {
      throw new InvalidOptionError("sleep", "takes seconds from 0, or { until: Date }.");
    }
    const id = this.#idOf("sleep", "sleep");
    const known = await this.#find(id);
    const wait = known ?? (await this.#waiting(id, Math.round(until), known));
    if ((wait.until ?? 0) > (await this.#book.now())) return this.#waits.add(wait);
    const turns = await this.#book.turns();
    let place = await this.#book.endOfSleep(id.nth);
    if (place === null) {
      place = turns.take();
      this.#book.slept(id.nth, place);
    }
    return this.#handOut(place);
  }

  /** See `TaskContext.waitForEvent`. */
  async waitForEvent(name: string, timeoutSeconds: number | null): Promise<unknown> {
    const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1_000;
    if (timeoutMs !== null && !(timeoutMs >= 0 && timeoutMs <= MAX_SLEEP_MS)) {
      throw new InvalidOptionError("timeoutSeconds", "is a number of seconds from 0.");
    }
    const id = this.#idOf("event", name);
    const known = await this.#find(id);
    if (await this.#isHandedOut(known)) {
      if (known?.state === "failed") throw new EventTimeoutError(name);
      return parsed(known?.result ?? null);
    }
    const until = timeoutMs === null ? null : Math.round((await this.#book.now()) + timeoutMs);
    const wait = known?.state === "waiting" ? known : await this.#waiting(id, until, known);
    const event = await this.#book.takeEvent(name);
    if (event !== null) {
      await this.#finish({ ...wait, state: "done", result: event.payload }, event.seq);
      return parsed(event.payload);
    }
    if (wait.until === null || wait.until > (await this.#book.now())) return this.#waits.add(wait);
    const timeout = new EventTimeoutError(name);
    const error = this.#parts.describe(timeout);
    await this.#finish({ ...wait, state: "failed", error }, null);
    throw timeout;
  }

  /** Runs one try of a step and records how it went. */
  async #run<T>(
    before: StepRecord,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<T> {
    const tries = before.tries + 1;
    const begun = { ...before, tries, until: null };
    let wait: StepRecord;
    const done = this.#waits.hold();
    try {
      const result = await this.#limited(fn, this.#contextOf(before, tries), options);
      const text = resultText("step", before.name, result);
      await this.#finish({ ...begun, state: "done", result: text }, null);
      // As every later run will see it.
      return parsed(text) as T;
    } catch (thrown) {
      // A run that is over anyway has no say in what becomes of the step.
      if (this.#parts.signal().aborted) throw thrown;
      const error = this.#parts.describe(thrown);
      if (tries > (options.maxRetries ?? 0) || thrown instanceof StepLimitError) {
        await this.#finish({ ...begun, state: "failed", error }, null);
        throw thrown;
      }
      wait = { ...begun, error, until: (await this.#book.now()) + stepDelayMs(options, tries) };
    } finally {
      done();
    }
    return this.#waits.add(wait);
  }

  async #limited<T>(
    fn: (step: StepContext) => T | Promise<T>,
    context: StepContext,
    { timeLimitSeconds: limit }: StepOptions,
  ): Promise<T> {
    if (limit === undefined) return fn(context);
    let cancel: () => void = () => undefined;
    const over = new Promise<never>((_resolve, reject) => {
      cancel = this.#parts.timers.after(limit * 1_000, () => {
        reject(new TimeLimitExceeded(limit));
      });
    });
    try {
      return await Promise.race([fn(context), over]);
    } finally {
      cancel();
    }
  }

  #contextOf({ name, nth }: StepRecord, attempt: number): StepContext {
    const { signal, task } = this.#parts;
    return {
      get signal() {
        return signal();
      },
      attempt,
      idempotencyKey: `${task.id}:${nth}:${name}`,
    };
  }

  /** Whether the handler has this result from an earlier run; it gets it when its turn has come. */
  async #isHandedOut(known: StepRecord | null): Promise<boolean> {
    if (known === null || known.place === null || !(await this.#book.isFinal(known))) return false;
    await this.#handOut(known.place);
    return true;
  }

  async #handOut(place: number): Promise<void> {
    const done = this.#waits.hold();
    try {
      await this.#inOrder((await this.#book.turns()).of(place));
      if (this.#parts.isOver()) await forever();
    } finally {
      this.#waits.goOn();
      done();
    }
  }

  #idOf(kind: StepKind, name: string): StepId {
    checkName(kind, name);
    const same = `${kind}\n${name}`;
    const nth = this.#counts.get(same) ?? 0;
    this.#counts.set(same, nth + 1);
    return { kind, name, nth };
  }

  /** What was recorded of a step; null: nothing. */
  async #find(id: StepId): Promise<StepRecord | null> {
    const done = this.#waits.hold();
    try {
      if (this.#parts.isOver()) await forever();
      return await this.#book.find(id);
    } finally {
      done();
    }
  }

  /** Before anything new begins the handler has got all that earlier runs had. */
  async #caughtUp(): Promise<void> {
    const done = this.#waits.hold();
    try {
      await this.#inOrder((await this.#book.turns()).caughtUp());
      if (this.#parts.isOver()) await forever();
    } finally {
      done();
    }
  }

  /** A handler that does not come to the same steps again ends the task, whatever it catches. */
  async #inOrder(turn: Promise<void>): Promise<void> {
    try {
      await turn;
    } catch (error) {
      if (error instanceof StepOrderError) this.#parts.end(error);
      throw error;
    }
  }

  async #waiting(id: StepId, until: number | null, known: StepRecord | null): Promise<StepRecord> {
    const { now: begun } = await this.#book.turns();
    return {
      ...id,
      index: known?.index ?? (await this.#book.newIndex()),
      state: "waiting",
      result: null,
      error: null,
      tries: 0,
      until,
      retries: this.#parts.task.retries,
      begun,
      place: null,
      startedAt: this.#parts.clock.now(),
      finishedAt: null,
    };
  }

  /** Records a result, and hands it out. While it does the run is not suspended. */
  async #finish(step: StepRecord, eventSeq: number | null): Promise<void> {
    const { clock, task } = this.#parts;
    const done = this.#waits.hold();
    try {
      const turns = await this.#book.turns();
      const place = turns.take();
      const ended = { until: null, retries: task.retries, place, finishedAt: clock.now() };
      try {
        await this.#book.record({ ...step, ...ended }, eventSeq);
      } catch (error) {
        turns.skip(place);
        throw error;
      }
      await this.#handOut(place);
    } finally {
      done();
    }
  }
}
