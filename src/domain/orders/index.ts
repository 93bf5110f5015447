import {
  orderConfirmation,
  sendOrderConfirmation,
  sendOrderConfirmationEmail,
} from "./order-confirmation.ts";
import { orderCancelled, orderRefunded, orderShipped } from "./order-mails.ts";
import { sellerNotification, sendSellerNotification } from "./seller-notification.ts";

export * from "./find-orders.ts";
export { isCurrency, moneyText } from "./money.ts";
export { sendOrderConfirmationEmail } from "./order-confirmation.ts";
export * from "./order-mails.ts";
export { OrderNotFoundError } from "./order-not-found.ts";
export { sendSellerNotification } from "./seller-notification.ts";
export { searchOrders } from "./search-orders.ts";
export { shopId } from "./shop-id.ts";
export { ORDER_STATES, orderTransition, type OrderEvent, type OrderState } from "./states.ts";
export {
  countLostItems,
  deleteLostItems,
  insertItems,
  insertOrders,
  moveOrder,
  orderState,
  setPayment,
} from "./write-orders.ts";

export const orderTasks = [
  sendOrderConfirmationEmail,
  sendOrderConfirmation,
  sendSellerNotification,
] as const;
export const orderMails = [
  orderConfirmation,
  sellerNotification,
  orderShipped,
  orderCancelled,
  orderRefunded,
];
