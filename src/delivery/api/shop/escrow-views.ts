import type { Balance, EscrowCase, EscrowChange, Transaction, Verification } from "#domain/escrow";

export function transactionView(transaction: Transaction) {
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

export function caseView({ transaction, milestones }: EscrowCase) {
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

export function balanceView(balance: Balance) {
  return {
    funded: balance.fundedMinor / 100,
    held: balance.heldMinor / 100,
    released: balance.releasedMinor / 100,
    refunded: balance.refundedMinor / 100,
  };
}

/** @param isShop whether the reference of the payment may be seen */
export function changeView(change: EscrowChange, isShop: boolean) {
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
export function verificationView(userId: number, verification: Verification | null) {
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
