import { refuseCallbackUrl } from "../call-options.ts";
import { checkInteger } from "../checks.ts";
import { InvalidOptionError, InvalidSignatureError, LovageError } from "../errors.ts";
import type { CallOptions, SignatureOptions } from "../signature.ts";
import type { PlannedCall } from "./plan.ts";
import type { AnySignature } from "./signatures.ts";

/** Whether a signature is made of others. */
export function isCanvas({ task }: AnySignature): boolean {
  return ["celery.chain", "celery.group", "celery.chord", "celery.chunks"].includes(task);
}

type Times = Pick<PlannedCall, "countdown" | "eta" | "expires_in" | "expires_at">;

export function timesOf({ countdown, eta, expires }: CallOptions): Times {
  return {
    ...(countdown !== undefined && { countdown: countdown * 1_000 }),
    ...(eta !== undefined && { eta: eta.getTime() }),
    ...(expires instanceof Date && { expires_at: expires.getTime() }),
    ...(typeof expires === "number" && { expires_in: expires * 1_000 }),
  };
}

/** A member's own options come first; labels add up. */
export function inherited(outer: SignatureOptions, own: SignatureOptions): SignatureOptions {
  if (outer.labels === undefined || own.labels === undefined) return { ...outer, ...own };
  return { ...outer, ...own, labels: { ...outer.labels, ...own.labels } };
}

/** The options of a chain or group that hold for its members. @throws InvalidOptionError */
export function optionsOfMembers(options: SignatureOptions): SignatureOptions {
  if (options.expires !== undefined) {
    throw new InvalidOptionError("expires", "is for tasks, and for a canvas that is called.");
  }
  if (options.undo !== undefined) throw new InvalidOptionError("undo", "is for tasks.");
  refuseCallbackUrl(options);
  const { link: _l, linkError: _e, errors: _r, ...same } = options;
  return same;
}

export function withoutTimes({
  countdown: _c,
  eta: _e,
  ...same
}: SignatureOptions): SignatureOptions {
  return same;
}

export function membersOf(
  { kwargs }: AnySignature,
  field: "tasks" | "header",
): readonly AnySignature[] {
  const given = kwargs[field];
  // Celery's chords carry their header as a list, or as the group it was made of.
  const list = isSignature(given) && given.task === "celery.group" ? given.kwargs["tasks"] : given;
  if (!Array.isArray(list)) throw new InvalidOptionError(field, "must be a list of signatures.");
  for (const [index, member] of list.entries()) {
    if (!isSignature(member)) {
      throw new InvalidOptionError(`${field}.${index}`, "is no signature.");
    }
  }
  return list as AnySignature[];
}

export function bodyOf({ kwargs }: AnySignature): AnySignature {
  const { body } = kwargs as { body?: unknown };
  if (!isSignature(body)) throw new InvalidOptionError("body", "is no signature.");
  return body;
}

export function chunksOf({ kwargs }: AnySignature): AnySignature[] {
  const { task, it, n } = kwargs as { task?: unknown; it?: unknown; n?: unknown };
  if (!isSignature(task)) throw new InvalidOptionError("task", "is no signature.");
  if (!Array.isArray(it)) throw new InvalidOptionError("it", "must be a list.");
  const size = checkInteger("n", Number(n), 1, 10_000);
  return Array.from({ length: Math.ceil(it.length / size) }, (_chunk, index) => ({
    task: "celery.starmap",
    args: [],
    kwargs: { task, it: it.slice(index * size, (index + 1) * size) as unknown },
    options: {},
    subtask_type: null,
    immutable: true,
  }));
}

/** A map with the options of the task that it calls, unless it has its own: only its arguments are stored. */
export function mapOf(call: AnySignature): AnySignature {
  const { task: inner, ...rest } = call.kwargs;
  if (!isSignature(inner)) return call;
  // It may have come as it is from outside.
  const { task, kwargs, ...loose } = inner;
  const { args, options }: Partial<AnySignature> = loose;
  return {
    ...call,
    kwargs: { ...rest, task: { task, args: args ?? [], kwargs } },
    options: { ...options, ...call.options },
  };
}

function isSignature(value: unknown): value is AnySignature {
  const given = value as { task?: unknown; kwargs?: unknown } | null | undefined;
  return (
    typeof given?.task === "string" && typeof given.kwargs === "object" && given.kwargs !== null
  );
}

/** Runs a part of the compiler; what it throws is said to be there. */
export function at<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof InvalidSignatureError) {
      throw new InvalidSignatureError(`${path}.${error.path}`, error.cause);
    }
    throw error instanceof LovageError ? new InvalidSignatureError(path, error) : error;
  }
}
