import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, TaskReader } from "#engine";
import type { MailSettings, PaymentSettings } from "./config-providers.ts";
import type { Config } from "./config.ts";
import type { CallbackRules } from "./domain/callbacks/index.ts";
import { shopMails, type ShopServices } from "./domain/index.ts";
import { MailDesk, Unsubscribe, type MailTransport } from "./domain/mail/index.ts";
import type { PaymentGateway } from "./domain/payments/index.ts";
import { createHttpAlertHook } from "./integrations/alerts/http-alert-hook.ts";
import { createHttpCallbacks } from "./integrations/callbacks/http-callbacks.ts";
import { createCloudflareTransport } from "./integrations/mail/cloudflare-transport.ts";
import { outboxTransport } from "./integrations/mail/outbox-transport.ts";
import { createResendTransport } from "./integrations/mail/resend-transport.ts";
import { createSmtpTransport } from "./integrations/mail/smtp-transport.ts";
import { createSimulatedGateway } from "./integrations/payments/simulated-gateway.ts";
import { createStripeGateway } from "./integrations/payments/stripe-gateway.ts";
import { createR2ObjectStore } from "./integrations/storage/r2-object-store.ts";
import type { Env } from "./platform/env.ts";
import { systemTimers } from "./platform/system.ts";

interface Parts extends Pick<ShopServices, "outbox" | "keyFor"> {
  readonly db: DrizzleD1Database;
  readonly clock: Clock;
  readonly tasks: Pick<TaskReader, "get">;
  /** Pauses the queue of mail, and says why. Never throws. */
  readonly stopMail: (reason: string) => Promise<void>;
}

/** Whom the deployment may call when a task ends. */
export function callbackRules({ callbacks, publicUrl }: Config): CallbackRules {
  return { hosts: callbacks.hosts, isLocalAllowed: callbacks.isLocalAllowed, publicUrl };
}

/** What the shop works with: its settings, and the outside world as the settings choose it. */
export function createShopServices(
  env: Env,
  config: Config,
  { db, outbox, clock, keyFor, tasks, stopMail }: Parts,
): ShopServices {
  return {
    db,
    mail: new MailDesk({
      db,
      transport: mailTransport(config.mail, env, clock),
      clock,
      stopped: stopMail,
      pause: (ms) =>
        new Promise((resolve) => {
          systemTimers.after(ms, resolve);
        }),
      from: "from" in config.mail ? config.mail.from : null,
      unsubscribe: new Unsubscribe(keyFor("unsubscribe"), config.publicUrl),
    }),
    gateway: paymentGateway(config.payments, db, clock),
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
    alertHook: config.alertUrl === null ? null : createHttpAlertHook(config.alertUrl),
    maintenance: {
      mailDays: config.mailDays,
      auditDays: config.auditDays,
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

/** The way out for mail, as the settings choose it. */
function mailTransport(mail: MailSettings, env: Env, clock: Clock): MailTransport {
  switch (mail.transport) {
    case "outbox":
      return outboxTransport;
    case "cloudflare":
      return createCloudflareTransport(env.EMAIL, mail.from);
    case "http":
      return createResendTransport(mail, { clock, timers: systemTimers });
    case "smtp":
      return createSmtpTransport(mail, { clock });
  }
}

/** Who takes the money, as the settings choose it. */
function paymentGateway(
  settings: PaymentSettings,
  db: DrizzleD1Database,
  clock: Clock,
): PaymentGateway {
  return settings.gateway === "stripe"
    ? createStripeGateway(settings, clock)
    : createSimulatedGateway(db, clock);
}
