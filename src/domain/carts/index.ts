import { declareSchedule, type DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { cleanupOldCarts } from "./cleanup-old-carts.ts";

export * from "./cart-book.ts";
export { checkOutCart } from "./cart-checkout.ts";
export { MAX_LINES, MAX_QUANTITY, withLine, withoutLine, type CartLine } from "./cart-lines.ts";

export const cartTasks = [cleanupOldCarts] as const;
export const cartMails: readonly AnyMail[] = [];
export const cartSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "cleanup_old_carts",
    cleanupOldCarts.s({}),
    {
      kind: "crontab",
      ...{ minute: "0", hour: "3", day_of_month: "*", month_of_year: "*", day_of_week: "*" },
      timezone,
    },
    { overlap: "skip", description: "Deletes carts that were abandoned" },
  ),
];
