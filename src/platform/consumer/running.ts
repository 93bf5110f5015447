import {
  isMap,
  LovageError,
  Replaced,
  Retry,
  SoftTimeLimitExceeded,
  TimeLimitExceeded,
  traceIdOf,
  type Signature,
  type AnyTaskDefinition,
  type Attempt,
  type ClaimedTask,
  type Clock,
  type EffectContext,
  type InputRef,
  type LargeResult,
  type LargeResults,
  type Lovage,
  type Plan,
  type StepContext,
  type StepOptions,
  type TaskContext,
  type TaskLog,
} from "#engine";
import type { InputDoor } from "./door.ts";
import { loadInput } from "./inputs.ts";
import type { AttemptNotes, Reports } from "./reports.ts";
import type { RunningSteps } from "./running-steps.ts";

/** Replaced tasks within each other: each stays until what it became has ended. */
const MAX_NESTING = 100;

/** What every attempt of a consumer is given. */
export interface AttemptSupplies<Services> {
  readonly services: Services;
  readonly largeResults: LargeResults;
  /** @param trace what its calls belong to */
  lovageFor(owner: string, trace: string): Lovage;
  /** Lets the invocation run on for a handler that was stopped: it may be about to write down what it did. */
  readonly background?: (work: Promise<unknown>) => void;
}

/** The limits and retries that apply to one attempt: the call's, else the declaration's. */
export interface AttemptLimits {
  readonly maxRetries: number | null;
  readonly softTimeLimitSeconds: number | null;
  readonly timeLimitSeconds: number;
}

/** What holds for an attempt; of a task that nobody knows nothing does. */
export function limitsOf<Services>(
  { options }: ClaimedTask,
  definition: AnyTaskDefinition<Services> | null,
): AttemptLimits {
  return {
    maxRetries:
      options.max_retries === undefined
        ? (definition?.retryPolicy.maxRetries ?? null)
        : options.max_retries,
    softTimeLimitSeconds: options.soft_time_limit ?? definition?.softTimeLimitSeconds ?? null,
    timeLimitSeconds: options.time_limit ?? definition?.timeLimitSeconds ?? 0,
  };
}

/**
 * One attempt in this consumer: what its handler sees (`ctx`), and what stops it. Signal and cut are made
 * when somebody first asks for them: most handlers never do.
 */
export class RunningTask<Services> implements Attempt<Services>, TaskContext<Services> {
  readonly task: ClaimedTask;
  readonly token: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly services: Services;
  readonly maxRetries: number | null;
  readonly #supplies: AttemptSupplies<Services>;
  readonly #limits: AttemptLimits;
  #abort: AbortController | null = null;
  #cut: PromiseWithResolvers<Error> | null = null;
  readonly #clock: Clock;
  readonly #reports: Reports;
  readonly #ledger: InputDoor;
  readonly #makeSteps: (running: RunningTask<Services>) => RunningSteps;
  #steps: RunningSteps | null = null;
  #notes: AttemptNotes | null = null;
  #isSoftLimitOver = false;
  /** Its outcome is known, or counts no more. */
  isOver = false;
  /** It runs with others, in one call of their handler. */
  isBatched = false;

  constructor(
    task: ClaimedTask,
    token: number,
    startedAt: number,
    limits: AttemptLimits,
    supplies: AttemptSupplies<Services>,
    clock: Clock,
    reports: Reports,
    ledger: InputDoor,
    makeSteps: (running: RunningTask<Services>) => RunningSteps,
  ) {
    this.task = task;
    this.token = token;
    this.startedAt = startedAt;
    this.services = supplies.services;
    this.maxRetries = limits.maxRetries;
    this.#limits = limits;
    this.#supplies = supplies;
    this.#clock = clock;
    this.#reports = reports;
    this.#ledger = ledger;
    this.#makeSteps = makeSteps;
  }

  storeLarge(text: string): Promise<LargeResult> {
    return this.#supplies.largeResults.put(this.task.id, this.token, text);
  }

