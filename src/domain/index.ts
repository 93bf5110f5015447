import { sendOrderConfirmationEmail } from "./notifications/index.ts";
import { processPaymentTask } from "./payments/index.ts";
import { processData } from "./processing/index.ts";

export { defineShopTask, type ShopServices } from "./services.ts";

/** Every task of the shop; the types of all of them are what other Workers' calls are checked by. */
export const shopTasks = [sendOrderConfirmationEmail, processPaymentTask, processData] as const;
