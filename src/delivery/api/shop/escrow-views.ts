import * as z from "zod";
import {
  TRANSACTION_STATES,
  type Balance,
  type EscrowCase,
  type EscrowChange,
  type Transaction,
  type Verification,
} from "#domain/escrow";
import { isoTimeOrNull } from "../http/answers.ts";

const transactionFields = {
  transaction_id: z.string(),
  buyer_id: z.int(),
  seller_id: z.int(),
  title: z.string(),
  amount: z.number(),
  currency: z.string(),
  state: z.enum(TRANSACTION_STATES),
  created_at: isoTimeOrNull,
  updated_at: isoTimeOrNull,
};
export const transactionAnswer = z
  .strictObject(transactionFields)
  .meta({ id: "EscrowTransaction" });

const milestoneAnswer = z.strictObject({
  number: z.int(),
  title: z.string(),
  amount: z.number(),
  state: z.string(),
  pending_since: isoTimeOrNull,
  reject_reason: z.string().nullable(),
});
export const caseAnswer = z
  .strictObject({ ...transactionFields, milestones: z.array(milestoneAnswer) })
  .meta({ id: "EscrowCase" });

const balanceAnswer = z
  .strictObject({
    funded: z.number(),
    held: z.number(),
    released: z.number(),
    refunded: z.number(),
  })
  .meta({ id: "EscrowBalance" });
const changeAnswer = z
  .strictObject({
    number: z.int(),
    event: z.string(),
    milestone: z.int().nullable().describe("Null: it is about the whole."),
    detail: z.string().nullable(),
    by: z.string().describe("The side that did it."),
    at: isoTimeOrNull,
  })
  .meta({ id: "EscrowChange" });
export const wholeCaseAnswer = caseAnswer
  .extend({ balance: balanceAnswer, history: z.array(changeAnswer) })
  .meta({ id: "WholeEscrowCase" });

export const verificationAnswer = z
  .strictObject({
    user_id: z.int(),
    status: z.enum(["NONE", "PENDING", "VERIFIED", "REJECTED"]).describe("NONE: never submitted."),
    legal_name: z.string().optional(),
    country: z.string().optional(),
    details: z.string().optional(),
    reason: z.string().nullable().optional(),
    submitted_at: isoTimeOrNull.optional(),
    decided_at: isoTimeOrNull.optional(),
  })
  .meta({ id: "SellerVerification" });

export function transactionView(transaction: Transaction): z.output<typeof transactionAnswer> {
  return {
    transaction_id: transaction.id,
    buyer_id: transaction.buyerId,
    seller_id: transaction.sellerId,
    title: transaction.title,
    amount: transaction.amountMinor / 100,
    currency: transaction.currency,
    state: transaction.state,
    created_at: instant(transaction.createdAt),
    updated_at: instant(transaction.updatedAt),
  };
}

export function caseView({ transaction, milestones }: EscrowCase): z.output<typeof caseAnswer> {
  return {
    ...transactionView(transaction),
    milestones: milestones.map((milestone) => ({
      number: milestone.number,
      title: milestone.title,
      amount: milestone.amountMinor / 100,
      state: milestone.state,
      pending_since: instant(milestone.pendingSince),
      reject_reason: milestone.rejectReason,
    })),
  };
}

export function balanceView(balance: Balance): z.output<typeof balanceAnswer> {
  return {
    funded: balance.fundedMinor / 100,
    held: balance.heldMinor / 100,
    released: balance.releasedMinor / 100,
    refunded: balance.refundedMinor / 100,
  };
}

/** @param isShop whether the reference of the payment may be seen */
export function changeView(change: EscrowChange, isShop: boolean): z.output<typeof changeAnswer> {
  return {
    number: change.number,
    event: change.event,
    milestone: change.milestone,
    detail: change.event === "fund" && !isShop ? null : change.detail,
    by: change.role,
    at: instant(change.at),
  };
}

/** @param verification null: they never submitted anything */
export function verificationView(
  userId: number,
  verification: Verification | null,
): z.output<typeof verificationAnswer> {
  if (verification === null) return { user_id: userId, status: "NONE" };
  return {
    user_id: userId,
    status: verification.status,
    legal_name: verification.legalName,
    country: verification.country,
    details: verification.details,
    reason: verification.reason,
    submitted_at: instant(verification.submittedAt),
    decided_at: instant(verification.decidedAt),
  };
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
