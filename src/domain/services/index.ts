import { DrizzleQueryError } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { createTaskDefiner, type Clock, type Outbox } from "#engine";
import type { CallbackServices } from "../callbacks/index.ts";
import type { Locale, MailDesk } from "../mail/index.ts";
import type { MaintenanceSettings } from "../maintenance/index.ts";
import type { AlertHook } from "../notifications/index.ts";
import type { PaymentGateway } from "../payments/index.ts";
import type { ObjectStore } from "../storage/index.ts";

export { isDatabaseAway } from "./database-away.ts";
export { failUnless } from "./guard.ts";
export { throwIfTaken } from "./stopped.ts";

/** What the shop's handlers find under `ctx.services`, and its routes under `parts.shop`. */
export interface ShopServices {
  readonly db: DrizzleD1Database;
  readonly mail: MailDesk;
  readonly gateway: PaymentGateway;
  /** Uploaded files, backups, exports. */
  readonly files: ObjectStore;
  /** Telling others of the ends of tasks. */
  readonly callbacks: CallbackServices;
  /** For writes that set off tasks: both or neither. */
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  /** Language where nothing names one. */
  readonly locale: Locale;
  /** The shop's days begin at midnight there; IANA name. */
  readonly timezone: string;
  /** Where people reach the deployment, without a slash at the end: links are made from it. */
  readonly publicUrl: string;
  readonly clock: Clock;
  /** The log of requests is kept this long. */
  readonly logDays: number;
  /** Whom the deployment tells of trouble, besides its admins' accounts; may be nobody. */
  readonly adminEmails: readonly string[];
  /** Where the deployment tells of trouble besides mail; null: nowhere. */
  readonly alertHook: AlertHook | null;
  readonly maintenance: MaintenanceSettings;
  /** Carts that nobody touched for so many days are abandoned. */
  readonly cartDays: number;
  /** So many days after its delivery the customer is asked for a review. */
  readonly reviewReminderDays: number;
  /** What the payment gateway signs its events with, the current one first; none: events are refused. */
  readonly webhookSecrets: readonly string[];
  /** A key for HMAC-SHA-256, of the deployment and the purpose: the same for ever. */
  keyFor(purpose: string): Promise<CryptoKey>;
}

/** Declares a task of the shop. */
export const defineShopTask = createTaskDefiner<ShopServices>({
  // Drizzle's own error quotes the statement with its parameters: addresses, amounts.
  clarifyError: (thrown) => (thrown instanceof DrizzleQueryError ? thrown.cause : thrown),
});
