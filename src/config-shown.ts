import { ownSettings, type Config } from "./config.ts";
import { providerSettings } from "./config-providers.ts";
import type { ShownSetting } from "./delivery/api/index.ts";
import type { Env } from "./platform/env.ts";

type Name = keyof typeof ownSettings.shape | keyof typeof providerSettings.shape;

/** What each setting does, for people; every setting has to be here. */
const DOES: Readonly<Record<Name, string>> = {
  ENVIRONMENT: "Where it runs: development, staging or production",
  OPEN_ACCESS: "true lets requests without a key do everything",
  RATE_LIMITS: "off counts no requests: one caller may make any number of them",
  LEDGER_SHARDS: "Durable Objects that new tasks are spread over",
  LEDGER_SHARDS_PREVIOUS: "How many there were: those are looked after too",
  LOCALE: "Language of mails where an order names none",
  TIMEZONE: "Time zone of schedules and reports that name none",
  PUBLIC_URL: "Where people reach the deployment: links in mails begin with it",
  CORS_ORIGINS: "Sites whose pages may use the API with a token",
  ADMIN_EMAILS: "Who is told of dead letters, besides the admins with an account",
  ALERT_URL: "What the admins are told is posted there too",
  ALERT_THRESHOLD: "So many new dead letters in a window are worth a message",
  ALERT_WINDOW_MINUTES: "How long that window is, minutes",
  HISTORY_DAYS: "Finished tasks are kept so many days",
  MAIL_DAYS: "Mails are kept so many days, at least as long as tasks",
  AUDIT_DAYS: "What operators did is kept so many days",
  LOG_DAYS: "The log of requests is kept so many days",
  LOG_WAIT_MS: "Requests wait so long for others to be logged with, ms",
  LOG_SAMPLING: "How many of the requests and attempts that went well are logged, 0 to 1",
  CART_DAYS: "A cart that nobody touches is deleted after so many days",
  REVIEW_REMINDER_DAYS: "A review is asked for so many days after the delivery",
  BACKUP_KEEP: "So many backups are kept",
  BACKUP_KEY: "Encrypts backups; without it they leave out what is secret",
  BACKUP_KEY_PREVIOUS: "The key before, for older backups",
  SECRETS_KEY: "Encrypts secret arguments where they are stored",
  SECRETS_KEY_PREVIOUS: "The key before, for older tasks",
  ID_SECRET: "Derives ids from callers' keys, and what passwords are hashed with",
  MAIL_TRANSPORT: "How mail goes out: outbox (it is kept and shown), smtp, cloudflare, http",
  MAIL_FROM: "The sender of mail",
  SMTP_HOST: "Where the mail server is",
  SMTP_PORT: "Its port",
  SMTP_SECURITY: "tls, starttls or none; absent: by the port",
  SMTP_USER: "Its login",
  SMTP_PASSWORD: "Its password",
  SMTP_CONNECTIONS: "Connections that one batch of mails is spread over",
  RESEND_API_KEY: "The key for mail over Resend",
  RESEND_URL: "Where Resend's API is",
  PAYMENT_GATEWAY: "Who takes the money: simulated or stripe",
  STRIPE_SECRET_KEY: "The key for Stripe",
  STRIPE_URL: "Where Stripe's API is",
  WEBHOOK_SECRET: "What the payment gateway signs its events with",
  WEBHOOK_SECRET_PREVIOUS: "The secret before, while it is rolled",
  CALLBACK_HOSTS: "Hosts that callbacks may go to; none: callbacks are refused",
  CALLBACK_SECRET: "What callbacks are signed with",
  CALLBACK_SECRET_PREVIOUS: "The secret before, until all receivers have the new one",
  CALLBACK_LOCAL: "true lets callbacks go to this machine, over plain http",
};

/** Of these it is said only whether they are set. Some providers' user names are keys. */
const SECRET: ReadonlySet<Name> = new Set<Name>([
  ...(["ALERT_URL", "BACKUP_KEY", "BACKUP_KEY_PREVIOUS", "SECRETS_KEY"] as const),
  ...(["SECRETS_KEY_PREVIOUS", "ID_SECRET", "SMTP_USER", "SMTP_PASSWORD"] as const),
  ...(["RESEND_API_KEY", "STRIPE_SECRET_KEY", "WEBHOOK_SECRET"] as const),
  ...(["WEBHOOK_SECRET_PREVIOUS", "CALLBACK_SECRET", "CALLBACK_SECRET_PREVIOUS"] as const),
]);

const FIELDS = { ...ownSettings.shape, ...providerSettings.shape };

/**
 * The deployment's settings as they may be shown.
 * @param config what was made of them: without it there would be no deployment to ask
 */
export function shownSettings(env: Env, { mailDays }: Config): ShownSetting[] {
  const given = env as unknown as Readonly<Partial<Record<Name, string>>>;
  return (Object.keys(DOES) as Name[]).map((name) => {
    const isSecret = SECRET.has(name);
    const value = given[name];
    const isSet = value !== undefined && value !== "";
    const fallback = fallbackOf(name);
    const plain = name === "MAIL_DAYS" ? String(mailDays) : isSet ? value : fallback;
    return {
      name,
      does: DOES[name],
      value: isSecret ? (isSet ? "set" : "not set") : (plain ?? ""),
      fallback: isSecret ? null : fallback,
      isSecret,
    };
  });
}

/** Null: it has to be there. */
function fallbackOf(name: Name): string | null {
  const checked = FIELDS[name].safeParse(undefined);
  return checked.success ? String(checked.data ?? "") : null;
}
