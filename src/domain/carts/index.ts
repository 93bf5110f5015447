import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { cleanupOldCarts } from "./cleanup-old-carts.ts";

export * from "./cart-book.ts";
export { checkOutCart } from "./cart-checkout.ts";
export { MAX_LINES, MAX_QUANTITY, withLine, withoutLine, type CartLine } from "./cart-lines.ts";

export const cartTasks = [cleanupOldCarts] as const;
export const cartSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "cleanup_old_carts",
    cleanupOldCarts.s({}),
    crontab(timezone, { minute: "0", hour: "3" }),
    { overlap: "skip", description: "Deletes carts that were abandoned." },
  ),
];
