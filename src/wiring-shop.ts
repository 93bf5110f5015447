import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, TaskReader } from "#engine";
import type { Config } from "./config.ts";
import type { CallbackRules } from "./domain/callbacks/index.ts";
import { shopMails, type ShopServices } from "./domain/index.ts";
import { MailDesk, Unsubscribe } from "./domain/mail/index.ts";
import { createHttpCallbacks } from "./integrations/callbacks/http-callbacks.ts";
import { outboxTransport } from "./integrations/mail/outbox-transport.ts";
import { createSimulatedGateway } from "./integrations/payments/simulated-gateway.ts";
import { createR2ObjectStore } from "./integrations/storage/r2-object-store.ts";
import type { Env } from "./platform/env.ts";

interface Parts extends Pick<ShopServices, "outbox" | "keyFor"> {
  readonly db: DrizzleD1Database;
  readonly clock: Clock;
  readonly tasks: Pick<TaskReader, "get">;
}

/** Whom the deployment may call when a task ends. */
export function callbackRules({ callbacks, publicUrl }: Config): CallbackRules {
  return { hosts: callbacks.hosts, isLocalAllowed: callbacks.isLocalAllowed, publicUrl };
}

/** What the shop works with: its settings, and the outside world as the settings choose it. */
export function createShopServices(
  env: Env,
  config: Config,
  { db, outbox, clock, keyFor, tasks }: Parts,
): ShopServices {
  return {
    db,
    mail: new MailDesk({
      db,
      transport: outboxTransport,
      clock,
      unsubscribe: new Unsubscribe(keyFor("unsubscribe"), config.publicUrl),
    }),
    gateway: createSimulatedGateway(db, clock),
    files: createR2ObjectStore(env.FILES),
    callbacks: {
      rules: callbackRules(config),
      sender: createHttpCallbacks({ secrets: config.callbacks.secrets, clock }),
      tasks,
    },
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
