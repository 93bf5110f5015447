import * as z from "zod";
import { isZone, LovageError, MAX_SHARDS } from "#engine";
import { LOCALES, type Locale } from "./domain/mail/locale.ts";
import {
  callbackSettings,
  LOCAL_HOST,
  mailSettings,
  paymentSettings,
  providerSettings,
  type CallbackSettings,
  type MailSettings,
  type PaymentSettings,
} from "./config-providers.ts";
import type { Env } from "./platform/env.ts";
import { DEFAULT_HISTORY_DAYS, MIN_HISTORY_DAYS } from "./platform/history/spare-rows.ts";

/** 32 bytes as base64; absent or empty: none. */
const secretKey = z
  .string()
  .regex(/^([A-Za-z0-9+/]{43}=)?$/)
  .default("");

/** What the payment gateway signs with; absent or empty: none. */
const webhookSecret = z
  .string()
  .regex(/^(.{16,500})?$/)
  .default("");

/** A number that may be 0: what is empty is none, and not 0. */
const number = z.union([z.number(), z.string().regex(/\d/)]).transform(Number);

const shardCount = z.string().transform(Number).pipe(z.int().min(1).max(MAX_SHARDS));
/** Empty: none. */
const shardCountBefore = z.string().transform(Number).pipe(z.int().min(0).max(MAX_SHARDS));

/** The deployment's own settings, as they stand in the Worker's variables and secrets. */
export const ownSettings = z.object({
  ENVIRONMENT: z.enum(["development", "staging", "production"]).default("development"),
  OPEN_ACCESS: z.enum(["true", "false"]).transform((text) => text === "true"),
  RATE_LIMITS: z.enum(["on", "off"]).default("on"),
  LEDGER_SHARDS: z.string().regex(/^\d+$/).pipe(shardCount),
  LEDGER_SHARDS_PREVIOUS: z.string().regex(/^\d*$/).default("").pipe(shardCountBefore),
  LOCALE: z.enum(LOCALES),
  ID_SECRET: z.string().min(32),
  SECRETS_KEY: secretKey,
  SECRETS_KEY_PREVIOUS: secretKey,
  ADMIN_EMAILS: z
    .string()
    .default("")
    .transform((text) => text.split(",").map((address) => address.trim()))
    .transform((addresses) => addresses.filter((address) => address !== ""))
    .pipe(z.array(z.email()).max(50)),
  HISTORY_DAYS: z.coerce
    .number()
    .int()
    .min(MIN_HISTORY_DAYS)
    .max(3_650)
    .default(DEFAULT_HISTORY_DAYS),
  MAIL_DAYS: z.coerce.number().int().min(7).max(3_650).default(90),
  AUDIT_DAYS: z.coerce.number().int().min(30).max(3_650).default(365),
  BACKUP_KEEP: z.coerce.number().int().min(1).max(1_000).default(14),
  BACKUP_KEY: secretKey,
  BACKUP_KEY_PREVIOUS: secretKey,
  LOG_SAMPLING: number.pipe(z.number().min(0).max(1)).default(0),
  LOG_DAYS: z.coerce.number().int().min(8).max(365).default(30),
  LOG_WAIT_MS: number.pipe(z.int().min(0).max(10_000)).default(5_000),
  PUBLIC_URL: z
    .string()
    .regex(/^https?:\/\/[\w.:-]+$/)
    .default("http://localhost:8787"),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((text) => text.split(",").map((origin) => origin.trim()))
    .transform((origins) => origins.filter((origin) => origin !== ""))
    .pipe(z.array(z.string().refine(isOrigin)).max(50)),
  TIMEZONE: z.string().default("UTC").refine(isZone),
  CART_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  REVIEW_REMINDER_DAYS: number.pipe(z.number().min(0).max(365)).default(3),
  WEBHOOK_SECRET_PREVIOUS: webhookSecret,
  ALERT_URL: z.string().refine(isAlertUrl).default(""),
  ALERT_THRESHOLD: z.coerce.number().int().min(1).default(1),
  ALERT_WINDOW_MINUTES: z.coerce.number().min(1).max(1_440).default(15),
});

/** `https:`, or plain on this machine; absent or empty: none. */
function isAlertUrl(text: string): boolean {
  if (text === "") return true;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isLocal = url?.protocol === "http:" && LOCAL_HOST.test(url.hostname);
  return url?.username === "" && (url.protocol === "https:" || isLocal);
}

/** As a browser says it: `https:`, or plain on this machine; nothing behind the port, and no `*`. */
function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isLocal = url?.protocol === "http:" && LOCAL_HOST.test(url.hostname);
  return url?.origin === text && !text.includes("*") && (url.protocol === "https:" || isLocal);
}

