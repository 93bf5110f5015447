import type { Actor } from "#domain/escrow";
import { may, type Caller } from "../callers/access.ts";
import { invalid, Problem } from "../http/problems.ts";

/**
 * In whose name a request acts. A person acts as themself. Who holds orders:manage acts for the account named
 * in `user_id`, with that account's rights and no more, or, where none is named, as the shop.
 * @throws Problem 403 when a person names another
 */
export function actorOf(caller: Caller, named: number | undefined): Actor {
  const { owner } = caller;
  const isShop = may(caller, "orders:manage");
  if (named === undefined) return { owner, userId: caller.userId, isShop };
  if (!isShop && named !== caller.userId) {
    throw new Problem(403, "forbidden", "Only who holds orders:manage may act for others.");
  }
  return { owner, userId: named, isShop: false };
}

/** The account that a request acts as, where there has to be one. */
export function accountOf({ userId }: Actor): number {
  if (userId !== null) return userId;
  throw invalid([{ field: "user_id", message: "Name the account that this is for." }]);
}
