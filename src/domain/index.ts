import type { DeclaredSchedule, TaskRoutes } from "#engine";
import { accountMails, accountSchedules, accountTasks } from "./accounts/index.ts";
import { deliverCallback } from "./callbacks/index.ts";
import { cartSchedules, cartTasks } from "./carts/index.ts";
import { escrowMails, escrowSchedules, escrowTasks } from "./escrow/index.ts";
import { fileTasks } from "./files/index.ts";
import type { AnyMail } from "./mail/index.ts";
import { maintenanceSchedules, maintenanceTasks } from "./maintenance/index.ts";
import {
  notificationMails,
  notificationSchedules,
  notificationTasks,
} from "./notifications/index.ts";
import { orderMails, orderTasks } from "./orders/index.ts";
import { paymentSchedules, paymentTasks } from "./payments/index.ts";
import { processData } from "./processing/index.ts";
import { reportSchedules, reportTasks } from "./reports/index.ts";
import { reviewMails, reviewTasks } from "./reviews/index.ts";

export { defineShopTask, type ShopServices } from "./services/index.ts";

/** Where tasks go that don't say so themselves: the first rule that fits their name. */
export const shopRoutes: TaskRoutes = [
  // It tells of what is wrong with mail, too.
  ["send_admin_notification", { queue: "default" }],
  ["send_*", { queue: "emails" }],
];

/** Every task of the shop; the types of all of them are what other Workers' calls are checked by. */
export const shopTasks = [
  ...accountTasks,
  ...orderTasks,
  ...paymentTasks,
  ...cartTasks,
  ...reviewTasks,
  ...escrowTasks,
  ...notificationTasks,
  ...fileTasks,
  ...reportTasks,
  ...maintenanceTasks,
  deliverCallback,
  processData,
] as const;

/** What runs by itself, declared next to its tasks; times of day are those of the zone. */
export const shopSchedules = (timezone: string): readonly DeclaredSchedule[] =>
  [
    accountSchedules,
    cartSchedules,
    paymentSchedules,
    escrowSchedules,
    notificationSchedules,
    reportSchedules,
    maintenanceSchedules,
  ].flatMap((declare) => declare(timezone));

/** Every message the shop sends, for previews. */
export const shopMails: readonly AnyMail[] = [
  ...accountMails,
  ...orderMails,
  ...reviewMails,
  ...escrowMails,
  ...notificationMails,
];

export { postAlert, sendAdminNotification } from "./notifications/index.ts";