  loadInput(ref: InputRef): Promise<string> {
    return loadInput(ref, this.#ledger, this.#supplies.largeResults);
  }

  get ctx(): TaskContext<Services> {
    return this;
  }

  get slot(): Date | null {
    const { slot } = this.task.options;
    return slot === undefined ? null : new Date(slot);
  }

  get taskId(): string {
    return this.task.id;
  }

  get name(): string {
    return this.task.name;
  }

  get traceId(): string {
    return traceIdOf(this.task);
  }

  get attempt(): number {
    return this.task.attempt;
  }

  get retries(): number {
    return this.task.retries;
  }

  get signal(): AbortSignal {
    return this.#aborting().signal;
  }

  get cut(): Promise<Error> {
    return this.#cutting().promise;
  }

  get lovage(): Lovage {
    return this.#supplies.lovageFor(this.task.owner, this.traceId);
  }

  /** What it has said so far; null: nothing, like most. */
  get notes(): AttemptNotes | null {
    return this.#notes;
  }

  /** Members for its group, sent with its success. */
  readonly added: Plan[] = [];

  replace(call: Signature): never {
    this.#refuseInMap();
    if ((this.task.options.canvas?.nesting ?? 0) >= MAX_NESTING) {
      throw new LovageError(
        "replaced_too_often",
        `A task may be replaced ${MAX_NESTING} times within each other: repeat it with ctx.retry() or ctx.sleep().`,
      );
    }
    throw new Replaced({ kind: "replace", ...this.lovage.plan(call, this.task.id) });
  }

  addToGroup(call: Signature): void {
    this.#refuseInMap();
    if (this.task.options.canvas?.group !== true) {
      throw new LovageError("no_group", `${this.task.id} is in no group.`);
    }
    this.added.push(this.lovage.plan(call, this.task.id).plan);
  }

  /** A map is one task for all its items: what one of them asked for would be all of it. */
  #refuseInMap(): void {
    if (!isMap(this.task.name)) return;
    throw new LovageError("not_in_a_map", "An item of a map can't change the canvas: use a group.");
  }

  progress(meta: Readonly<Record<string, unknown>>): void {
    this.#opened().updateState("PROGRESS", meta);
  }

  updateState(state: string, meta?: Readonly<Record<string, unknown>>): void {
    this.#opened().updateState(state, meta);
  }

  get log(): TaskLog {
    return this.#opened().log;
  }

  step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions = {},
  ): Promise<T> {
    return this.#recorded().durable.step(name, fn, options);
  }

  once<T>(name: string, fn: (effect: EffectContext) => T | Promise<T>): Promise<T> {
    return this.#recorded().effects.once(name, fn);
  }

  sleep(time: number | { readonly until: Date }): Promise<void> {
    return this.#recorded().durable.sleep(time);
  }

  waitForEvent(name: string, options: { timeoutSeconds?: number } = {}): Promise<unknown> {
    return this.#recorded().durable.waitForEvent(name, options.timeoutSeconds ?? null);
  }

  #aborting(): AbortController {
    return (this.#abort ??= new AbortController());
  }

  #cutting(): PromiseWithResolvers<Error> {
    return (this.#cut ??= Promise.withResolvers());
  }

  #recorded(): RunningSteps {
    return (this.#steps ??= this.#makeSteps(this));
  }

  #opened(): AttemptNotes {
    return (this.#notes ??= this.#reports.open(this.task.id, this.token, this.isOver));
  }

  retry(
    options: {
      countdown?: number;
      eta?: Date;
      maxRetries?: number | null;
      cause?: unknown;
    } = {},
  ): never {
    const { countdown, eta, maxRetries, cause } = options;
    const seconds =
      countdown ?? (eta === undefined ? undefined : (eta.getTime() - this.#clock.now()) / 1_000);
    throw new Retry({
      ...(seconds !== undefined && { countdownSeconds: seconds }),
      ...(maxRetries !== undefined && { maxRetries }),
      cause,
    });
  }

  /** When the next limit passes, epoch ms. */
  get deadline(): number {
    const { softTimeLimitSeconds: soft, timeLimitSeconds: hard } = this.#limits;
    const seconds = soft === null || this.#isSoftLimitOver ? hard : soft;
    return this.startedAt + seconds * 1_000;
  }

  /** Applies the limits that have passed by now. */
  applyLimits(now: number): void {
    const { softTimeLimitSeconds: soft, timeLimitSeconds: hard } = this.#limits;
    if (now >= this.startedAt + hard * 1_000) {
      this.stop(new TimeLimitExceeded(hard));
    } else if (soft !== null && !this.#isSoftLimitOver && now >= this.startedAt + soft * 1_000) {
      this.#isSoftLimitOver = true;
      this.#aborting().abort(new SoftTimeLimitExceeded(soft));
    }
  }

  outlivedBy(work: Promise<unknown>): void {
    // One that was left waits for what never comes.
    if (this.#abort?.signal.aborted !== true) return;
    this.#supplies.background?.(work.catch(() => undefined));
  }

  /** Ends the run now without telling the handler: it waits for what never comes. */
  leave(reason: Error): void {
    this.isOver = true;
    this.#cutting().resolve(reason);
  }

  /** Ends the attempt now: tells the handler, and no longer waits for it. */
  stop(reason: Error): void {
    this.isOver = true;
    this.#aborting().abort(reason);
    this.#cutting().resolve(reason);
  }
}
