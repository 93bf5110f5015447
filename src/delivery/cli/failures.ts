/** What the command ends with. The numbers of 69 and above are those of sysexits.h, as with `celery`. */
export const EXIT = {
  ok: 0,
  /** A task failed, or what was asked for was refused. */
  failed: 1,
  /** The command line is wrong; nothing was sent. */
  usage: 2,
  /** Nothing answered, or not the deployment. */
  unavailable: 69,
  /** A task that was waited for goes on. */
  unfinished: 75,
  /** No valid token, or one that may not do this. */
  forbidden: 77,
  /** SIGHUP: its terminal is gone. */
  hungUp: 129,
  /** Ctrl-C. */
  interrupted: 130,
  /** Whoever read the output went away. */
  brokenPipe: 141,
  /** SIGTERM. */
  terminated: 143,
} as const;

/** What ends a command, in words for people; never shown with a stack. */
export class CommandError extends Error {
  readonly exitCode: number;
  /** Lines below the message. */
  readonly hints: readonly string[];

  constructor(message: string, exitCode: number, hints: readonly string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.hints = hints;
  }
}

/** The command line doesn't fit; found before anything is sent. */
export class UsageError extends CommandError {
  constructor(message: string, hints: readonly string[] = []) {
    super(message, EXIT.usage, hints);
  }
}

/** Nobody answered, or somebody else did. */
export class UnreachableError extends CommandError {
  constructor(message: string, hints: readonly string[] = []) {
    super(message, EXIT.unavailable, hints);
  }
}

/** Whether it may go well soon: nothing answers, or the deployment can't just now. */
export function isAway(error: unknown): error is CommandError {
  return error instanceof CommandError && error.exitCode === EXIT.unavailable;
}

/** The deployment answered that it doesn't do this (RFC 9457). */
export class RefusedError extends CommandError {
  readonly status: number;
  readonly code: string;

  constructor(
    status: number,
    problem: {
      code: string;
      detail: string;
      errors: readonly { field: string; message: string }[];
    },
  ) {
    const fields = problem.errors.map(({ field, message }) => `${field}: ${message}`);
    super(problem.detail, exitCodeOf(status), [...fields, ...hintsOf(status)]);
    this.status = status;
    this.code = problem.code;
  }
}

/** A signal asked for the end: the exit code says which. */
export class InterruptedError extends CommandError {
  constructor(exitCode: number) {
    super("Interrupted.", exitCode);
  }
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT.forbidden;
  return status > 500 ? EXIT.unavailable : EXIT.failed;
}

function hintsOf(status: number): string[] {
  if (status === 401) {
    return ["Give an API key or a token: --token lv_…, or set LOVAGE_TOKEN."];
  }
  return status === 503 ? ["Try again soon."] : [];
}
