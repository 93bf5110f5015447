/**
 * Errors with a stable code. `code` is for machines and never changes, `retryable` says whether the
 * same call may succeed later, `field` names the option or parameter at fault where there is one.
 */
export class LovageError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly field: string | null;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; field?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.field = options.field ?? null;
  }
}

/** An option or declaration that can't work; thrown when it is given, never when the task runs. */
export class InvalidOptionError extends LovageError {
  /** The message without the field. */
  readonly reason: string;

  constructor(field: string, reason: string) {
    super("invalid_option", `${field}: ${reason}`, { field });
    this.reason = reason;
  }
}

/** No task is registered under this name. */
export class UnknownTaskError extends LovageError {
  constructor(name: string) {
    super("unknown_task", `No task is registered under the name '${name}'.`, { field: "name" });
  }
}

/** One argument that doesn't fit; `path` is a dotted path from the arguments' object. */
export interface ArgumentIssue {
  readonly path: string;
  readonly message: string;
}

/** Arguments that don't fit the params of the task. */
export class InvalidArgumentsError extends LovageError {
  readonly issues: readonly ArgumentIssue[];

  constructor(name: string, issues: readonly ArgumentIssue[]) {
    const list = issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ");
    super("invalid_arguments", `${name}: ${list}`, { field: issues[0]?.path ?? "kwargs" });
    this.issues = issues;
  }
}

/** One of several calls doesn't fit; `cause` says why. None of them was submitted. */
export class InvalidCallError extends LovageError {
  readonly index: number;
  override readonly cause: LovageError;

  constructor(index: number, cause: LovageError) {
    super("invalid_call", `Call ${index}: ${cause.message}`, { field: `${index}` });
    this.index = index;
    this.cause = cause;
  }
}

/** A part of a signature doesn't fit; `path` leads to it, `cause` says why. Nothing was submitted. */
export class InvalidSignatureError extends LovageError {
  readonly path: string;
  override readonly cause: LovageError;

  constructor(path: string, cause: LovageError) {
    super("invalid_signature", `${path}: ${cause.message}`, { field: path });
    this.path = path;
    this.cause = cause;
  }
}

/** Thrown by `ctx.retry()`: ends the attempt and asks for another (Celery's `Retry`). */
export class Retry extends Error {
  /** Seconds until the next attempt; null takes the task's `defaultRetryDelaySeconds`. */
  readonly countdownSeconds: number | null;
  /** Instead of the task's; null: for ever; undefined: the task's. */
  readonly maxRetries: number | null | undefined;

  constructor(
    options: {
      countdownSeconds?: number;
      maxRetries?: number | null;
      cause?: unknown;
      message?: string;
    } = {},
  ) {
    super(options.message ?? "Retry in a while", { cause: options.cause });
    this.name = "Retry";
    this.countdownSeconds = options.countdownSeconds ?? null;
    this.maxRetries = options.maxRetries;
  }
}

/**
 * Throw it to give a task back (Celery's `Reject`): without retries it becomes a dead letter, with
 * `requeue` it goes to the end of its queue and comes again after a second, as a retry.
 */
export class Reject extends Error {
  readonly isRequeued: boolean;

  constructor(reason: string, options: { requeue?: boolean; cause?: unknown } = {}) {
    super(reason, { cause: options.cause });
    this.name = "Reject";
    this.isRequeued = options.requeue ?? false;
  }
}

/** Throw it to end a task that is not worth a result (Celery's `Ignore`): its state is IGNORED. */
export class Ignore extends Error {
  constructor(reason = "Ignored") {
    super(reason);
    this.name = "Ignore";
  }
}

/**
 * Throw it when a provider says when to come back: the attempt is tried again, though not before then,
 * while retries are left, listed in `autoretryFor` or not. Any error with a number `retryAfterSeconds`
 * counts as one. At most a day is waited.
 */
