import type { Exchange, ExchangeAnswer } from "../ledger/protocol.ts";
import { exchangeSpan } from "./attempt-trace.ts";
import type { DrainParts } from "./drain.ts";
import { persistently } from "./persistently.ts";

/** A settle is tried again this often, with doubling delay from the first, before the lease is given up. */
const EXCHANGE_TRIES = 7;

/**
 * Settles and claims; repeats the call while it fails, which is safe: see the ledger's settle.
 * @throws when the ledger can't be reached for long
 */
export async function exchange(
  { ledger, timers, log, spans }: Pick<DrainParts<never>, "ledger" | "timers" | "log" | "spans">,
  request: Exchange,
): Promise<ExchangeAnswer> {
  const { queue } = request;
  const answer = await persistently(
    timers,
    EXCHANGE_TRIES,
    () => exchangeSpan(spans, request, () => ledger.exchange(request)),
    (error, tries) => {
      log("exchange_failed", { queue, tries, error });
    },
  );
  if (answer.stale > 0) log("stale_settlements", { count: answer.stale });
  return answer;
}
