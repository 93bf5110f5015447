import * as z from "zod";

/** How mail goes out. */
export type MailSettings =
  | { readonly transport: "outbox" }
  | ({ readonly transport: "smtp"; readonly from: string } & SmtpSettings)
  | { readonly transport: "cloudflare"; readonly from: string }
  | {
      readonly transport: "http";
      readonly from: string;
      readonly apiKey: string;
      /** Where Resend's API is; another for tests. */
      readonly url: string;
    };

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` before anything else is said; `none` on this machine only. */
  readonly security: "tls" | "starttls" | "none";
  /** Null: the server wants none. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** Connections that one batch of mails is spread over. */
  readonly connections: number;
}

/** Who takes the money. */
export type PaymentSettings =
  | { readonly gateway: "simulated" }
  | {
      readonly gateway: "stripe";
      readonly secretKey: string;
      /** Where Stripe's API is; another for tests. */
      readonly url: string;
    };

/** Callbacks to those who wait for a task. */
export interface CallbackSettings {
  /** Hosts that may be called, `*.example.com` for all below one; none: callbacks are refused. */
  readonly hosts: readonly string[];
  /** What callbacks are signed with, the current one first: `whsec_` and base64. */
  readonly secrets: readonly string[];
  /** True: plain http and addresses of this machine may be called too; for development. */
  readonly isLocalAllowed: boolean;
}

const text = z.string().default("");
const origin = (fallback: string) =>
  z
    .string()
    .regex(/^https?:\/\/[\w.:-]+$/)
    .default(fallback);
/** 24 bytes or more, as the specification asks. */
const callbackSecret = z
  .string()
  .regex(/^(whsec_([A-Za-z0-9+/]{4}){8,21}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)?$/)
  .default("");
/** Host names, without port; `*.` before one stands for all below it. */
const HOST = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/;
/** This machine. */
export const LOCAL_HOST = /^(localhost|127(\.\d+){3}|::1)$/;

/** The settings of everything outside, as they stand in the Worker's variables and secrets. */
export const providerSettings = z
  .object({
    MAIL_TRANSPORT: z.enum(["outbox", "smtp", "cloudflare", "http"]).default("outbox"),
    /** `Shop <shop@example.com>`, or the address alone. */
    MAIL_FROM: z
      .string()
      .regex(/^([^<>"\r\n]{1,100} <[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+|)$/)
      .default(""),
    SMTP_HOST: z
      .string()
      .regex(/^[\w.:-]*$/)
      .default(""),
    SMTP_PORT: z.coerce.number().int().min(1).max(65_535).default(587),
    SMTP_SECURITY: z.enum(["tls", "starttls", "none"]).optional(),
    SMTP_USER: text,
    SMTP_PASSWORD: text,
    SMTP_CONNECTIONS: z.coerce.number().int().min(1).max(6).default(4),
    RESEND_API_KEY: text,
    RESEND_URL: origin("https://api.resend.com"),
    PAYMENT_GATEWAY: z.enum(["simulated", "stripe"]).default("simulated"),
    STRIPE_SECRET_KEY: z
      .string()
      .regex(/^((sk|rk)_(test|live)_\w{8,}|)$/)
      .default(""),
    STRIPE_URL: origin("https://api.stripe.com"),
    WEBHOOK_SECRET: z
      .string()
      .regex(/^(.{16,500})?$/)
      .default(""),
    CALLBACK_HOSTS: z
      .string()
      .default("")
      .transform((list) => list.split(",").map((host) => host.trim().toLowerCase()))
      .transform((hosts) => hosts.filter((host) => host !== ""))
      .pipe(z.array(z.string().regex(HOST)).max(100)),
    CALLBACK_SECRET: callbackSecret,
    CALLBACK_SECRET_PREVIOUS: callbackSecret,
    CALLBACK_LOCAL: z.enum(["true", "false"]).default("false"),
  })
  .superRefine((given, context) => {
    for (const name of missing(given)) {
      context.addIssue({ code: "custom", path: [name], message: "is missing." });
    }
  });

type Given = z.output<typeof providerSettings>;

/** What the settings that are there call for, and is not: nothing starts half-configured. */
function missing(given: Given): (keyof Given)[] {
  const wanted: (keyof Given)[] = [];
  if (given.MAIL_TRANSPORT !== "outbox") wanted.push("MAIL_FROM");
  if (given.MAIL_TRANSPORT === "smtp") wanted.push("SMTP_HOST", ...smtpLogin(given));
  if (given.MAIL_TRANSPORT === "http") wanted.push("RESEND_API_KEY");
  if (given.PAYMENT_GATEWAY === "stripe") wanted.push("STRIPE_SECRET_KEY", "WEBHOOK_SECRET");
  if (given.CALLBACK_HOSTS.length > 0) wanted.push("CALLBACK_SECRET");
  const absent = wanted.filter((name) => given[name] === "");
  // A password in the clear would be anybody's.
  const isBare = given.SMTP_SECURITY === "none" && !LOCAL_HOST.test(given.SMTP_HOST);
  return isBare ? [...absent, "SMTP_SECURITY"] : absent;
}

function smtpLogin({ SMTP_SECURITY, SMTP_USER, SMTP_PASSWORD }: Given): (keyof Given)[] {
  const isNeeded = SMTP_SECURITY !== "none" || SMTP_USER !== "" || SMTP_PASSWORD !== "";
  return isNeeded ? ["SMTP_USER", "SMTP_PASSWORD"] : [];
}

export function mailSettings(given: Given): MailSettings {
  const { MAIL_TRANSPORT: transport, MAIL_FROM: from } = given;
  switch (transport) {
    case "outbox":
      return { transport };
    case "cloudflare":
      return { transport, from };
    case "http":
      return { transport, from, apiKey: given.RESEND_API_KEY, url: given.RESEND_URL };
    case "smtp": {
      const { SMTP_HOST: host, SMTP_PORT: port, SMTP_USER: user, SMTP_PASSWORD: password } = given;
      const security = given.SMTP_SECURITY ?? (port === 465 ? "tls" : "starttls");
      const login = user === "" ? null : { user, password };
      return { transport, from, host, port, security, login, connections: given.SMTP_CONNECTIONS };
    }
  }
}

export function paymentSettings(given: Given): PaymentSettings {
  if (given.PAYMENT_GATEWAY === "simulated") return { gateway: "simulated" };
  return { gateway: "stripe", secretKey: given.STRIPE_SECRET_KEY, url: given.STRIPE_URL };
}

export function callbackSettings(given: Given): CallbackSettings {
  return {
    hosts: given.CALLBACK_HOSTS,
    secrets: [given.CALLBACK_SECRET, given.CALLBACK_SECRET_PREVIOUS].filter(
      (secret) => secret !== "",
    ),
    isLocalAllowed: given.CALLBACK_LOCAL === "true",
  };
}
