import { DrizzleQueryError } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { createTaskDefiner, type Clock } from "#engine";
import type { Locale } from "./notifications/index.ts";
import type { MailTransport } from "./notifications/index.ts";
import type { PaymentGateway } from "./payments/index.ts";

/** What the shop's handlers find under `ctx.services`. */
export interface ShopServices {
  readonly db: DrizzleD1Database;
  readonly mail: MailTransport;
  readonly gateway: PaymentGateway;
  /** Language where an order names none. */
  readonly locale: Locale;
  readonly clock: Clock;
  /** Whom the deployment tells of trouble; may be nobody. */
  readonly adminEmails: readonly string[];
}

/** Declares a task of the shop. */
export const defineShopTask = createTaskDefiner<ShopServices>({
  // Drizzle's own error quotes the statement with its parameters: addresses, amounts.
  clarifyError: (thrown) => (thrown instanceof DrizzleQueryError ? thrown.cause : thrown),
});
