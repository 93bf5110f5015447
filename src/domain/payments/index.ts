import { processPaymentCallback, processPaymentTask, refundPaymentTask } from "./payment-tasks.ts";

export { expectCharges } from "./after-restore.ts";
export * from "./gateway.ts";
export { findPayment, paymentState, refundedOrders, type Payment } from "./payment-book.ts";
export { receiveEvent } from "./payment-events.ts";
export { isNotice, tellAdmins } from "./payment-notices.ts";
export { processPaymentCallback, processPaymentTask, refundPaymentTask } from "./payment-tasks.ts";
export { askRefund } from "./refund-book.ts";
export { checkSignature } from "./webhook-signature.ts";

export const paymentTasks = [
  processPaymentTask,
  refundPaymentTask,
  processPaymentCallback,
] as const;
