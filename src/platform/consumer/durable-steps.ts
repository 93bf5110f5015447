import {
  EventTimeoutError,
  InvalidOptionError,
  isLargerThan,
  MAX_STEP_BYTES,
  MAX_STEPS,
  stepDelayMs,
  StepLimitError,
  StepOrderError,
  Suspend,
  TimeLimitExceeded,
  type ErrorInfo,
  type StepContext,
  type StepKind,
  type StepOptions,
  type StepRecord,
} from "#engine";
import { StepBook, type StepBookParts } from "./step-book.ts";

export interface DurableStepsParts extends StepBookParts {
  readonly signal: () => AbortSignal;
  /** An error as it is kept: without the secrets of the call. */
  readonly describe: (thrown: unknown) => ErrorInfo;
}

/** A hundred years. */
const MAX_SLEEP_MS = 100 * 365 * 86_400_000;

/**
 * The durable steps of one run: hands out what was recorded before, records what is new, and gives the
 * consumer up where the handler has to wait. It does so only when no step of the run is in progress.
 */
export class DurableSteps {
  readonly #parts: DurableStepsParts;
  readonly #book: StepBook;
  #next = 0;
  #inProgress = 0;
  readonly #waits: StepRecord[] = [];

  constructor(parts: DurableStepsParts) {
    this.#parts = parts;
    this.#book = new StepBook(parts);
  }

