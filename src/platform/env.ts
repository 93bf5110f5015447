import type { Doorbell } from "./doorbell.ts";
import type { LimiterObject } from "./limiter/limiter-object.ts";
import type { LedgerObject } from "./ledger/ledger-object.ts";
import type { BeatObject } from "./beat/beat-object.ts";
import type { WatchdogObject } from "./watchdog/watchdog-object.ts";

/** The Worker's bindings, as wrangler.toml declares them. */
export interface Env {
  readonly DB: D1Database;
  /** Results that are too large for a row. */
  readonly RESULTS: R2Bucket;
  /** Uploaded files, backups, exports. */
  readonly FILES: R2Bucket;
  readonly LEDGER: DurableObjectNamespace<LedgerObject>;
  readonly LIMITER: DurableObjectNamespace<LimiterObject>;
  readonly BEAT: DurableObjectNamespace<BeatObject>;
  readonly WATCHDOG: DurableObjectNamespace<WatchdogObject>;
  readonly QUEUE_DEFAULT: Queue<Doorbell>;
  readonly QUEUE_HIGH_PRIORITY: Queue<Doorbell>;
  readonly QUEUE_EMAILS: Queue<Doorbell>;
  readonly QUEUE_PAYMENTS: Queue<Doorbell>;
  readonly QUEUE_CALLBACKS: Queue<Doorbell>;
  /** Counts requests with a wrong key, by address. */
  readonly AUTH_FAILURES: RateLimit;
  /** Count requests by caller, each a kind of route. */
  readonly RATE_READ: RateLimit;
  readonly RATE_SUBMIT: RateLimit;
  readonly RATE_CONTROL: RateLimit;
  readonly RATE_AUTH: RateLimit;
  readonly RATE_UPLOAD: RateLimit;
  readonly RATE_WEBHOOK: RateLimit;
  readonly RATE_PUBLIC: RateLimit;
  /** "off" counts no requests; absent: on. */
  readonly RATE_LIMITS?: string;
  /** development, staging or production; absent: development. */
  readonly ENVIRONMENT?: string;
  /** "true" lets requests without a credential do everything; for development only. */
  readonly OPEN_ACCESS: string;
  /** Shards that new tasks are spread over, 1 … 4096. */
  readonly LEDGER_SHARDS: string;
  /** How many there were, while there are tasks in those that are more; absent: no more than now. */
  readonly LEDGER_SHARDS_PREVIOUS?: string;
  /** Language of mails and results where an order names none: en or ru. */
  readonly LOCALE: string;
  /** Comma-separated addresses that are told of dead letters, besides the admins with an account. */
  readonly ADMIN_EMAILS?: string;
  /** The origin that links in mails begin with; absent: that of `npm start`. */
  readonly PUBLIC_URL?: string;
  /** Comma-separated origins whose pages may use the API with a token; absent: none. */
  readonly CORS_ORIGINS?: string;
  /** Days that finished tasks are kept, at least 7; absent: DEFAULT_HISTORY_DAYS. */
  readonly HISTORY_DAYS?: string;
  /** Days that mails are kept, at least as long as tasks; absent: 90. */
  readonly MAIL_DAYS?: string;
  /** Days that the log of what operators did is kept, at least 30; absent: 365. */
  readonly AUDIT_DAYS?: string;
  /** Finished backups that are kept; absent: 14. */
  readonly BACKUP_KEEP?: string;
  /** Secrets of 32 bytes as base64 that backups are encrypted with; see README. */
  readonly BACKUP_KEY?: string;
  readonly BACKUP_KEY_PREVIOUS?: string;
  /** Days until a cart that nobody touches is deleted; absent: 30. */
  readonly CART_DAYS?: string;
  /** Days from delivery to the reminder of a review; absent: 3. */
  readonly REVIEW_REMINDER_DAYS?: string;
  /** Secrets of 16 characters or more that the payment gateway signs its events with; see README. */
  readonly WEBHOOK_SECRET?: string;
  readonly WEBHOOK_SECRET_PREVIOUS?: string;
  /** What the shop's mail, payments and callbacks go through; see config-providers.ts and README. */
  readonly MAIL_TRANSPORT?: string;
  readonly MAIL_FROM?: string;
  readonly EMAIL: SendEmail;
  readonly SMTP_HOST?: string;
  readonly SMTP_PORT?: string;
  readonly SMTP_SECURITY?: string;
  readonly SMTP_USER?: string;
  readonly SMTP_PASSWORD?: string;
  readonly SMTP_CONNECTIONS?: string;
  readonly RESEND_API_KEY?: string;
  readonly RESEND_URL?: string;
  readonly PAYMENT_GATEWAY?: string;
  readonly STRIPE_SECRET_KEY?: string;
  readonly STRIPE_URL?: string;
  readonly CALLBACK_HOSTS?: string;
  readonly CALLBACK_SECRET?: string;
  readonly CALLBACK_SECRET_PREVIOUS?: string;
  readonly CALLBACK_LOCAL?: string;
  /** How many requests and attempts that went well are logged, from 0 to 1; absent: 0. */
  readonly LOG_SAMPLING?: string;
  /** Days that the log of requests is kept, at least 8; absent: 30. */
  readonly LOG_DAYS?: string;
  /** Requests wait this long for others to be logged with, ms up to 10,000; absent: 5,000. */
  readonly LOG_WAIT_MS?: string;
  /** Where alerts are posted besides mail, as `https://…`; absent: nowhere. */
  readonly ALERT_URL?: string;
  /** So many dead letters in so many minutes are worth a message, one a window. */
  readonly ALERT_THRESHOLD?: string;
  readonly ALERT_WINDOW_MINUTES?: string;
  /** Secrets of 32 bytes as base64 that secret arguments are encrypted with; see README. */
  readonly SECRETS_KEY?: string;
  readonly SECRETS_KEY_PREVIOUS?: string;
  /** Secret of at least 32 characters that ids from callers' keys are derived with. */
  readonly ID_SECRET: string;
}
