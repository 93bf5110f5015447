import { sendOrderConfirmationEmail } from "./notifications/index.ts";
import { processPaymentTask } from "./payments/index.ts";
import { processData } from "./processing/index.ts";

export { defineShopTask, type ShopServices } from "./services.ts";

/** Every task of the shop. */
export const shopTasks = [sendOrderConfirmationEmail, processPaymentTask, processData];