  /** See `TaskContext.step`. */
  async step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<T> {
    const index = this.#number("step", name);
    const known = await this.#find(index, "step", name);
    if (known?.state === "done") return parsed(known.result) as T;
    if (known?.state === "failed" && (await this.#isFinal(known))) throw failureOf(known.error);
    // A failed step is run anew by the task's next retry: with all its tries.
    const before = known?.state === "waiting" ? known : null;
    if (before !== null && (before.until ?? 0) > (await this.#book.now()))
      return this.#wait(before);
    return this.#run(index, name, fn, options, before);
  }

  /** See `TaskContext.sleep`. */
  async sleep(time: number | { readonly until: Date }): Promise<void> {
    const now = this.#parts.clock.now();
    const until = typeof time === "number" ? now + time * 1_000 : time.until.getTime();
    if (!(until - now <= MAX_SLEEP_MS)) {
      throw new InvalidOptionError("sleep", "takes seconds from 0, or { until: Date }.");
    }
    const index = this.#number("sleep", "sleep");
    const known = await this.#find(index, "sleep", "sleep");
    const wait = known ?? this.#waiting(index, "sleep", "sleep", Math.round(until));
    if ((wait.until ?? 0) > (await this.#book.now())) await this.#wait(wait);
  }

  /** See `TaskContext.waitForEvent`. */
  async waitForEvent(name: string, timeoutSeconds: number | null): Promise<unknown> {
    const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1_000;
    if (timeoutMs !== null && !(timeoutMs >= 0 && timeoutMs <= MAX_SLEEP_MS)) {
      throw new InvalidOptionError("timeoutSeconds", "is a number of seconds from 0.");
    }
    const index = this.#number("event", name);
    const known = await this.#find(index, "event", name);
    if (known?.state === "done") return parsed(known.result);
    if (known?.state === "failed" && (await this.#isFinal(known))) {
      throw new EventTimeoutError(name);
    }
    const until = timeoutMs === null ? null : Math.round((await this.#book.now()) + timeoutMs);
    const wait = known?.state === "waiting" ? known : this.#waiting(index, "event", name, until);
    const event = await this.#book.takeEvent(name);
    if (event !== null) {
      await this.#record({ ...wait, ...this.#ended("done"), result: event.payload }, event.seq);
      return parsed(event.payload);
    }
    if (wait.until === null || wait.until > (await this.#book.now())) return this.#wait(wait);
    const timeout = new EventTimeoutError(name);
    const error = this.#parts.describe(timeout);
    await this.#record({ ...wait, ...this.#ended("failed"), error }, null);
    throw timeout;
  }

  /** Runs one try of a step and records how it went. */
  async #run<T>(
    index: number,
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
    before: StepRecord | null,
  ): Promise<T> {
    const tries = (before?.tries ?? 0) + 1;
    const begun = { ...(before ?? this.#waiting(index, "step", name, null)), tries, until: null };
    let wait: StepRecord;
    this.#inProgress += 1;
    try {
      const result = await this.#limited(fn, this.#contextOf(index, name, tries), options);
      const text = resultText(name, result);
      await this.#record({ ...begun, ...this.#ended("done"), result: text }, null);
      // As every later run will see it.
      return parsed(text) as T;
    } catch (thrown) {
      // A run that is over anyway has no say in what becomes of the step.
      if (this.#parts.signal().aborted) throw thrown;
      const error = this.#parts.describe(thrown);
      if (tries > (options.maxRetries ?? 0) || thrown instanceof StepLimitError) {
        await this.#record({ ...begun, ...this.#ended("failed"), error }, null);
        throw thrown;
      }
      wait = { ...begun, error, until: (await this.#book.now()) + stepDelayMs(options, tries) };
    } finally {
      this.#inProgress -= 1;
      this.#suspendSoon();
    }
    return this.#wait(wait);
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

  #contextOf(index: number, name: string, attempt: number): StepContext {
    const { signal, task } = this.#parts;
    return {
      get signal() {
        return signal();
      },
      attempt,
      idempotencyKey: `${task.id}:${index}:${name}`,
    };
  }

  /** Suspends the run until this is over. Never comes back: the handler goes on in another run. */
  #wait(wait: StepRecord): Promise<never> {
    this.#waits.push(wait);
    this.#suspendSoon();
    return new Promise<never>(() => undefined);
  }

  /** After all that goes on by itself has gone on: a step that just ended may be followed by another. */
  #suspendSoon(): void {
    if (this.#waits.length === 0) return;
    this.#parts.timers.after(0, () => {
      if (this.#inProgress > 0 || this.#waits.length === 0) return;
      const waits = this.#waits.splice(0).toSorted((a, b) => b.index - a.index);
      const times = waits.flatMap(({ until }) => until ?? []);
      const wakeAt = times.length === 0 ? null : Math.min(...times);
      const events = waits.filter(({ kind }) => kind === "event").map(({ name }) => name);
      // What is waited for longest stands at the end: readers are told of it.
      const steps = waits.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity));
      this.#parts.end(new Suspend({ kind: "suspend", wakeAt, events, steps }));
    });
  }

  #number(kind: StepKind, name: string): number {
    if (!/^[^\n\0]{1,100}$/.test(name)) {
      throw new InvalidOptionError("name", `a ${kind}'s name has 1 to 100 characters.`);
    }
    if (this.#next >= MAX_STEPS) {
      throw new StepLimitError(`A task may have ${MAX_STEPS} steps at most.`);
    }
    this.#next += 1;
    return this.#next - 1;
  }

  /** What was recorded under this number; a step of another kind or name ends the task. */
  async #find(index: number, kind: StepKind, name: string): Promise<StepRecord | null> {
    this.#inProgress += 1;
    try {
      const known = await this.#book.find(index);
      if (known === null || (known.kind === kind && known.name === name)) return known;
      const error = new StepOrderError(index, `${known.kind} '${known.name}'`, `${kind} '${name}'`);
      this.#parts.end(error);
      throw error;
    } finally {
      this.#inProgress -= 1;
    }
  }

  /** A failed step stays failed in this retry of the task, and if its handler went on after it. */
  async #isFinal(failed: StepRecord): Promise<boolean> {
    return (await this.#book.hasAfter(failed.index)) || failed.retries >= this.#parts.task.retries;
  }

  #waiting(index: number, kind: StepKind, name: string, until: number | null): StepRecord {
    return {
      index,
      kind,
      name,
      state: "waiting",
      result: null,
      error: null,
      tries: 0,
      until,
      retries: this.#parts.task.retries,
      startedAt: this.#parts.clock.now(),
      finishedAt: null,
    };
  }

  /** While it is recorded the run is not suspended. */
  async #record(step: StepRecord, eventSeq: number | null): Promise<void> {
    this.#inProgress += 1;
    try {
      await this.#book.record(step, eventSeq);
    } finally {
      this.#inProgress -= 1;
    }
  }

  #ended(state: "done" | "failed") {
    const { clock, task } = this.#parts;
    return { state, until: null, retries: task.retries, finishedAt: clock.now() } as const;
  }
}

/** A step's result as it is kept. @throws StepLimitError: it is no JSON, or too large */
export function resultText(name: string, result: unknown): string {
  const text = JSON.stringify(result === undefined ? null : result) as string | undefined;
  if (text === undefined) {
    throw new StepLimitError(`The result of step '${name}' is a ${typeof result}: no JSON.`);
  }
  if (isLargerThan(text, MAX_STEP_BYTES)) {
    throw new StepLimitError(`The result of step '${name}' has more than ${MAX_STEP_BYTES} bytes.`);
  }
  return text;
}

function parsed(text: string | null): unknown {
  return text === null ? null : (JSON.parse(text) as unknown);
}

/** The error of an earlier run, as far as it was recorded. */
function failureOf(info: ErrorInfo | null): Error {
  const error = new Error(info?.exc_message ?? "The step failed.");
  error.name = info?.exc_type ?? "Error";
  return error;
}
