import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { processPaymentCallback, processPaymentTask, refundPaymentTask } from "./payment-tasks.ts";
import { reconcilePayments } from "./reconcile-payments.ts";
import { settleUnknownPayments } from "./settle-payments.ts";

export { expectCharges } from "./after-restore.ts";
export * from "./gateway.ts";
export { findPayment, paymentState, refundedOrders, type Payment } from "./payment-book.ts";
export { receiveEvent } from "./payment-events.ts";
export { isNotice, tellAdmins } from "./payment-notices.ts";
export { processPaymentCallback, processPaymentTask, refundPaymentTask } from "./payment-tasks.ts";
export {
  lastReconciliation,
  listDifferences,
  resolveDifference,
  type Difference,
  type Reconciliation,
} from "./reconcile-book.ts";
export { askRefund } from "./refund-book.ts";
export { checkSignature } from "./webhook-signature.ts";

export const paymentTasks = [
  processPaymentTask,
  refundPaymentTask,
  processPaymentCallback,
  settleUnknownPayments,
  reconcilePayments,
] as const;

export const paymentSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "settle_unknown_payments",
    settleUnknownPayments.s({}),
    crontab(timezone, { minute: "*/5" }),
    { overlap: "skip", description: "Asks the gateway for payments whose outcome is not known." },
  ),
  declareSchedule(
    "reconcile_payments",
    reconcilePayments.s({}),
    crontab(timezone, { minute: "15", hour: "2" }),
    { overlap: "skip", description: "Compares payments with the gateway's own book." },
  ),
];
