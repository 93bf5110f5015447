import * as z from "zod";
import type { CallKey, ReplayedCall, Signature, TaskHandle } from "#engine";
import { deliverCallback } from "#domain/callbacks";
import { sendTransactionNotification, sendVerificationNotification } from "#domain/escrow";
import { backupDatabase, restoreDatabase } from "#domain/maintenance";
import {
  sendBulkNotifications,
  sendNotificationChunk,
  sumNotifications,
} from "#domain/notifications";
import { processPaymentTask, refundPaymentTask } from "#domain/payments";
import { sendReviewReminder } from "#domain/reviews";
import { shopSchedules } from "../../../domain/index.ts";
import { may, type Caller } from "../callers/access.ts";
import { conflict, invalid, Problem } from "../http/problems.ts";
import { instant, optionFields, seconds } from "./signature-schema.ts";
import { argumentsOf, toOptions } from "./signatures.ts";

/** A call of a task by name. */
export const callSchema = z
  .strictObject({
    name: z.string().min(1).max(200),
    args: z.array(z.unknown()).default([]),
    kwargs: z.record(z.string(), z.unknown()).default({}),
    ...optionFields,
  })
  .meta({ id: "TaskCall" });

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

/** @throws Problem 422 with what doesn't fit of the calls that a canvas is made of */
export function toSignature(call: z.output<typeof callSchema>): Signature {
  const { name, args, kwargs, ...options } = call;
  return {
    task: name,
    args,
    kwargs: argumentsOf(name, args, kwargs),
    options: toOptions(options, ""),
    subtask_type: null,
    immutable: false,
  };
}

/** What only admins call by name, as its routes are theirs alone: a backup too many deletes the oldest. */
const FOR_ADMINS: ReadonlySet<string> = new Set([backupDatabase.name, restoreDatabase.name]);

/**
 * What only operators call by name: what the deployment does by itself, for everybody. It answers with everybody's
 * sales, or goes on where its caller says; and a call of it may take the place of the one that comes by itself.
 */
const FOR_OPERATORS: ReadonlySet<string> = new Set(
  shopSchedules("UTC").map(({ settings }) => settings.task),
);

/**
 * What only the shop's side and operators call by name: it charges anybody's order again, writes to people who are
 * known by their accounts alone and says their addresses, or tells how it stands with anybody's order, sale or papers.
 */
const FOR_SHOP: ReadonlySet<string> = new Set([
  processPaymentTask.name,
  refundPaymentTask.name,
  sendBulkNotifications.name,
  sendNotificationChunk.name,
  sumNotifications.name,
  sendReviewReminder.name,
  sendTransactionNotification.name,
  sendVerificationNotification.name,
]);

/** What nobody calls by name: it says to others what their callers may know, because a task has ended. */
const FOR_NOBODY: ReadonlySet<string> = new Set([deliverCallback.name]);

/** Why somebody may not make a call with all that is in it (members, callbacks, undos); null: they may. */
export function refusalOf(caller: Caller, call: Signature): string | null {
  if (hasIn(FOR_NOBODY, call)) return "This call has a task in it that only the deployment calls.";
  if (!may(caller, "admin") && hasIn(FOR_ADMINS, call)) {
    return "This call has a task in it that needs the scope admin.";
  }
  if (!may(caller, "control") && hasIn(FOR_OPERATORS, call)) {
    return "This call has a task in it that needs the scope control.";
  }
  const isOfShop = may(caller, "orders:manage") || may(caller, "control");
  if (isOfShop || !hasIn(FOR_SHOP, call)) return null;
  return "This call has a task in it that needs the scope orders:manage or control.";
}

/** Trusts no form: what is no call in the place of one is refused later. */
function hasIn(names: ReadonlySet<unknown>, call: object): boolean {
  const { task, args, kwargs, options } = fieldsOf(call);
  const isCanvas = typeof task === "string" && task.startsWith("celery.");
  const { tasks, header, body, task: mapped } = fieldsOf(isCanvas ? kwargs : null);
  // What a map calls may be given by position.
  const { 0: first } = fieldsOf(isCanvas ? args : null);
  const { link, linkError, undo } = fieldsOf(options);
  const inside = [tasks, header, body, mapped, first, link, linkError, undo].flat();
  const calls = inside.filter((each) => typeof each === "object" && each !== null);
  return names.has(task) || calls.some((each) => hasIn(names, each));
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** @throws Problem 403 */
export function checkCall(caller: Caller, call: Signature): void {
  const refusal = refusalOf(caller, call);
  if (refusal !== null) throw new Problem(403, "forbidden", refusal);
}

/**
 * What a replay is checked with: as a call by name. What only the deployment calls may be replayed when it is a
 * dead letter, as it was.
 * @param isChanged true: with other arguments, or no dead letter
 * @throws Problem 403
 */
export function replayCheck(caller: Caller, isChanged: boolean): (call: ReplayedCall) => void {
  return ({ task, kwargs }) => {
    const call = toSignature({ name: task, args: [], kwargs });
    if (!isChanged && FOR_NOBODY.has(task)) return;
    checkCall(caller, call);
  };
}
/** A header that a request may have: repeated with the same key, it is the same request. */
export const idempotencyKey = z
  .string()
  .regex(/^[!-~]{1,255}$/)
  .optional()
  .describe("A request that is repeated with the same key is made once, and answered the same.");

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
