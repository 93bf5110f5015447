import type { Settlement } from "#engine";
import type { Exchange, ExchangeAnswer } from "../ledger/protocol.ts";
import { exchangeSpan } from "./attempt-trace.ts";
import type { DrainParts } from "./drain.ts";
import { persistently } from "./persistently.ts";

/** A settle is tried again this often, with doubling delay from the first, before the lease is given up. */
const EXCHANGE_TRIES = 7;
/** A ledger is near if a call takes no longer: a limited task may still start that much late. */
const NEAR_MS = 10;
/**
 * Characters of outcomes in one exchange, but for the last one's: a call of more than 32 MiB would not get through, and
 * 200 tasks may have results of 50. A character takes two bytes at most.
 */
const MAX_SETTLED_CHARS = 4 * 1_024 * 1_024;

/**
 * Settles and claims; repeats the call while it fails, which is safe: see the ledger's settle. Who is told when to
 * come back to a ledger that is far sets out earlier, to be there by then.
 * @throws when the ledger can't be reached for long
 */
export async function exchange(
  parts: Pick<DrainParts<never>, "ledger" | "clock" | "timers" | "log" | "spans">,
  request: Exchange,
): Promise<ExchangeAnswer> {
  const { ledger, clock, timers, log, spans } = parts;
  const { queue } = request;
  let sentAt = 0;
  const answer = await persistently(
    timers,
    EXCHANGE_TRIES,
    () => {
      sentAt = clock.now();
      return exchangeSpan(spans, request, () => ledger.exchange(request));
    },
    (error, tries) => {
      log("exchange_failed", { queue, tries, error });
    },
  );
  if (answer.stale > 0) log("stale_settlements", { count: answer.stale });
  if (answer.againInMs === null) return answer;
  const wayMs = Math.max(0, clock.now() - sentAt - NEAR_MS);
  return { ...answer, againInMs: Math.max(0, answer.againInMs - wayMs) };
}

/** How many of these, from the first on, go into one exchange. */
export function fitting(settlements: readonly Settlement[]): number {
  let count = 0;
  for (let chars = 0; count < settlements.length && chars < MAX_SETTLED_CHARS; count += 1) {
    chars += lengthOf(settlements[count]?.outcome);
  }
  return count;
}

/** Of most outcomes that is their result's: only what is more than a result is put into JSON to tell. */
function lengthOf(outcome: Settlement["outcome"] | undefined): number {
  if (outcome?.kind === "success" && outcome.adds === undefined) return outcome.result?.length ?? 0;
  return JSON.stringify(outcome)?.length ?? 0;
}
