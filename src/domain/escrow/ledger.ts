/**
 * The accounts of a transaction's money. `buyer` and `seller` are the outside: what came from the one, and
 * what is the other's; `held` is what lies in escrow.
 */
export type Account = "buyer" | "held" | "seller";

/** A movement of money: out of one account, into another. Minor units, more than 0. */
export interface Entry {
  readonly what: string;
  readonly fromAccount: Account;
  readonly toAccount: Account;
  readonly amountMinor: number;
}

/** What became of a transaction's money: funded = held + released + refunded. */
export interface Balance {
  readonly fundedMinor: number;
  readonly heldMinor: number;
  readonly releasedMinor: number;
  readonly refundedMinor: number;
}

export function balanceOf(entries: readonly Entry[]): Balance {
  const sum = (from: Account, to: Account) =>
    entries
      .filter(({ fromAccount, toAccount }) => fromAccount === from && toAccount === to)
      .reduce((total, { amountMinor }) => total + amountMinor, 0);
  const into = (account: Account, sign: "fromAccount" | "toAccount") =>
    entries
      .filter((entry) => entry[sign] === account)
      .reduce((total, { amountMinor }) => total + amountMinor, 0);
  return {
    fundedMinor: sum("buyer", "held"),
    heldMinor: into("held", "toAccount") - into("held", "fromAccount"),
    releasedMinor: sum("held", "seller"),
    refundedMinor: sum("held", "buyer"),
  };
}
