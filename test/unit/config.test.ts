import { expect, it } from "vitest";
import { readConfig, type Config } from "../../src/config.ts";
import type { Env } from "../../src/platform/env.ts";

const LEAST = {
  OPEN_ACCESS: "false",
  LEDGER_SHARDS: "4",
  LOCALE: "en",
  ID_SECRET: "0123456789abcdef0123456789abcdef",
};
const SMTP = {
  MAIL_TRANSPORT: "smtp",
  MAIL_FROM: "Shop <shop@example.com>",
  SMTP_HOST: "smtp.example.com",
  SMTP_USER: "user",
  SMTP_PASSWORD: "password",
};
const STRIPE = {
  PAYMENT_GATEWAY: "stripe",
  STRIPE_SECRET_KEY: "sk_test_0123456789",
  WEBHOOK_SECRET: "whsec_0123456789abcdef",
};
const CALLBACKS = {
  CALLBACK_HOSTS: "hooks.example.com, *.Example.org",
  CALLBACK_SECRET: `whsec_${"a".repeat(43)}=`,
};

it("without settings of its own nothing outside is used", () => {
  expect(read({})).toMatchObject({
    mail: { transport: "outbox" },
    payments: { gateway: "simulated" },
    callbacks: { hosts: [], secrets: [], isLocalAllowed: false },
  });
});

it.each([
  ["smtp", SMTP],
  ["http", { MAIL_TRANSPORT: "http", MAIL_FROM: "shop@example.com", RESEND_API_KEY: "re_1" }],
  ["cloudflare", { MAIL_TRANSPORT: "cloudflare", MAIL_FROM: "shop@example.com" }],
  ["stripe", STRIPE],
  ["callbacks", CALLBACKS],
])(
  "%s: what is missing is named, and nothing starts",
  (_name, complete: Record<string, string>) => {
    expect(() => read(complete)).not.toThrow();
    const [chosen = "", ...needed] = Object.keys(complete);
    for (const name of needed) {
      const { [name]: _left, ...rest } = complete;
      expect(() => read(rest), `without ${name}`).toThrow(
        new RegExp(`^Missing or wrong settings: ${name}\\.$`),
      );
    }
    const alone = { [chosen]: complete[chosen] ?? "" };
    expect(() => read(alone)).toThrow(`Missing or wrong settings: ${needed.join(", ")}.`);
  },
);

it("everything that is wrong is named at once, and no value is", () => {
  const wrong = { ...STRIPE, STRIPE_SECRET_KEY: "pk_live_mistaken", LOCALE: "fr", SMTP_PORT: "0" };
  expect(() => read(wrong)).toThrow(
    "Missing or wrong settings: LOCALE, SMTP_PORT, STRIPE_SECRET_KEY.",
  );
});

it("an empty number is wrong, and not 0", () => {
  const empty = { REVIEW_REMINDER_DAYS: "", LOG_SAMPLING: " ", LOG_WAIT_MS: "" };
  expect(() => read(empty)).toThrow(
    "Missing or wrong settings: LOG_SAMPLING, LOG_WAIT_MS, REVIEW_REMINDER_DAYS.",
  );
  const none = { REVIEW_REMINDER_DAYS: "0", LOG_SAMPLING: "0", LOG_WAIT_MS: "0" };
  expect(read(none)).toMatchObject({ logSampling: 0, logWaitMs: 0 });
});

it.each([
  [{}, { port: 587, security: "starttls", connections: 4 }],
  [{ SMTP_PORT: "465" }, { port: 465, security: "tls" }],
  [
    { SMTP_PORT: "2525", SMTP_SECURITY: "tls" },
    { port: 2525, security: "tls" },
  ],
  [
    { SMTP_HOST: "localhost", SMTP_SECURITY: "none", SMTP_USER: "", SMTP_PASSWORD: "" },
    { security: "none", login: null },
  ],
])("SMTP %o", (changes, expected) => {
  expect(read({ ...SMTP, ...changes }).mail).toMatchObject(expected);
});

it("a login goes to another machine encrypted, or not at all", () => {
  expect(() => read({ ...SMTP, SMTP_SECURITY: "none" })).toThrow(
    "Missing or wrong settings: SMTP_SECURITY.",
  );
});

it.each([
  "shop@example.com\r\nBcc: x@example.com",
  "Shop <shop@example.com>, x@example.com",
  "shop",
  '"Shop" <shop@example.com>',
])("%j is no sender", (from) => {
  expect(() => read({ ...SMTP, MAIL_FROM: from })).toThrow("Missing or wrong settings: MAIL_FROM.");
});

it.each(["https://hooks.example.com", "hooks.example.com:8443", "*", "a b", "hooks..example"])(
  "%j is no host of callbacks",
  (hosts) => {
    expect(() => read({ ...CALLBACKS, CALLBACK_HOSTS: hosts })).toThrow(
      "Missing or wrong settings: CALLBACK_HOSTS.",
    );
  },
);

it("hosts of callbacks are compared in lower case, and secrets are in the order of their use", () => {
  const previous = `whsec_${"b".repeat(43)}=`;
  expect(read({ ...CALLBACKS, CALLBACK_SECRET_PREVIOUS: previous }).callbacks).toEqual({
    hosts: ["hooks.example.com", "*.example.org"],
    secrets: [CALLBACKS.CALLBACK_SECRET, previous],
    isLocalAllowed: false,
  });
});

function read(settings: Readonly<Record<string, string>>): Config {
  return readConfig({ ...LEAST, ...settings } as unknown as Env);
}
