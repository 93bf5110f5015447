import {
  canvasSpec,
  Lovage,
  LovageError,
  MaxRetriesExceededError,
  Registry,
  release,
  Retry,
  runAttempt,
  runBatch,
  signature,
  UnknownTaskError,
  type AnyTaskDefinition,
  type AttemptRecord,
  type Callback,
  type CallOptions,
  type ErrorInfo,
  type FinishedTask,
  type ParamsSchema,
  type Plan,
  type ReportedState,
  type Signature,
  type SubmitAnswer,
  type TaskDefinition,
  type TaskRoutes,
  type TaskSpec,
  type TerminalState,
  type Value,
} from "#engine";
import { systemClock, systemRandom } from "#platform/system.ts";
import type * as z from "zod";
import { runEagerCanvas, type EagerEnd } from "./eager-canvas.ts";
import { attemptOutcome, EAGER_STATE_OF, recordOf } from "./eager-records.ts";
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
    for (const spec of specs) await this.#runAny(spec);
    return specs.map(() => "accepted");
  }

  async #runAny(spec: TaskSpec): Promise<void> {
    if (spec.plan === undefined) await this.#run(spec);
    else await this.#runCanvas(spec, spec.plan, null);
  }

  /** A canvas, or what a task is replaced with: its record stands for the whole. */
  async #runCanvas(spec: TaskSpec, plan: Plan, input: Value | null): Promise<EagerEnd> {
    const submittedAt = systemClock.now();
    const end = await runEagerCanvas(spec.options.base ?? spec.id, plan, input, {
      owner: spec.owner,
      now: () => systemClock.now(),
      keyOf: (name, kwargs) => this.#registry.keyOf(name, kwargs),
      runTask: (member) => this.#run(member),
      callBack: (callback, value) => this.#callBack(callback, value),
      dropped: async (member, { state, error, taskId }) => {
        const outcome = { state, result: null, error, attempts: [], submittedAt };
        const dropped = recordOf(member, outcome);
        this.#keep(member, dropped, []);
        await this.#callBacks(dropped, "null", taskId);
      },
    });
    const text = "value" in end && "text" in end.value ? end.value.text : null;
    const record = recordOf(spec, {
      state: "value" in end ? "SUCCESS" : end.state,
      result: text,
      error: "value" in end ? null : end.error,
      attempts: [],
      submittedAt,
    });
    this.#keep(spec, record, []);
    await this.#callBacks(record, text ?? "null", "value" in end ? spec.id : end.taskId);
    return { record, text: text ?? "null", added: [] };
  }

  #keep(spec: TaskSpec, record: FinishedTask, reported: readonly ReportedState[]): void {
    const { state, error } = record;
    const result = this.#results.resultOf(record);
    this.answers.push({ taskId: spec.id, state, result, error, record, reported });
  }

  /** What an end sets off. */
  async #callBacks(record: FinishedTask, text: string, failedId: string): Promise<void> {
    const { link = [], link_error: errbacks = [] } = record.options;
    if (record.state === "SUCCESS") {
      for (const callback of link) await this.#callBack(callback, { text });
    } else if (record.state === "FAILURE") {
      const input = { text: JSON.stringify(failedId) };
      for (const callback of errbacks) await this.#callBack(callback, input);
    }
  }

  async #callBack({ id, plan }: Callback, input: Value): Promise<void> {
    const [first] = plan.nodes;
    if (first?.kind !== "task" || plan.nodes.length > 2) {
      const spec = canvasSpec(id, TEST_OWNER, plan, null);
      await this.#runCanvas(spec, plan, input);
      return;
    }
    const keyOf = (name: string, kwargs: string) => this.#registry.keyOf(name, kwargs);
    const now = systemClock.now();
    await this.#run(release(first.call, { id, owner: TEST_OWNER, now, input, keyOf, trace: null }));
  }

  async #run(spec: TaskSpec): Promise<EagerEnd> {
    const memory: EagerMemory = { steps: new Map(), effects: new Map(), reported: [] };
    const attempts: AttemptRecord[] = [];
    const submittedAt = systemClock.now();
    for (;;) {
      const { outcome, thrown, attempt, added } = await this.#attempt(
        spec,
        attempts.length,
        memory,
      );
      attempts.push(attempt);
      if (outcome.kind === "retry") {
        if (attempts.length <= MAX_EAGER_RETRIES) continue;
        const many = `${spec.name} was retried ${MAX_EAGER_RETRIES} times without an end.`;
        throw new LovageError("too_many_retries", many, { cause: thrown });
      }
      if (outcome.kind === "replace") {
        const { base } = outcome;
        const replaced = { ...spec, options: { ...spec.options, base } };
        return this.#runCanvas(replaced, outcome.plan, null);
      }
      const state = EAGER_STATE_OF[outcome.kind];
      const error = outcome.kind === "failure" ? outcome.error : null;
      const result =
        outcome.kind === "success" && outcome.isIgnored !== true ? outcome.result : null;
      const large = outcome.kind === "success" ? outcome.large : undefined;
      const record = recordOf(spec, { state, result, error, attempts, submittedAt, large });
      this.#keep(spec, record, memory.reported);
      const passed = outcome.kind === "success" ? outcome.result : null;
      const text =
        large === undefined ? (passed ?? "null") : JSON.stringify(this.#results.resultOf(record));
      await this.#callBacks(record, text, spec.id);
      // A member's failure is its canvas's.
      const isMember = spec.options.canvas !== undefined;
      if (outcome.kind === "failure" && this.#options.propagates === true && !isMember)
        throw thrown;
      return { record, text, added };
    }
  }

  async #attempt(spec: TaskSpec, retries: number, memory: EagerMemory) {
    const { id, name, kwargs, owner, options } = spec;
    const declared = this.#registry.runnerOf(spec);
    if (declared === null) throw new UnknownTaskError(name);
    let thrown: unknown = null;
    // Sees everything that an attempt may fail with, before it becomes text.
    const clarifyError = (error: unknown): unknown => {
      const clear = declared.clarifyError(error);
      thrown = clear;
      if (clear instanceof Retry) thrown = clear.cause ?? new MaxRetriesExceededError(name, id);
      return clear;
    };
    const definition: AnyTaskDefinition<Services> = { ...declared, clarifyError };
    const passesOn = options.link !== undefined || options.canvas !== undefined;
    const task = new EagerTask(
      {
        id,
        name,
        kwargs,
        owner,
        options,
        attempt: retries + 1,
        retries,
        ...(passesOn && { passesOn }),
      },
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
        ? runAttempt(this.#registry, definition, task, systemRandom.float())
        : runBatch(this.#registry, definition, [task], this.#options.services, () =>
            systemRandom.float(),
          )[0];
    const outcome = (await running) ?? { kind: "ignore" as const };
    stopWatch();
    const logs = task.notes?.logs() ?? null;
    const attempt: AttemptRecord = {
      attempt: retries + 1,
      startedAt: task.startedAt,
      finishedAt: systemClock.now(),
      outcome: attemptOutcome(outcome),
      error: "error" in outcome ? outcome.error : null,
      ...(logs !== null && { logs }),
    };
    return { outcome, thrown, attempt, added: task.added };
  }
}
