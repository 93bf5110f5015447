/**
 * Settings that leave everything outside alone: for tests and benches, whatever a machine's own .dev.vars
 * choose.
 */
export const NO_PROVIDERS = {
  MAIL_TRANSPORT: "outbox",
  PAYMENT_GATEWAY: "simulated",
  CALLBACK_HOSTS: "",
  ADMIN_EMAILS: "",
  ALERT_URL: "",
} as const;
