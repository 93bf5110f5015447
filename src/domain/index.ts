import type { DeclaredSchedule, TaskRoutes } from "#engine";
import { sendAdminNotification, sendOrderConfirmationEmail } from "./notifications/index.ts";
import { processPaymentTask } from "./payments/index.ts";
import { processData } from "./processing/index.ts";

export { defineShopTask, type ShopServices } from "./services.ts";

/** Where tasks go that don't say so themselves: the first rule that fits their name. */
export const shopRoutes: TaskRoutes = [["send_*", { queue: "emails" }]];

/** Every task of the shop; the types of all of them are what other Workers' calls are checked by. */
export const shopTasks = [
  sendOrderConfirmationEmail,
  sendAdminNotification,
  processPaymentTask,
  processData,
] as const;

/** What runs by itself, declared next to its tasks: the shop's nightly work has none yet. */
export const shopSchedules: (timezone: string) => readonly DeclaredSchedule[] = () => [];

export { sendAdminNotification } from "./notifications/index.ts";
