import type { TaskContext } from "./context.ts";
import type { AnyTaskDefinition, BatchCall } from "./definition.ts";
import {
  describeError,
  Ignore,
  InputError,
  InvalidArgumentsError,
  InvalidOptionError,
  LovageError,
  MaxRetriesExceededError,
  Reject,
  ResultError,
  Retry,
  RetryAfterError,
  TimeLimitExceeded,
  UnknownTaskError,
} from "./errors.ts";
import { isLargerThan } from "./json.ts";
import type { Registry } from "./registry.ts";
import { askedDelayMs } from "./retry-after.ts";
import { hasRetryLeft, retryDelayMs } from "./retry.ts";
import { SecretUnreadableError } from "./secrets.ts";
import { MAX_CANVAS_BYTES } from "./canvas/budget.ts";
import { withArgument, type InputRef, type Plan } from "./canvas/plan.ts";
import { Replaced } from "./canvas/replaced.ts";
import { StepLimitError, StepOrderError, Suspend } from "./steps.ts";
import {
  MAX_LARGE_RESULT_BYTES,
  MAX_RESULT_BYTES,
  type ClaimedTask,
  type LargeResult,
  type Outcome,
} from "./wire.ts";

/** A result that could not be stored is made again after this. */
const STORE_AGAIN_SECONDS = 10;
/** And so is an argument read that is kept elsewhere. */
const LOAD_AGAIN_SECONDS = 10;
/** A task that is given back to its queue comes again after this. */
const REQUEUE_MS = 1_000;
/** A hundred years. */
const MAX_RETRY_DELAY_MS = 100 * 365 * 86_400_000;

/** One attempt on its way: the task, what its handler gets, and what stops it. */
export interface Attempt<Services> {
  readonly task: ClaimedTask;
  readonly ctx: TaskContext<Services>;
  /** Resolves with the reason when the attempt must end now, whatever its handler does. */
  readonly cut: Promise<Error>;
  /** Told of what the handler is still at when its attempt was cut. */
  outlivedBy(work: Promise<unknown>): void;
  /** Members that its handler adds to the group it is in. */
  readonly added: readonly Plan[];
  /** JSON text of an argument that is kept elsewhere. @throws when it can't be had just now */
  loadInput(ref: InputRef): Promise<string>;
  /** Keeps a result that is too large for a row. */
  storeLarge(text: string): Promise<LargeResult>;
}

/**
 * Runs one attempt: params → handler → result or error → outcome. Never throws and never logs; what
 * the outcome leads to is the ledger's business.
 * @param definition what runs it (`Registry.runnerOf`)
 * @param random in [0, 1), for the jitter of a retry
 */
export async function runAttempt<Services>(
  registry: Registry<Services>,
  definition: AnyTaskDefinition<Services> | null,
  attempt: Attempt<Services>,
  random: number,
): Promise<Outcome> {
  if (definition?.handler == null) {
    const error = describeError(new UnknownTaskError(attempt.task.name));
    return { kind: "failure", error };
  }
  try {
    const kwargs = kwargsOf(attempt);
    const text = typeof kwargs === "string" ? kwargs : await cutShort(attempt, kwargs);
    const params = registry.parse(attempt.task.name, text as string);
    const result = await cutShort(attempt, definition.handler(params, attempt.ctx));
    return withAdded(await succeed(definition, attempt, result), attempt.added);
  } catch (thrown) {
    return outcomeOfError(registry, definition, attempt.task, thrown, random);
  }
}

/**
 * Runs several attempts of one task in its batch handler: an outcome for each, in their order, each
 * as soon as it is known. A call whose params don't parse fails alone; a throw of the handler is every
 * call's error.
 */
