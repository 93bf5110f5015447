import {
  Lovage,
  LovageError,
  MAX_KEPT_ATTEMPTS,
  MaxRetriesExceededError,
  Registry,
  Retry,
  runAttempt,
  runBatch,
  signature,
  type AnyTaskDefinition,
  type AttemptRecord,
  type CallOptions,
  type ErrorInfo,
  type FinishedTask,
  type Outcome,
  type ParamsSchema,
  type ReportedState,
  type Signature,
  type SubmitAnswer,
  type TaskDefinition,
  type TaskRoutes,
  type TaskSpec,
  type TerminalState,
} from "#engine";
import { systemClock, systemRandom } from "#platform/system.ts";
import type { z } from "zod";
import { EagerTask, type EagerMemory } from "./eager-task.ts";
import { ResultTexts, TEST_OWNER, testSettings } from "./settings.ts";

/** A task that is retried for ever is given up after this many retries. */
const MAX_EAGER_RETRIES = 1_000;

/** What became of a call that ran in its caller. */
export interface EagerAnswer<Result = unknown> {
  readonly taskId: string;
  readonly state: TerminalState;
  /** As JSON carries it; null unless it succeeded. */
  readonly result: Result | null;
  /** What it failed with; null unless it failed. */
  readonly error: ErrorInfo | null;
  /** As a deployment would keep it: attempts with their errors and log lines. */
  readonly record: FinishedTask;
  /** The states that its handler reported (`ctx.progress`, `ctx.updateState`), oldest first. */
  readonly reported: readonly ReportedState[];
}

interface EagerOptions<Services> {
  readonly tasks: readonly AnyTaskDefinition<Services>[];
  readonly services: Services;
  /** True: what a task fails with is thrown at its caller. Default false: it is in the answer. */
  readonly propagates?: boolean;
  readonly routes?: TaskRoutes;
}

/**
 * Calls that run at once in their caller (Celery's `task_always_eager`, `celery/app/task.py` apply()):
 * without a ledger, so that countdown, eta, expires, uniqueness and rates mean nothing, and retries follow
 * without waiting.
 */
export function createEagerLovage<Services>(
  options: EagerOptions<Services>,
): EagerLovage<Services> {
  return new EagerLovage(options);
}

export class EagerLovage<Services> {
  /** Of all tasks that ran, those that handlers called too, in the order in which they ended. */
  readonly answers: EagerAnswer[] = [];
  readonly #options: EagerOptions<Services>;
  readonly #registry: Registry<Services>;
  readonly #lovage: Lovage;
  readonly #results = new ResultTexts();

