import type { Finding } from "#engine";
import type { Config } from "./config.ts";

/** Settings that may be right on a person's own machine, and are dangerous or lose something where it counts. */
export function risksOf(config: Config): Finding[] {
  const { environment, mail, payments } = config;
  const risk = (isThere: boolean, name: string, message: string): Finding[] =>
    isThere ? [{ name, level: "risk", message }] : [];
  const isLocal = environment === "development";
  const isLive = environment === "production";
  return [
    ...risk(
      config.isOpenAccess,
      "OPEN_ACCESS",
      "Whoever reaches the deployment may do everything, without a token.",
    ),
    ...risk(
      !config.isRateLimited,
      "RATE_LIMITS",
      "It is off: one caller may make any number of requests.",
    ),
    ...risk(
      config.secretKeys.length === 0,
      "SECRETS_KEY",
      "It is not set: secret arguments are stored as they are.",
    ),
    ...risk(
      config.backupKeys.length === 0,
      "BACKUP_KEY",
      "It is not set: backups are plain, and leave out what is secret.",
    ),
    ...risk(
      isLive && mail.transport === "outbox",
      "MAIL_TRANSPORT",
      "It is outbox: no mail leaves the deployment.",
    ),
    ...risk(
      isLive && payments.gateway === "simulated",
      "PAYMENT_GATEWAY",
      "It is simulated: no money moves.",
    ),
    ...risk(
      !isLocal && config.adminEmails.length === 0 && config.alertUrl === null,
      "ADMIN_EMAILS",
      "Neither it nor ALERT_URL is set: only admins with an account are told of what goes wrong.",
    ),
    ...risk(
      !isLocal && !config.publicUrl.startsWith("https://"),
      "PUBLIC_URL",
      `It is ${config.publicUrl}: links in mails lead there.`,
    ),
  ];
}