export function runBatch<Services>(
  registry: Registry<Services>,
  definition: AnyTaskDefinition<Services>,
  attempts: readonly Attempt<Services>[],
  services: Services,
  random: () => number,
): Promise<Outcome>[] {
  const calls: BatchCall<unknown, Services>[] = [];
  // Of each attempt its place among the calls, or why it is in none.
  const places = Promise.allSettled(
    attempts.map(async (attempt) => {
      const kwargs = await cutShort(attempt, kwargsOf(attempt));
      const params: unknown = registry.parse(attempt.task.name, kwargs as string);
      return calls.push({ params, ctx: attempt.ctx }) - 1;
    }),
  );
  const answers = places.then(() => callBatchHandler(definition, calls, services));
  const answerTo = async (index: number) => {
    const place = (await places)[index];
    if (place?.status === "rejected") throw place.reason;
    return unwrap((await answers)[place?.value ?? -1]);
  };
  return attempts.map(async (attempt, index) => {
    try {
      const result = await cutShort(attempt, answerTo(index));
      return withAdded(await succeed(definition, attempt, result), attempt.added);
    } catch (thrown) {
      return outcomeOfError(registry, definition, attempt.task, thrown, random());
    }
  });
}

/** The arguments of a call, with the one that was too large for its row. */
function kwargsOf<Services>(attempt: Attempt<Services>): string | Promise<string> {
  const { kwargs, options } = attempt.task;
  const { input } = options;
  if (input === undefined) return kwargs;
  return attempt.loadInput(input).then(
    (text) => withArgument(kwargs, input.into, text),
    (cause: unknown) => {
      if (cause instanceof InputError) throw cause;
      throw new RetryAfterError(LOAD_AGAIN_SECONDS, "An argument could not be read.", { cause });
    },
  );
}

/** Never rejects: what the handler throws becomes the answer to every call. */
async function callBatchHandler<Services>(
  definition: AnyTaskDefinition<Services>,
  calls: readonly BatchCall<unknown, Services>[],
  services: Services,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  try {
    if (definition.batch === null || calls.length === 0) return [];
    return await definition.batch.handler(calls, services);
  } catch (reason) {
    return calls.map(() => ({ status: "rejected", reason }));
  }
}

function unwrap(answer: PromiseSettledResult<unknown> | undefined): unknown {
  if (answer === undefined) throw new ResultError("The batch handler gave no answer to this call.");
  if (answer.status === "rejected") throw answer.reason;
  return answer.value;
}