export class RetryAfterError extends LovageError {
  readonly retryAfterSeconds: number;

  constructor(
    retryAfterSeconds: number,
    message = "The provider asks to come back later.",
    options: { cause?: unknown } = {},
  ) {
    super("retry_after", message, { retryable: true, ...options });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** `ctx.retry()` was called and no retry is left, and the caller gave no error of its own. */
export class MaxRetriesExceededError extends LovageError {
  constructor(name: string, taskId: string) {
    super("max_retries_exceeded", `Can't retry ${name}[${taskId}]: no retries left.`);
  }
}

/** The soft time limit passed: the reason of the handler's AbortSignal. */
export class SoftTimeLimitExceeded extends LovageError {
  constructor(seconds: number) {
    super("soft_time_limit_exceeded", `SoftTimeLimitExceeded(${seconds})`, { retryable: true });
  }
}

/** The hard time limit passed: the attempt is over, whatever the handler still does. */
export class TimeLimitExceeded extends LovageError {
  constructor(seconds: number) {
    super("time_limit_exceeded", `TimeLimitExceeded(${seconds})`);
  }
}

/** The consumer died with the task more often than a task may lose its consumer. */
export class WorkerLostError extends LovageError {
  constructor(losses: number) {
    super(
      "worker_lost",
      `The consumer was lost ${losses} times while this task ran alone; it is not tried again.`,
    );
  }
}

/** A handler's result that JSON can't carry, or that is larger than a result may be. */
export class ResultError extends LovageError {
  constructor(message: string) {
    super("result_not_storable", message);
  }
}

/** An argument that is kept elsewhere can't be had any more, or is larger than an argument may be. */
export class InputError extends LovageError {
  constructor(message: string) {
    super("input_unreadable", message);
  }
}

/** The task was called off, or expired before it could start; the reason of the AbortSignal. */
export class TaskRevokedError extends LovageError {
  constructor(reason: "revoked" | "terminated" | "expired") {
    super("task_revoked", reason);
  }
}

/** The lease of the running attempt is gone: another attempt may run, this one's result won't count. */
export class LeaseLostError extends LovageError {
  constructor() {
    super("lease_lost", "The lease of this attempt was lost; its result will not be recorded.");
  }
}

/** An error as it is stored and shown. The keys are those of Celery's failure result. */
export interface ErrorInfo {
  readonly exc_type: string;
  readonly exc_message: string;
  /** Stack, at most `MAX_TRACEBACK_LENGTH` characters; null for errors made by the ledger itself. */
  readonly traceback: string | null;
}

export const MAX_TRACEBACK_LENGTH = 4_000;
const MAX_MESSAGE_LENGTH = 2_000;

/**
 * Describes anything that was thrown: errors, strings, null, objects whose getters throw. Never throws.
 * @param clean takes out of a text what nobody may see; before it is cut, which could hide half of it
 */
export function describeError(
  thrown: unknown,
  clean: (text: string) => string = (text) => text,
): ErrorInfo {
  try {
    if (thrown instanceof Error) {
      return {
        exc_type: clip(clean(String(thrown.name || "Error")), 200),
        exc_message: clip(clean(String(thrown.message)), MAX_MESSAGE_LENGTH),
        traceback: thrown.stack ? clip(clean(String(thrown.stack)), MAX_TRACEBACK_LENGTH) : null,
      };
    }
    return {
      exc_type: thrown === null ? "null" : typeof thrown,
      exc_message: clip(clean(String(thrown)), MAX_MESSAGE_LENGTH),
      traceback: null,
    };
  } catch {
    return {
      exc_type: "unknown",
      exc_message: "An error that can't be described.",
      traceback: null,
    };
  }
}

/** Cuts to `length` UTF-16 units and mends a surrogate pair cut in half, so that UTF-8 can carry it. */
function clip(text: string, length: number): string {
  return (text.length > length ? text.slice(0, length) : text).toWellFormed();
}
