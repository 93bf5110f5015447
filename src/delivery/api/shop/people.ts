import * as z from "zod";
import {
  countWish,
  findUsers,
  MAX_PASSWORD,
  ROLES,
  sessionIdOf,
  type AccountParts,
  type Origin,
  type Refusal,
  type User,
} from "#domain/accounts";
import { isCustomer, type Caller } from "../callers/access.ts";
import { clientNetwork } from "../callers/client-network.ts";
import { invalid, Problem } from "../http/problems.ts";
import { isoTime } from "../http/answers.ts";
import type { ApiCall, ApiParts } from "../route.ts";
import { requestToken } from "../callers/session-cookie.ts";

/** Whose the mail tasks of accounts are: nobody's who could learn from them which addresses are known. */
const TASK_OWNER = "system";

/** A password to be looked at; that one is good enough is seen where the account is known. */
export const password = z
  .string()
  .min(1)
  // Counted in UTF-16 here: no more than a slow hash may be bothered with.
  .max(2 * MAX_PASSWORD);

/** User names are compared without regard to case, hence ASCII. */
export const username = z
  .string()
  .regex(/^[\w.@+-]{1,150}$/, "Must be 1 to 150 letters, digits, or _ . @ + -");

export function accountParts(
  parts: ApiParts,
  { background }: Pick<ApiCall, "background">,
): AccountParts {
  return { ...parts.shop, lovage: parts.lovageFor(TASK_OWNER), background };
}

export function originOf(request: Request): Origin {
  return {
    address: clientNetwork(request),
    userAgent: request.headers.get("User-Agent") ?? "",
  };
}

/** A refusal as an answer: `field` holds the new password, `wrong` is said of what was wrong. */
export function problemOfRefusal(
  refusal: Refusal,
  { field, wrong }: { readonly field: string; readonly wrong: () => Problem },
): Problem {
  if (refusal.kind === "weak") return invalid([{ field, message: refusal.fault }]);
  return refusal.kind === "wrong" ? wrong() : tooMany(refusal);
}

function tooMany({ retryAfterSeconds }: Extract<Refusal, { kind: "wait" }>): Problem {
  return new Problem(429, "too_many_tries", "Too many tries; try again later.", {
    headers: { "Retry-After": String(retryAfterSeconds) },
  });
}

/**
 * Lets a request pass that has the shop write mails, or charge another card. The shop's own side may ask as often
 * as it likes.
 * @throws Problem 429 to a person who had too many
 */
export async function mayAsk(
  { shop }: ApiParts,
  caller: Caller,
  wish: "mailing" | "paying",
): Promise<void> {
  if (caller.userId === null || !isCustomer(caller)) return;
  const refusal = await countWish(shop, wish, caller.userId);
  if (refusal !== null) throw tooMany(refusal);
}

/** The person who signed in. */
export async function signedIn(
  parts: ApiParts,
  { caller }: Pick<ApiCall, "caller">,
): Promise<User> {
  const id = caller.userId ?? 0;
  const user = (await findUsers(parts.shop.db, [id])).get(id);
  // Accounts are deleted by nobody.
  if (user === undefined) throw new Error(`The account ${id} is gone.`);
  return user;
}

export const profileAnswer = z
  .strictObject({
    user_id: z.int(),
    username: z.string(),
    email: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    role: z.enum(ROLES),
    locale: z.string().nullable().describe("Null: the deployment's."),
    date_joined: isoTime,
  })
  .meta({ id: "Account" });

/** A person as they see themselves. Not whether the address is theirs: that would tell of the other's. */
export function profileOf(user: User): z.output<typeof profileAnswer> {
  return {
    user_id: user.id,
    username: user.username,
    email: user.email,
    first_name: user.firstName,
    last_name: user.lastName,
    role: user.role,
    locale: user.locale,
    date_joined: new Date(user.createdAt).toISOString(),
  };
}

/** The id of the session whose token came with the request. */
export function currentSession(request: Request): string | null {
  return sessionIdOf(requestToken(request) ?? "");
}