/** The handler's result, or a throw of the reason for which the attempt was cut. */
async function cutShort<Services>(attempt: Attempt<Services>, result: unknown): Promise<unknown> {
  // Not only promises: an ORM's query, returned as it is, is waited for too.
  if (!isThenable(result)) return result;
  // Once: it would run again for whoever else waits for it.
  const work = Promise.resolve(result);
  return Promise.race([
    work,
    attempt.cut.then((reason) => {
      attempt.outlivedBy(work);
      throw reason;
    }),
  ]);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function succeed<Services>(
  definition: { readonly ignoreResult: boolean },
  attempt: Attempt<Services>,
  result: unknown,
): Outcome | Promise<Outcome> {
  const { task } = attempt;
  const isIgnored = task.options.ignore_result ?? definition.ignoreResult;
  if (isIgnored && task.passesOn !== true) return { kind: "success", result: null };
  // undefined has no JSON; a handler that returns nothing has the result null.
  const text = JSON.stringify(result === undefined ? null : result) as string | undefined;
  if (text === undefined) throw new ResultError(`A ${typeof result} can't be stored as a result.`);
  if (isLargerThan(text, MAX_RESULT_BYTES)) return storeLarge(attempt, text);
  return { kind: "success", result: text, ...(isIgnored && { isIgnored }) };
}

/**
 * Members are added with the success: an attempt that is tried again adds none twice. More than any canvas takes is
 * not even sent: the call that settles it would not get through, nor what else it brings.
 */
function withAdded(outcome: Outcome, adds: readonly Plan[]): Outcome {
  if (outcome.kind !== "success" || adds.length === 0) return outcome;
  if (!isLargerThan(JSON.stringify(adds), MAX_CANVAS_BYTES)) return { ...outcome, adds };
  const message = `A canvas takes at most ${MAX_CANVAS_BYTES} bytes of JSON.`;
  return { kind: "failure", error: describeError(new LovageError("canvas_full", message)) };
}

/** Before the outcome is settled: a task that succeeded has its result. */
async function storeLarge<Services>(attempt: Attempt<Services>, text: string): Promise<Outcome> {
  if (isLargerThan(text, MAX_LARGE_RESULT_BYTES)) {
    throw new ResultError(`The result has more than ${MAX_LARGE_RESULT_BYTES} bytes of JSON.`);
  }
  const stored = attempt.storeLarge(text).catch((cause: unknown) => {
    throw new RetryAfterError(STORE_AGAIN_SECONDS, "The result could not be stored.", { cause });
  });
  const large = (await cutShort(attempt, stored)) as LargeResult;
  return { kind: "success", result: null, large };
}

/** What becomes of an attempt that threw: the outcome, before its error is put into words. */
type Decision =
  | { readonly kind: "ignore" }
  | { readonly kind: "failure"; readonly thrown: unknown }
  | { readonly kind: "retry"; readonly delayMs: number; readonly thrown: unknown };

/** An outcome, whatever was thrown. Never throws: without one an attempt would never end. */
function outcomeOfError<Services>(
  registry: Registry<Services>,
  definition: AnyTaskDefinition<Services>,
  task: ClaimedTask,
  thrown: unknown,
  random: number,
): Outcome {
  let decision: Decision;
  try {
    if (thrown instanceof Suspend) return thrown.outcome;
    if (thrown instanceof Replaced) return thrown.outcome;
    decision = decide(definition, task, definition.clarifyError(thrown), random);
  } catch {
    // It can't even be looked at: a Proxy, an error whose getters throw.
    decision = fail(thrown);
  }
  if (decision.kind === "ignore") return decision;
  const { thrown: reason, ...rest } = decision;
  return { ...rest, error: registry.describe(task, reason) };
}

/** The one place that decides what becomes of an attempt that threw. */
function decide<Services>(
  definition: AnyTaskDefinition<Services>,
  task: ClaimedTask,
  thrown: unknown,
  random: number,
): Decision {
  const { retryPolicy } = definition;
  const maxRetries =
    task.options.max_retries === undefined ? retryPolicy.maxRetries : task.options.max_retries;
  const isRetryLeft = hasRetryLeft({ maxRetries }, task.retries);
  if (thrown instanceof Ignore) return { kind: "ignore" };
  if (thrown instanceof Reject) {
    return thrown.isRequeued && isRetryLeft ? retry(REQUEUE_MS, thrown) : fail(thrown);
  }
  if (thrown instanceof Retry) {
    const cause = thrown.cause ?? null;
    const own = thrown.maxRetries === undefined ? maxRetries : thrown.maxRetries;
    if (!hasRetryLeft({ maxRetries: own }, task.retries))
      return fail(cause ?? new MaxRetriesExceededError(task.name, task.id));
    const seconds = thrown.countdownSeconds ?? retryPolicy.defaultRetryDelaySeconds;
    if (Number.isNaN(seconds) || seconds * 1_000 > MAX_RETRY_DELAY_MS) {
      return fail(
        new InvalidOptionError("countdown", `${seconds} s is no time to wait for a retry.`),
      );
    }
    return retry(seconds * 1_000, cause ?? thrown);
  }
  // As in Celery the hard limit ends the task: the handler may still be at it, so no second one starts.
  if (thrown instanceof TimeLimitExceeded) return fail(thrown);
  // What is done can't be known, or can't be kept: another attempt would meet the same.
  if (thrown instanceof StepOrderError || thrown instanceof StepLimitError) return fail(thrown);
  const askedMs = askedDelayMs(thrown);
  const isAutomatic =
    (askedMs !== null || definition.autoretryFor.some((type) => thrown instanceof type)) &&
    !definition.dontAutoretryFor.some((type) => thrown instanceof type);
  const isHopeless =
    thrown instanceof InvalidArgumentsError || thrown instanceof SecretUnreadableError;
  if (!isAutomatic || !isRetryLeft || isHopeless) return fail(thrown);
  const delayMs = retryDelayMs(retryPolicy, task.retries, random);
  return retry(Math.max(delayMs, askedMs ?? 0), thrown);
}

/** Milliseconds the ledger can keep: whole, not negative, not beyond all calendars. */
function retry(delayMs: number, thrown: unknown): Decision {
  const bounded = Math.max(0, Math.min(MAX_RETRY_DELAY_MS, Math.round(delayMs)));
  return { kind: "retry", delayMs: bounded, thrown };
}

function fail(thrown: unknown): Decision {
  return { kind: "failure", thrown };
}