  constructor(options: EagerOptions<Services>) {
    this.#options = options;
    this.#registry = new Registry(options.tasks);
    this.#lovage = new Lovage({
      registry: this.#registry,
      submitter: { submit: (specs) => this.#submit(specs) },
      settings: testSettings(1, options.routes),
      clock: systemClock,
      random: systemRandom,
      owner: TEST_OWNER,
    });
  }

  delay<Schema extends ParamsSchema, Result, Needed>(
    task: TaskDefinition<Schema, Result, Needed>,
    params: z.input<Schema>,
  ): Promise<EagerAnswer<Result>> {
    return this.applyAsync(task, params);
  }

  applyAsync<Schema extends ParamsSchema, Result, Needed>(
    task: TaskDefinition<Schema, Result, Needed>,
    params: z.input<Schema>,
    options: CallOptions = {},
  ): Promise<EagerAnswer<Result>> {
    return this.send(signature<Result>(task.name, params, options));
  }

  /** @throws UnknownTaskError, InvalidArgumentsError, InvalidOptionError as deployed, before it runs */
  async send<Result>(call: Signature<Result>): Promise<EagerAnswer<Result>> {
    const { taskId } = await this.#lovage.send(call);
    const answer = this.answers.findLast((one) => one.taskId === taskId);
    if (answer === undefined) throw new Error(`${taskId} has not run.`);
    return answer as EagerAnswer<Result>;
  }

  async #submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    for (const spec of specs) await this.#run(spec);
    return specs.map(() => "accepted");
  }

  async #run(spec: TaskSpec): Promise<void> {
    const memory: EagerMemory = { steps: new Map(), reported: [] };
    const attempts: AttemptRecord[] = [];
    const submittedAt = systemClock.now();
    for (;;) {
      const { outcome, thrown, attempt } = await this.#attempt(spec, attempts.length, memory);
      attempts.push(attempt);
      if (outcome.kind === "retry") {
        if (attempts.length <= MAX_EAGER_RETRIES) continue;
        const many = `${spec.name} was retried ${MAX_EAGER_RETRIES} times without an end.`;
        throw new LovageError("too_many_retries", many, { cause: thrown });
      }
      const record = this.#record(spec, { outcome, attempts, submittedAt });
      this.answers.push({
        taskId: spec.id,
        state: record.state,
        result: this.#results.resultOf(record),
        error: record.error,
        record,
        reported: memory.reported,
      });
      if (outcome.kind !== "failure") return;
      for (const errback of spec.options.link_error ?? []) await this.#run(errback);
      if (this.#options.propagates === true) throw thrown;
      return;
    }
  }

  async #attempt(spec: TaskSpec, retries: number, memory: EagerMemory) {
    const { id, name, kwargs, owner, options } = spec;
    const declared = this.#registry.get(name);
    let thrown: unknown = null;
    // Sees everything that an attempt may fail with, before it becomes text.
    const clarifyError = (error: unknown): unknown => {
      const clear = declared.clarifyError(error);
      thrown = clear;
      if (clear instanceof Retry) thrown = clear.cause ?? new MaxRetriesExceededError(name, id);
      return clear;
    };
    const definition: AnyTaskDefinition<Services> = { ...declared, clarifyError };
    const registry = new Registry<Services>([definition]);
    const task = new EagerTask(
      { id, name, kwargs, owner, options, attempt: retries + 1, retries },
      definition,
      {
        services: this.#options.services,
        lovageFor: () => this.#lovage,
        largeResults: this.#results,
      },
      memory,
    );
    const stopWatch = task.watchLimits();
    const running =
      definition.batch === null
        ? runAttempt(registry, task, systemRandom.float())
        : runBatch(registry, definition, [task], this.#options.services, () =>
            systemRandom.float(),
          )[0];
    const outcome = (await running) ?? { kind: "ignore" as const };
    stopWatch();
    const logs = task.notes?.logs() ?? null;
    const attempt: AttemptRecord = {
      attempt: retries + 1,
      startedAt: task.startedAt,
      finishedAt: systemClock.now(),
      outcome: outcomeName(outcome),
      error: "error" in outcome ? outcome.error : null,
      ...(logs !== null && { logs }),
    };
    return { outcome, thrown, attempt };
  }

  #record(
    spec: TaskSpec,
    end: { outcome: Outcome; attempts: AttemptRecord[]; submittedAt: number },
  ): FinishedTask {
    const { outcome, attempts, submittedAt } = end;
    const { unique: _unique, key: _key, ...same } = spec;
    const isSuccess = outcome.kind === "success";
    return {
      ...same,
      state: isSuccess ? "SUCCESS" : outcome.kind === "ignore" ? "IGNORED" : "FAILURE",
      result: isSuccess ? outcome.result : null,
      error: outcome.kind === "failure" ? outcome.error : null,
      retries: attempts.length - 1,
      submittedAt,
      attempts: attempts.slice(-MAX_KEPT_ATTEMPTS),
      finishedAt: systemClock.now(),
      isDeadLettered: outcome.kind === "failure",
      ...(isSuccess && outcome.large !== undefined && { large: outcome.large }),
    };
  }
}

function outcomeName({ kind }: Outcome): AttemptRecord["outcome"] {
  if (kind === "ignore") return "ignored";
  return kind === "suspend" ? "suspended" : kind;
}
