import { findOrder } from "../orders/index.ts";
import { PaymentAmountError, PaymentProviderChangedError } from "./gateway.ts";
import { findPayment, type PaymentParts } from "./payment-book.ts";
import { followGateway } from "./payment-events.ts";
import {
  closeDifference,
  findingId,
  leaveOpen,
  recordFinding,
  type Difference,
} from "./reconcile-book.ts";
import {
  answeredFacts,
  isMendable,
  isMoving,
  kindOf,
  type DifferenceKind,
  type Evidence,
  type Suspect,
} from "./reconcile-kinds.ts";

/** What a run of the reconciliation goes by, epoch ms. */
export interface RunTimes {
  readonly runAt: number;
  /** What changed since is left to the next run. */
  readonly until: number;
}

/**
 * Looks at a suspect once more, now; writes the difference there is, mends it where the gateway's word settles
 * it, and writes what came of that. Safe to repeat: one that a crash left half-mended is found by `reexamine`.
 */
export async function examine(
  parts: PaymentParts,
  suspect: Suspect,
  times: RunTimes,
): Promise<void> {
  const evidence = await gather(parts, suspect);
  if (isMoving(evidence, times.until)) return;
  const kind = kindOf(evidence, times.until);
  if (kind !== null) await record(parts, suspect, { kind, evidence }, times);
}

async function record(
  parts: PaymentParts,
  suspect: Suspect,
  { kind, evidence }: { kind: DifferenceKind; evidence: Evidence },
  { runAt, until }: RunTimes,
): Promise<void> {
  const { db, clock } = parts;
  const isMended = isMendable(kind, evidence);
  const id = await recordFinding(db, { kind, evidence, isMended }, runAt);
  if (!isMended) return;
  await mend(parts, evidence);
  const isThere = kindOf(await gather(parts, suspect), until) !== null;
  await (isThere ? leaveOpen(db, id) : closeDifference(db, id, clock.now()));
}

/** Looks at a difference that an earlier run found, or that this one was mending. */
export async function reexamine(
  parts: PaymentParts,
  difference: Difference,
  times: RunTimes,
): Promise<void> {
  const { db, clock } = parts;
  const { id, isMended, orderId, takenCurrency: currency } = difference;
  const payment = orderId === null ? null : await findPayment(db, orderId);
  const reference = difference.reference ?? payment?.reference ?? null;
  const suspect = { orderId, reference, idempotencyKey: null, currency };
  const evidence = await gather(parts, suspect);
  // What is under way is left to the next run, but for what this one has just mended.
  if (!isMended && isMoving(evidence, times.until)) return;
  const kind = kindOf(evidence, times.until);
  if (kind === null || (await findingId(kind, evidence)) !== id) {
    await closeDifference(db, id, clock.now());
  }
  if (kind !== null) await record(parts, suspect, { kind, evidence }, times);
}

/** What the gateway says first: what the shop says is not older then. Queries: 2. */
async function gather(parts: PaymentParts, suspect: Suspect): Promise<Evidence> {
  const { orderId, reference } = suspect;
  const charge =
    reference === null
      ? null
      : answeredFacts(reference, suspect, await parts.gateway.lookUp(reference));
  if (orderId === null) return { orderId, order: null, payment: null, charge };
  const [payment, order] = await Promise.all([
    findPayment(parts.db, orderId),
    findOrder(parts.db, orderId),
  ]);
  return { orderId, order, payment, charge };
}

async function mend(parts: PaymentParts, { order }: Evidence): Promise<void> {
  if (order === null) return;
  try {
    await followGateway(parts, order);
  } catch (error) {
    if (!isForPerson(error)) throw error;
  }
}

/** Nothing that is tried again mends it. */
export function isForPerson(error: unknown): boolean {
  return error instanceof PaymentProviderChangedError || error instanceof PaymentAmountError;
}
