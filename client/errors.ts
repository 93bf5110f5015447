import type { components } from "./api.ts";

/** A refusal of the deployment. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** What is wrong, for programs; null: the answer was no problem+json. */
  readonly code: string | null;
  /** What doesn't fit, field by field. */
  readonly errors: readonly components["schemas"]["FieldError"][];

  constructor(status: number, problem: components["schemas"]["Problem"] | undefined) {
    super(problem?.detail ?? `The deployment answered ${status}.`);
    this.status = status;
    this.code = problem?.code ?? null;
    this.errors = problem?.errors ?? [];
  }
}

/** A task that ended without a result. */
export class TaskFailedError extends Error {
  override readonly name = "TaskFailedError";
  readonly taskId: string;
  readonly state: string;
  /** Null: it has none, as a task that was called off. */
  readonly error: components["schemas"]["TaskError"] | null;

  constructor(taskId: string, state: string, error: components["schemas"]["TaskError"] | null) {
    super(error === null ? `The task is ${state}.` : `${error.exc_type}: ${error.exc_message}`);
    this.taskId = taskId;
    this.state = state;
    this.error = error;
  }
}

/** A task that had not ended when the time was up; it goes on. */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";
  readonly taskId: string;
  readonly state: string;

  constructor(taskId: string, state: string) {
    super(`The task is still ${state}.`);
    this.taskId = taskId;
    this.state = state;
  }
}
