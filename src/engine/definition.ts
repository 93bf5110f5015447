import type * as z from "zod";
import {
  checkInteger,
  checkMaxRetries,
  checkSeconds,
  checkTimeLimits,
  MAX_PRIORITY,
  MAX_TIME_LIMIT_SECONDS,
} from "./checks.ts";
import { InvalidOptionError } from "./errors.ts";
import { isUnlimited, parseRate, type LimitSet, type TaskLimits } from "./limits.ts";
import type { RetryPolicy } from "./retry.ts";
import type { TaskContext } from "./context.ts";
import { signatureOf, type Partially, type Signature, type SignatureOptions } from "./signature.ts";
import {
  declaredUniqueness,
  type DeclaredUniqueness,
  type PaceOptions,
  type UniqueOptions,
} from "./uniqueness.ts";

/** Object schema whose key order is the order of Celery's positional arguments. */
export type ParamsSchema = z.ZodObject<z.ZodRawShape>;

type ErrorClass = abstract new (...args: never[]) => Error;

const MAX_CONCURRENCY = 100_000;
/** The most calls a batch handler gets at once: one claim. */
export const MAX_BATCH_SIZE = 100;

/**
 * How a task behaves unless a call says otherwise. Names and defaults are Celery's
 * (`celery/app/task.py`); times are in seconds, as there.
 */
export interface TaskOptions extends PaceOptions {
  /** The queue its calls wait in. Default: as the deployment's routes say, else `default`. */
  readonly queue?: string;
  /** 0 … 9, higher first. Default: as the routes say, else 0. */
  readonly priority?: number;
  /** Retries after the first attempt; null for ever. Default 3. */
  readonly maxRetries?: number | null;
  /** Delay of a retry without countdown or backoff. Default 180. */
  readonly defaultRetryDelaySeconds?: number;
  /** Errors that are retried by themselves; any other error fails the task. Default none. */
  readonly autoretryFor?: readonly ErrorClass[];
  /** Exceptions to `autoretryFor`. Default none. */
  readonly dontAutoretryFor?: readonly ErrorClass[];
  /** Exponential backoff: true for a factor of 1 s, a number for that many; 0 as false. Default false. */
  readonly retryBackoff?: boolean | number;
  /** Default 600. */
  readonly retryBackoffMaxSeconds?: number;
  /** Full jitter on the backoff. Default true. */
  readonly retryJitter?: boolean;
  /** After this the handler's AbortSignal fires with `SoftTimeLimitExceeded`. Default none. */
  readonly softTimeLimitSeconds?: number | null;
  /** After this the attempt fails with `TimeLimitExceeded`. Default and maximum 840. */
  readonly timeLimitSeconds?: number;
  /**
   * False: only consumers run it. Otherwise, if its hard limit is at most MAX_EXPRESS_SECONDS and it is no batch, the
   * invocation that accepted a lone call may run it after its answer. To be declared for handlers that compute for
   * long: they would hold up the requests of their isolate. Default true.
   */
  readonly express?: boolean;
  /** Don't keep the result. Default false. */
  readonly ignoreResult?: boolean;
  /** Seconds after its end for which the result may be read. Default: as long as the history is kept. */
  readonly resultExpiresSeconds?: number;
  /**
   * At most so many starts in a time, over the whole deployment: "10/m", "100/h", "5/s" or a number per
   * second, evenly spaced, without bursts. Retries count. Default none.
   */
  readonly rateLimit?: string | number | null;
  /** At most so many run at once, over the whole deployment. Default none. */
  readonly concurrency?: number | null;
}

/** What calls are for (a customer, a tenant): keys share a queue fairly, and may each be limited. */
export interface KeyRules<Params> {
  /** The key of a call, 1 to 200 characters; null: none. A call may bring its own. */
  readonly of: (params: Params) => string | number | null;
  /** As `TaskOptions.rateLimit`, for the calls with the same key. */
  readonly rateLimit?: string | number | null;
  /** As `TaskOptions.concurrency`, for the calls with the same key. */
  readonly concurrency?: number | null;
}

/** One call as a batch handler gets it. */
export interface BatchCall<Params, Services> {
  readonly params: Params;
  readonly ctx: TaskContext<Services>;
}

