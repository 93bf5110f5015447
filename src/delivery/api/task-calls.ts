import { z } from "zod";
import type { CallKey, CallOptions, Signature, TaskHandle } from "#engine";
import { conflict, invalid, Problem } from "./problems.ts";

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const seconds = z.number().min(0);

/** A signature with Celery's keys, to be called later. */
const linkSchema = z.strictObject({
  task: z.string().min(1).max(200),
  args: z.array(z.unknown()).default([]),
  kwargs: z.record(z.string(), z.unknown()).default({}),
  options: z
    .strictObject({ queue: z.string().optional(), priority: z.int().optional() })
    .default({}),
  subtask_type: z.null().default(null),
  immutable: z.boolean().default(false),
});

/** A call of a task by name, with Celery's words for its options. */
export const callSchema = z.strictObject({
  name: z.string().min(1).max(200),
  args: z.array(z.unknown()).default([]),
  kwargs: z.record(z.string(), z.unknown()).default({}),
  countdown: seconds.optional(),
  eta: instant.optional(),
  expires: z.union([seconds, instant]).optional(),
  queue: z.string().max(100).optional(),
  priority: z.int().optional(),
  max_retries: z.int().nullable().optional(),
  soft_time_limit: seconds.optional(),
  time_limit: seconds.optional(),
  ignore_result: z.boolean().optional(),
  result_expires: seconds.optional(),
  key: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  link_error: z.array(linkSchema).max(10).optional(),
  unique: z
    .union([
      z.boolean(),
      z.strictObject({
        key: z.string().optional(),
        for_seconds: z.number().optional(),
        keep: z.enum(["first", "replace"]).optional(),
      }),
    ])
    .optional(),
  throttle: seconds.optional(),
  debounce: seconds.optional(),
  debounce_max: seconds.optional(),
});

/** What is to change of a waiting task; at least one of them. */
export const rescheduleSchema = z
  .strictObject({
    countdown: seconds.optional(),
    eta: instant.optional(),
    queue: z.string().max(100).optional(),
    priority: z.int().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    path: ["eta"],
    message: "Give a new eta, countdown, queue or priority.",
  });

export function toSignature(call: z.output<typeof callSchema>): Signature {
  const {
    name,
    args,
    kwargs,
    max_retries,
    soft_time_limit,
    time_limit,
    ignore_result,
    result_expires,
    link_error,
    unique,
    throttle,
    debounce,
    debounce_max,
    ...same
  } = call;
  const options: CallOptions = withoutUndefined({
    ...same,
    maxRetries: max_retries,
    softTimeLimit: soft_time_limit,
    timeLimit: time_limit,
    ignoreResult: ignore_result,
    resultExpires: result_expires,
    linkError: link_error?.map((link) => ({ ...link, options: withoutUndefined(link.options) })),
    unique: toUnique(unique),
    throttleSeconds: throttle,
    debounceSeconds: debounce,
    debounceMaxSeconds: debounce_max,
  });
  return { task: name, args, kwargs, options, subtask_type: null, immutable: false };
}

function toUnique(unique: z.output<typeof callSchema>["unique"]): CallOptions["unique"] {
  if (unique === undefined || typeof unique === "boolean") return unique;
  const { for_seconds: forSeconds, ...same } = unique;
  return withoutUndefined({ ...same, forSeconds });
}

/** Whether it can be the key of a call that may be repeated. */
export function isCallKey(key: unknown): key is string {
  return typeof key === "string" && /^[!-~]{1,255}$/.test(key);
}

/** The key of a request that may be repeated; undefined without an Idempotency-Key header. */
export function callKey(request: Request, route: string): CallKey | undefined {
  const key = request.headers.get("Idempotency-Key");
  if (key === null) return undefined;
  if (!isCallKey(key)) {
    throw invalid([
      { field: "Idempotency-Key", message: "Must be 1 to 255 visible ASCII characters." },
    ]);
  }
  return { route, key };
}

/** Turns the answers that are no success into problems. */
export function refuse(answer: TaskHandle["answer"]): void {
  if (answer === "conflict") {
    throw new Problem(
      422,
      "idempotency_key_reused",
      "This Idempotency-Key was used for another request.",
    );
  }
  if (answer === "busy") {
    throw conflict("request_in_progress", "A request with this Idempotency-Key is in progress.", {
      "Retry-After": "1",
    });
  }
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

export function withoutUndefined<T extends object>(value: T): Partial<Defined<T>> {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries) as Partial<Defined<T>>;
}
