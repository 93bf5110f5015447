import { readConfig } from "../../src/config.ts";
import { risksOf } from "../../src/config-risks.ts";
import type { Environment } from "../environments.ts";
import type { Env } from "../../src/platform/env.ts";

/** A setting that is no var: what it looks like, for the check of the others, and how one is made. */
interface Secret {
  readonly like: string;
  readonly make: string;
}

const KEY: Secret = { like: `${"A".repeat(43)}=`, make: "openssl rand -base64 32" };
const WEBHOOK: Secret = { like: "whsec_0123456789", make: "as the payment gateway shows it" };
const CALLBACK: Secret = {
  like: `whsec_${"A".repeat(43)}=`,
  make: 'echo "whsec_$(openssl rand -base64 32)"',
};

/** All settings that are secrets: they are put into the account and stand in no file. */
export const SECRETS: Readonly<Record<string, Secret>> = {
  ID_SECRET: { like: "x".repeat(64), make: "openssl rand -hex 32" },
  SECRETS_KEY: KEY,
  SECRETS_KEY_PREVIOUS: KEY,
  BACKUP_KEY: KEY,
  BACKUP_KEY_PREVIOUS: KEY,
  WEBHOOK_SECRET: WEBHOOK,
  WEBHOOK_SECRET_PREVIOUS: WEBHOOK,
  SMTP_PASSWORD: { like: "x", make: "as the mail provider shows it" },
  RESEND_API_KEY: { like: "x", make: "as Resend shows it" },
  STRIPE_SECRET_KEY: { like: "sk_test_00000000", make: "as Stripe shows it" },
  CALLBACK_SECRET: CALLBACK,
  CALLBACK_SECRET_PREVIOUS: CALLBACK,
};

/** What is wrong, and what is only to be known. For people. */
export interface Findings {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** Secrets that are called for and not there. */
  readonly missing: readonly string[];
}

/**
 * Holds an environment's vars and the names of its secrets against the rules of the code itself.
 * @param secrets names; null: not known, and taken to be all there
 */
export function checkSettings(
  environment: Environment,
  vars: Readonly<Record<string, unknown>>,
  secrets: readonly string[] | null,
): Findings {
  const errors: string[] = [];
  for (const [name, value] of Object.entries(vars)) {
    if (name in SECRETS) errors.push(`${name} is a secret: take it out of wrangler.toml.`);
    else if (typeof value !== "string") errors.push(`${name} must be a text, in quotes.`);
  }
  if (vars["ENVIRONMENT"] !== environment) {
    errors.push(`ENVIRONMENT must be "${environment}".`);
  }
  if (vars["OPEN_ACCESS"] !== "false") {
    errors.push("OPEN_ACCESS is for a person's own machine: it must be false.");
  }
  const missing: string[] = [];
  let has = secrets ?? [];
  for (;;) {
    const stands = Object.fromEntries(has.map((name) => [name, SECRETS[name]?.like ?? ""]));
    const { wrong, risks } = read({ ...vars, ...stands });
    const lacking = wrong.filter((name) => name in SECRETS && !has.includes(name));
    if (lacking.length > 0) {
      missing.push(...lacking);
      has = [...has, ...lacking];
      continue;
    }
    errors.push(...wrong.map((name) => `${name} is missing or wrong.`));
    const known = risks.filter(({ name }) => secrets !== null || !(name in SECRETS));
    const warnings = known.map(({ name, message }) => `${name}: ${message}`);
    return { errors, warnings, missing };
  }
}

function read(settings: Readonly<Record<string, unknown>>) {
  const wrong: string[] = [];
  try {
    return { wrong, risks: risksOf(readConfig(settings as unknown as Env)) };
  } catch (error) {
    const names = /settings: (.*)\.$/.exec(error instanceof Error ? error.message : "")?.[1];
    if (names === undefined) throw error;
    return { wrong: names.split(", "), risks: [] };
  }
}