type Handler<Params, Result, Services> = (
  params: Params,
  ctx: TaskContext<Services>,
) => Result | Promise<Result>;

/**
 * Takes up to `size` calls at once and answers one outcome per call, in their order; a throw fails (or
 * retries) all of them. Each call keeps its own retries, time limits and result.
 */
interface BatchHandler<Params, Result, Services> {
  readonly size: number;
  readonly handler: (
    calls: readonly BatchCall<Params, Services>[],
    services: Services,
  ) => Promise<readonly PromiseSettledResult<Result>[]>;
}

/** What a task is declared with: exactly one of `handler` and `batch`. */
export type TaskDeclaration<Schema extends ParamsSchema, Result, Services> = TaskOptions & {
  readonly name: string;
  readonly params: Schema;
  readonly key?: KeyRules<z.output<Schema>>;
  /**
   * A call like one that is there becomes no second task. True: while the other is unfinished, by the
   * arguments. Default false.
   */
  readonly unique?: boolean | UniqueOptions<z.output<Schema>>;
} & (
    | { readonly handler: Handler<z.output<Schema>, Result, Services>; readonly batch?: never }
    | { readonly batch: BatchHandler<z.output<Schema>, Result, Services>; readonly handler?: never }
  );

/** A declared task: its options resolved and checked, its name bound to its params and result. */
export interface TaskDefinition<
  Schema extends ParamsSchema = ParamsSchema,
  Result = unknown,
  Services = never,
  Name extends string = string,
> {
  readonly name: Name;
  readonly params: Schema;
  /** Null: as the deployment's routes say. */
  readonly queue: string | null;
  readonly priority: number | null;
  readonly retryPolicy: RetryPolicy;
  readonly autoretryFor: readonly ErrorClass[];
  readonly dontAutoretryFor: readonly ErrorClass[];
  readonly softTimeLimitSeconds: number | null;
  readonly timeLimitSeconds: number;
  /** Whether the invocation that accepted a call may run it, if the call's hard limit allows it. */
  readonly isExpress: boolean;
  readonly ignoreResult: boolean;
  readonly resultExpiresSeconds: number | null;
  /** Null: nothing limits it. */
  readonly limits: TaskLimits | null;
  readonly keyOf: ((params: z.output<Schema>) => string | number | null) | null;
  /** Null: every call is a task. */
  readonly uniqueness: DeclaredUniqueness<z.output<Schema>> | null;
  readonly clarifyError: (thrown: unknown) => unknown;
  readonly handler: Handler<z.output<Schema>, Result, Services> | null;
  readonly batch: BatchHandler<z.output<Schema>, Result, Services> | null;
  /**
   * A signature of this task: the call as a value, to be applied later. A required parameter that is left
   * out is filled by the link before it.
   */
  s<const Given extends Partial<z.input<Schema>>>(
    params: Given & Unknown<Given, z.input<Schema>>,
    options?: SignatureOptions,
  ): Partially<z.input<Schema>, Given, Result>;
  /** The same, immutable: it takes nothing from the link before it. */
  si(params: z.input<Schema>, options?: SignatureOptions): Signature<Result, unknown>;
}

/** Refuses parameters that there are not. */
type Unknown<Given, Input> = Readonly<Record<Exclude<keyof Given, keyof Input>, never>>;

/** What a definition's params accept, for callers. */
export type ParamsOf<Definition> =
  Definition extends TaskDefinition<infer Schema, infer _Result, infer _Services>
    ? z.input<Schema>
    : never;

/** What a definition's handler answers. */
export type ResultOf<Definition> =
  Definition extends TaskDefinition<infer _Schema, infer Result, infer _Services> ? Result : never;

/** Any definition, whatever its params and result: what a registry holds. */
// oxlint-disable-next-line typescript/no-explicit-any -- variance: a registry holds them all
export type AnyTaskDefinition<Services> = TaskDefinition<any, any, Services>;

/**
 * Declares a task once; everything else (typed calls, validation at the door, positional arguments)
 * follows from it. `createTaskDefiner<Services>()` fixes what handlers find under `ctx.services`.
 * @throws InvalidOptionError naming the field, when a value can't work
 */