/** The settings of a deployment, checked. */
export interface Config {
  /** Where it runs: `development` is a person's own machine. */
  readonly environment: "development" | "staging" | "production";
  readonly isOpenAccess: boolean;
  /** Whether a caller's requests are counted, and refused when they are too many. */
  readonly isRateLimited: boolean;
  /** New tasks are spread over so many. */
  readonly shards: number;
  /** So many are looked after: there may be tasks in them, from when there were more. */
  readonly shardsInUse: number;
  readonly locale: Locale;
  readonly idSecret: string;
  /** Keys for secret arguments, the current one first; none: they are kept plain. */
  readonly secretKeys: readonly string[];
  readonly adminEmails: readonly string[];
  /** Finished tasks are kept this long. */
  readonly historyDays: number;
  /** Mails that are through are kept this long, and never shorter than the tasks that know them. */
  readonly mailDays: number;
  /** What operators did is kept this long. */
  readonly auditDays: number;
  /** Finished backups that are kept. */
  readonly backupsKept: number;
  /** Keys for backups, the current one first; none: they are plain, without what is secret. */
  readonly backupKeys: readonly string[];
  /** How many requests and attempts that went well are logged, from 0 to 1; the others always. */
  readonly logSampling: number;
  /** The log of requests is kept this long. */
  readonly logDays: number;
  /** Requests wait this long for others to be logged with. */
  readonly logWaitMs: number;
  /** Where people reach the deployment: the origin, without a slash at the end. */
  readonly publicUrl: string;
  /** Origins whose pages may use the API with a token; none: only the deployment's own. */
  readonly corsOrigins: readonly string[];
  /** Of schedules that name none. */
  readonly timezone: string;
  /** Carts are kept so long after they were last touched. */
  readonly cartDays: number;
  /** From delivery to the reminder of a review. */
  readonly reviewReminderDays: number;
  /** Secrets of the payment gateway's events, the current one first; none: events are refused. */
  readonly webhookSecrets: readonly string[];
  /** Where alerts are posted besides mail; null: nowhere. */
  readonly alertUrl: string | null;
  readonly alerts: { readonly threshold: number; readonly windowMs: number };
  readonly mail: MailSettings;
  readonly payments: PaymentSettings;
  readonly callbacks: CallbackSettings;
}

/**
 * Reads the settings from the Worker's variables and secrets.
 * @throws LovageError `bad_config` naming every setting that is missing or wrong, never their values
 */
export function readConfig(env: Env): Config {
  const checked = ownSettings.safeParse(env);
  const providers = providerSettings.safeParse(env);
  if (!checked.success || !providers.success) {
    const issues = [checked, providers].flatMap(({ error }) => error?.issues ?? []);
    const names = [...new Set(issues.map((issue) => issue.path.join(".")))];
    throw new LovageError("bad_config", `Missing or wrong settings: ${names.join(", ")}.`);
  }
  const { OPEN_ACCESS, LEDGER_SHARDS, LOCALE, ID_SECRET, ADMIN_EMAILS } = checked.data;
  const { ALERT_THRESHOLD, ALERT_WINDOW_MINUTES } = checked.data;
  return {
    environment: checked.data.ENVIRONMENT,
    isOpenAccess: OPEN_ACCESS,
    isRateLimited: checked.data.RATE_LIMITS === "on",
    shards: LEDGER_SHARDS,
    shardsInUse: Math.max(LEDGER_SHARDS, checked.data.LEDGER_SHARDS_PREVIOUS),
    locale: LOCALE,
    publicUrl: checked.data.PUBLIC_URL,
    corsOrigins: checked.data.CORS_ORIGINS,
    timezone: checked.data.TIMEZONE,
    idSecret: ID_SECRET,
    secretKeys: [checked.data.SECRETS_KEY, checked.data.SECRETS_KEY_PREVIOUS].filter(
      (key) => key !== "",
    ),
    adminEmails: ADMIN_EMAILS,
    historyDays: checked.data.HISTORY_DAYS,
    mailDays: Math.max(checked.data.MAIL_DAYS, checked.data.HISTORY_DAYS),
    auditDays: checked.data.AUDIT_DAYS,
    backupsKept: checked.data.BACKUP_KEEP,
    backupKeys: [checked.data.BACKUP_KEY, checked.data.BACKUP_KEY_PREVIOUS].filter(
      (key) => key !== "",
    ),
    cartDays: checked.data.CART_DAYS,
    reviewReminderDays: checked.data.REVIEW_REMINDER_DAYS,
    webhookSecrets: [providers.data.WEBHOOK_SECRET, checked.data.WEBHOOK_SECRET_PREVIOUS].filter(
      (secret) => secret !== "",
    ),
    logSampling: checked.data.LOG_SAMPLING,
    logDays: checked.data.LOG_DAYS,
    logWaitMs: checked.data.LOG_WAIT_MS,
    alertUrl: checked.data.ALERT_URL === "" ? null : checked.data.ALERT_URL,
    alerts: { threshold: ALERT_THRESHOLD, windowMs: ALERT_WINDOW_MINUTES * 60_000 },
    mail: mailSettings(providers.data),
    payments: paymentSettings(providers.data),
    callbacks: callbackSettings(providers.data),
  };
}
