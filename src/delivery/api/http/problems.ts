import {
  InvalidArgumentsError,
  InvalidCallError,
  InvalidOptionError,
  InvalidSignatureError,
  LovageError,
  SecretUnreadableError,
  UnknownTaskError,
} from "#engine";
import { isDatabaseAway } from "#domain/services";

/** One field of a request that doesn't fit. */
export interface FieldError {
  /** Dotted path from the body's root, or the name of a header or parameter. */
  readonly field: string;
  readonly message: string;
}

/** An answer that says what is wrong: RFC 9457 `application/problem+json`. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    extra: {
      errors?: readonly FieldError[];
      headers?: Record<string, string>;
      /** What else the answer says (RFC 9457, 3.2). */
      members?: Record<string, unknown>;
    } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = extra.errors ?? [];
    this.headers = extra.headers ?? {};
    this.members = extra.members ?? {};
  }

  toResponse(): Response {
    const body = {
      type: "about:blank",
      title: TITLES[this.status] ?? "Error",
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(this.errors.length > 0 && { errors: this.errors }),
      ...this.members,
    };
    return new Response(JSON.stringify(body), {
      status: this.status,
      headers: { "Content-Type": "application/problem+json", ...this.headers },
    });
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A well-formed request whose content doesn't fit. */
export function invalid(errors: readonly FieldError[]): Problem {
  return new Problem(422, "invalid_request", "The request doesn't fit; see errors.", { errors });
}

/** Unknown, or not the caller's: the same answer, so that nobody learns which. */
export function notFound(): Problem {
  return new Problem(404, "not_found", "There is nothing here, or it isn't yours.");
}

export function conflict(
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Problem {
  return new Problem(409, code, detail, { headers });
}

/** The one mapping from errors to answers. Whatever it doesn't know is a 500 that tells nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidCallError) {
    const inner = problemOf(error.cause);
    return invalid(
      inner.errors.map(({ field, message }) => ({
        field: `tasks.${error.index}.${field}`,
        message,
      })),
    );
  }
  if (error instanceof InvalidSignatureError) {
    const inner = problemOf(error.cause);
    return invalid(
      inner.errors.map(({ field, message }) => ({
        field: `${snakeCase(error.path)}.${field}`,
        message,
      })),
    );
  }
  if (error instanceof InvalidArgumentsError) {
    return invalid(
      error.issues.map(({ path, message }) => ({
        field: path === "args" || path === "kwargs" ? path : `kwargs.${path}`,
        message,
      })),
    );
  }
  if (error instanceof UnknownTaskError || error instanceof InvalidOptionError) {
    const field = snakeCase(error.field ?? "name").replace(/^(\w+)_seconds$/, "$1");
    // An answer names the field as the request does, which isn't always the option's own name.
    const message = error instanceof InvalidOptionError ? error.reason : error.message;
    return invalid([{ field, message }]);
  }
  if (error instanceof SecretUnreadableError) return conflict(error.code, error.message);
  if (error instanceof LovageError && error.retryable) return notNow(error.code);
  if (isDatabaseAway(error)) return notNow("database_unavailable");
  return new Problem(500, "internal_error", "Something went wrong on our side.");
}

function notNow(code: string): Problem {
  return new Problem(503, code, "This can't be done just now; try again soon.", {
    headers: { "Retry-After": "2" },
  });
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
