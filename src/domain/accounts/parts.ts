import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Lovage, Outbox } from "#engine";
import { settleMail, type Locale, type MailDesk, type MailRequest } from "../mail/index.ts";
import { Passwords, type Kdf } from "./passwords.ts";

/** What requests of people are answered with. */
export interface AccountParts {
  readonly db: DrizzleD1Database;
  readonly mail: MailDesk;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly clock: Clock;
  /** Language of those who chose none. */
  readonly locale: Locale;
  readonly publicUrl: string;
  readonly keyFor: (purpose: string) => Promise<CryptoKey>;
  /** For tasks that nobody but admins sees: how they end tells whose addresses are known. */
  readonly lovage: Lovage;
  /** Lets work run on after the answer. */
  readonly background: (work: Promise<void>) => void;
  /** Default: scrypt. */
  readonly kdf?: Kdf;
}

/** Where a request comes from. */
export interface Origin {
  /** Network that it comes from: an IPv4 address, or an IPv6 one as far as its /64. */
  readonly address: string;
  readonly userAgent: string;
}

/** Why nothing was done. Whoever gets `wait` may try again then. */
export type Refusal =
  | { readonly kind: "wait"; readonly retryAfterSeconds: number }
  | { readonly kind: "weak"; readonly fault: string }
  | { readonly kind: "wrong" };

export function passwordsOf({ keyFor, kdf }: Pick<AccountParts, "keyFor" | "kdf">): Passwords {
  return new Passwords(keyFor("password-pepper"), kdf);
}

/** Words that nobody's password should be made from. */
export function contextOf({ username, email }: { username: string; email: string }): string[] {
  return [username, ...username.split(/[^A-Za-z0-9]+/), email.split("@")[0] ?? ""];
}

/** Sends one mail, or throws what says whether to try again. */
export async function sendNow(mail: MailDesk, request: MailRequest): Promise<void> {
  const [outcome] = await mail.send([request]);
  const settled = settleMail(outcome, null);
  if (settled.status === "rejected") throw settled.reason;
}
