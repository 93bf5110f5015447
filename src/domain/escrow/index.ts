import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { sendDailyTransactionSummary, transactionSummary } from "./daily-summary.ts";
import { cleanupOldPendingTransactions, fundingReminder } from "./funding-reminders.ts";
import { checkOverdueMilestones, overdueMilestones } from "./overdue-milestones.ts";
import { sendTransactionNotification, transactionMails } from "./transaction-notification.ts";
import { sellerVerification, sendVerificationNotification } from "./verification-notification.ts";

export { changeTransaction, rolesOf } from "./change-transaction.ts";
export type { Actor, EscrowParts } from "./commit.ts";
export { createTransaction } from "./create-transaction.ts";
export type { Command, EscrowCase, Transaction } from "./decide.ts";
export { findAccount, findCase, listTransactions, type EscrowChange } from "./find-transactions.ts";
export type { Balance } from "./ledger.ts";
export { TRANSACTION_STATES } from "./states.ts";
export { sendTransactionNotification } from "./transaction-notification.ts";
export { decideVerification, submitVerification, type VerificationAnswer } from "./verification.ts";
export {
  findVerification,
  listPendingVerifications,
  type Verification,
} from "./verification-rows.ts";
export { sendVerificationNotification } from "./verification-notification.ts";

export const escrowTasks = [
  sendTransactionNotification,
  sendVerificationNotification,
  sendDailyTransactionSummary,
  cleanupOldPendingTransactions,
  checkOverdueMilestones,
] as const;

export const escrowMails: readonly AnyMail[] = [
  ...transactionMails,
  sellerVerification,
  transactionSummary,
  fundingReminder,
  overdueMilestones,
];

export const escrowSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "send_daily_transaction_summary",
    sendDailyTransactionSummary.s({}),
    crontab(timezone, { minute: "0", hour: "8" }),
    { description: "Tells everybody in a transaction how theirs stand." },
  ),
  declareSchedule(
    "cleanup_old_pending_transactions",
    cleanupOldPendingTransactions.s({}),
    crontab(timezone, { minute: "0", hour: "2" }),
    { description: "Reminds of transactions that wait for their money for more than 7 days." },
  ),
  declareSchedule(
    "check_overdue_milestones",
    checkOverdueMilestones.s({}),
    crontab(timezone, { minute: "0", hour: "10", day_of_week: "mon" }),
    { description: "Tells sellers of milestones that are pending for more than 14 days." },
  ),
];
