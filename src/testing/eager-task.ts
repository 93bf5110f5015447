import {
  checkStepOptions,
  describeError,
  InvalidOptionError,
  LovageError,
  reportedState,
  StepLimitError,
  StepOrderError,
  TimeLimitExceeded,
  type AnyTaskDefinition,
  type ClaimedTask,
  type ReportedState,
  type StepContext,
  type StepEntry,
  type StepRecord,
  type StepOptions,
} from "#engine";
import { resultText } from "#platform/consumer/step-values.ts";
import { Reports } from "#platform/consumer/reports.ts";
import { RunningSteps } from "#platform/consumer/running-steps.ts";
import { limitsOf, RunningTask, type AttemptSupplies } from "#platform/consumer/running.ts";
import { StepRecorder } from "#platform/consumer/step-recorder.ts";
import { systemClock, systemTimers } from "#platform/system.ts";

/** What the attempts of one eager task have in common. */
export interface EagerMemory {
  /** Steps that are done, by their number: as deployed a retry does not run them again. */
  readonly steps: Map<number, { readonly name: string; readonly text: string }>;
  /** Effects that were begun, by where they are kept. */
  readonly effects: Map<number, StepRecord>;
  /** The states that its handler reported, oldest first. */
  readonly reported: ReportedState[];
}

/** Nobody listens meanwhile: what an eager attempt said is read at its end. */
const UNHEARD = {
  clock: systemClock,
  timers: { after: () => () => undefined },
  send: () => Promise.resolve(),
};

/** One attempt that runs in the caller: its steps run in place, and its sleeps are over at once. */
export class EagerTask<Services> extends RunningTask<Services> {
  readonly #memory: EagerMemory;
  readonly #isBatch: boolean;
  #nextStep = 0;

  constructor(
    task: ClaimedTask,
    definition: AnyTaskDefinition<Services>,
    supplies: AttemptSupplies<Services>,
    memory: EagerMemory,
  ) {
    const limits = limitsOf(task, definition);
    const reports = new Reports(UNHEARD);
    const inputs = {
      input: () => Promise.reject(new Error("Eager tasks have all their arguments with them.")),
    };
    const now = systemClock.now();
    const isBatch = definition.batch !== null;
    const steps = (its: RunningTask<Services>) =>
      new RunningSteps(its, isBatch, effectParts(memory), () => undefined);
    const durable = { ...task, isDurable: true } as const;
    super(durable, task.attempt, now, limits, supplies, systemClock, reports, inputs, steps);
    this.#memory = memory;
    this.#isBatch = isBatch;
  }

  /** Applies the time limits until it is called off. */
  watchLimits(): () => void {
    const wait = () =>
      systemTimers.after(Math.max(0, this.deadline - systemClock.now()), () => {
        this.applyLimits(systemClock.now());
        if (this.deadline > systemClock.now()) cancel = wait();
      });
    let cancel = wait();
    return () => {
      cancel();
    };
  }

  override progress(meta: Readonly<Record<string, unknown>>): void {
    this.updateState("PROGRESS", meta);
  }

  override updateState(state: string, meta?: Readonly<Record<string, unknown>>): void {
    super.updateState(state, meta);
    this.#memory.reported.push(reportedState(state, meta));
  }

  override async step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions = {},
  ): Promise<T> {
    checkStepOptions(options);
    const index = this.#number();
    const known = this.#memory.steps.get(index);
    if (known !== undefined) {
      if (known.name === name) return JSON.parse(known.text) as T;
      throw new StepOrderError(`step '${known.name}'`);
    }
    const idempotencyKey = `${this.taskId}:${index}:${name}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const run = async () => fn({ signal: this.signal, attempt, idempotencyKey });
        const text = resultText("step", name, await within(options.timeLimitSeconds, run()));
        this.#memory.steps.set(index, { name, text });
        return JSON.parse(text) as T;
      } catch (error) {
        const isLast = attempt > (options.maxRetries ?? 0) || error instanceof StepLimitError;
        if (isLast || this.signal.aborted) throw error;
      }
    }
  }

  override async sleep(): Promise<void> {
    this.#number();
  }

  override async waitForEvent(name: string): Promise<unknown> {
    throw new LovageError(
      "no_events_in_eager_mode",
      `Nobody can send '${name}' to a task that runs in its caller: test it with createTestLovage() and its sendEvent().`,
    );
  }

  #number(): number {
    if (this.#isBatch) {
      throw new InvalidOptionError("batch", "durable steps need a handler that takes one call.");
    }
    this.#nextStep += 1;
    return this.#nextStep - 1;
  }
}

/** Effects as deployed, kept with the eager task. */
function effectParts({ effects }: EagerMemory) {
  return {
    ledger: {
      durable: async () => ({ steps: [...effects.values()], events: [], now: systemClock.now() }),
    },
    recorder: new StepRecorder({
      recordSteps: async (entries: readonly StepEntry[]) => {
        for (const { step } of entries) effects.set(step.index, step);
        return entries.map(() => true);
      },
    }),
    clock: systemClock,
    timers: systemTimers,
    // Of what steps fail with, which an eager task throws itself.
    registry: { describe: (_task: ClaimedTask, thrown: unknown) => describeError(thrown) },
  };
}

/** @throws TimeLimitExceeded when it takes longer */
async function within<T>(seconds: number | undefined, work: Promise<T>): Promise<T> {
  if (seconds === undefined) return work;
  const over = Promise.withResolvers<never>();
  const cancel = systemTimers.after(seconds * 1_000, () => {
    over.reject(new TimeLimitExceeded(seconds));
  });
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    cancel();
  }
}
