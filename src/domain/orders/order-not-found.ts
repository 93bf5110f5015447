/** A task names an order that was never created: no retry will find it. */
export class OrderNotFoundError extends Error {
  override readonly name = "OrderNotFoundError";

  constructor(orderId: string) {
    super(`There is no order #${orderId}.`);
  }
}
