import { expect, it } from "vitest";
import { ownSettings, readConfig } from "../../src/config.ts";
import { providerSettings } from "../../src/config-providers.ts";
import { shownSettings } from "../../src/config-shown.ts";
import type { Env } from "../../src/platform/env.ts";

const KEY = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk=";
const SECRETS = {
  ID_SECRET: "i".repeat(32),
  SECRETS_KEY: KEY,
  BACKUP_KEY: KEY,
  ALERT_URL: "https://hooks.example.com/hidden",
  SMTP_USER: "hidden-user",
  SMTP_PASSWORD: "hidden-password",
  RESEND_API_KEY: "re_hidden",
  STRIPE_SECRET_KEY: "sk_test_hidden12",
  WEBHOOK_SECRET: "whsec_hidden_hidden",
  CALLBACK_SECRET: `whsec_${"aaaa".repeat(8)}`,
};
const env = {
  OPEN_ACCESS: "false",
  LEDGER_SHARDS: "4",
  LOCALE: "en",
  HISTORY_DAYS: "60",
  ...SECRETS,
} as unknown as Env;
const shown = shownSettings(env, readConfig(env));
const one = (name: string) => shown.find((setting) => setting.name === name);

it("every setting that there is is shown, with what it does", () => {
  const names = [...Object.keys(ownSettings.shape), ...Object.keys(providerSettings.shape)];
  expect(shown.map(({ name }) => name).sort()).toEqual(names.sort());
  expect(shown.filter(({ does }) => does.length < 5)).toEqual([]);
});

it("of secrets it is told only whether they are set", () => {
  const text = JSON.stringify(shown);
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  expect(one("SECRETS_KEY")).toMatchObject({ value: "set", isSecret: true });
  expect(one("SECRETS_KEY_PREVIOUS")).toMatchObject({ value: "not set", isSecret: true });
});

it("whatever is called a key, a secret or a password is one", () => {
  const names = shown.filter(({ name }) => /KEY|SECRET|PASSWORD/.test(name));
  expect(names.filter(({ isSecret }) => !isSecret)).toEqual([]);
});

it("what is not set has its default as its value", () => {
  expect(one("LOG_DAYS")).toMatchObject({ value: "30", fallback: "30" });
  expect(one("HISTORY_DAYS")).toMatchObject({ value: "60", fallback: "30" });
  expect(one("OPEN_ACCESS")).toMatchObject({ value: "false", fallback: null });
});
