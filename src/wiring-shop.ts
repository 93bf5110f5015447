import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import type { Config } from "./config.ts";
import { shopMails, type ShopServices } from "./domain/index.ts";
import { MailDesk, Unsubscribe } from "./domain/mail/index.ts";
import { outboxTransport } from "./integrations/mail/outbox-transport.ts";
import { createSimulatedGateway } from "./integrations/payments/simulated-gateway.ts";
import { createStripeGateway } from "./integrations/payments/stripe-gateway.ts";
import { createR2ObjectStore } from "./integrations/storage/r2-object-store.ts";
import type { Env } from "./platform/env.ts";
import type { PaymentGateway } from "./domain/payments/index.ts";
import type { PaymentSettings } from "./config-providers.ts";

interface Parts extends Pick<ShopServices, "outbox" | "keyFor"> {
  readonly db: DrizzleD1Database;
  readonly clock: Clock;
}

/** What the shop works with: its settings, and the outside world as the settings choose it. */
export function createShopServices(
  env: Env,
  config: Config,
  { db, outbox, clock, keyFor }: Parts,
): ShopServices {
  return {
    db,
    mail: new MailDesk({
      db,
      transport: outboxTransport,
      clock,
      unsubscribe: new Unsubscribe(keyFor("unsubscribe"), config.publicUrl),
    }),
    gateway: paymentGateway(config.payments, db, clock),
    files: createR2ObjectStore(env.FILES),
    outbox,
    locale: config.locale,
    timezone: config.timezone,
    publicUrl: config.publicUrl,
    clock,
    logDays: config.logDays,
    adminEmails: config.adminEmails,
    maintenance: {
      mailDays: config.mailDays,
      backupsKept: config.backupsKept,
      backupKeys: config.backupKeys,
      secretTemplates: shopMails.flatMap(({ name, isSecret }) => (isSecret ? [name] : [])),
    },
    cartDays: config.cartDays,
    reviewReminderDays: config.reviewReminderDays,
    webhookSecrets: config.webhookSecrets,
    keyFor,
  };
}

function paymentGateway(
  settings: PaymentSettings,
  db: DrizzleD1Database,
  clock: Clock,
): PaymentGateway {
  return settings.gateway === "stripe"
    ? createStripeGateway(settings, clock)
    : createSimulatedGateway(db, clock);
}