export function createTaskDefiner<Services>({
  clarifyError = (thrown) => thrown,
}: {
  /** What a task is said to have failed with, given what its handler threw. Default: just that. */
  readonly clarifyError?: (thrown: unknown) => unknown;
} = {}) {
  return function defineTask<
    Schema extends ParamsSchema,
    Result,
    const Name extends string = string,
  >(
    declaration: TaskDeclaration<Schema, Result, Services> & { readonly name: Name },
  ): TaskDefinition<Schema, Result, Services, Name> {
    const name: Name = declaration.name;
    checkName(name);
    const timeLimitSeconds = declaration.timeLimitSeconds ?? MAX_TIME_LIMIT_SECONDS;
    const softTimeLimitSeconds = declaration.softTimeLimitSeconds ?? null;
    checkTimeLimits(softTimeLimitSeconds, timeLimitSeconds);
    const batch = declaration.batch ?? null;
    if (batch !== null) checkInteger("batch.size", batch.size, 1, MAX_BATCH_SIZE);
    return {
      name,
      params: declaration.params,
      queue: declaration.queue ?? null,
      priority:
        declaration.priority === undefined
          ? null
          : checkInteger("priority", declaration.priority, 0, MAX_PRIORITY),
      retryPolicy: retryPolicyOf(declaration),
      autoretryFor: declaration.autoretryFor ?? [],
      dontAutoretryFor: declaration.dontAutoretryFor ?? [],
      softTimeLimitSeconds,
      timeLimitSeconds,
      isExpress: batch === null && declaration.express !== false,
      ignoreResult: declaration.ignoreResult ?? false,
      resultExpiresSeconds:
        declaration.resultExpiresSeconds === undefined
          ? null
          : checkSeconds("resultExpiresSeconds", declaration.resultExpiresSeconds),
      limits: limitsOf(declaration, declaration.key),
      keyOf: declaration.key?.of ?? null,
      uniqueness: declaredUniqueness(declaration),
      clarifyError,
      handler: declaration.handler ?? null,
      batch,
      s: (params, options = {}) => signatureOf(name, params, options, false),
      si: (params, options = {}) => signatureOf(name, params, options, true),
    };
  };
}

function limitsOf(
  all: Pick<TaskOptions, "rateLimit" | "concurrency">,
  perKey: Pick<TaskOptions, "rateLimit" | "concurrency"> = {},
): TaskLimits | null {
  const limits: TaskLimits = { ...limitSet("", all), perKey: limitSet("key.", perKey) };
  return isUnlimited(limits) && isUnlimited(limits.perKey) ? null : limits;
}

function limitSet(
  path: string,
  { rateLimit = null, concurrency = null }: Pick<TaskOptions, "rateLimit" | "concurrency">,
): LimitSet {
  if (concurrency !== null) checkInteger(`${path}concurrency`, concurrency, 1, MAX_CONCURRENCY);
  return { rate: parseRate(`${path}rateLimit`, rateLimit), concurrency };
}

function retryPolicyOf(options: TaskOptions): RetryPolicy {
  const maxRetries = checkMaxRetries(options.maxRetries === undefined ? 3 : options.maxRetries);
  const backoff = options.retryBackoff ?? false;
  // As in Celery 0 is no backoff: retries without any wait are a `defaultRetryDelaySeconds` of 0.
  const factor = backoff === true ? 1 : backoff === false || backoff === 0 ? null : backoff;
  if (factor !== null) checkSeconds("retryBackoff", factor);
  return {
    maxRetries,
    defaultRetryDelaySeconds: checkSeconds(
      "defaultRetryDelaySeconds",
      options.defaultRetryDelaySeconds ?? 180,
    ),
    retryBackoffSeconds: factor,
    retryBackoffMaxSeconds: checkSeconds(
      "retryBackoffMaxSeconds",
      options.retryBackoffMaxSeconds ?? 600,
    ),
    retryJitter: options.retryJitter ?? true,
  };
}

function checkName(name: string): void {
  if (!/^[A-Za-z_][\w.-]{0,199}$/.test(name)) {
    throw new InvalidOptionError(
      "name",
      `'${name}' is not a task name (a letter or _, then letters, digits, _ . -; at most 200).`,
    );
  }
}
