import type { LedgerPorts } from "#platform/ledger/ports.ts";

/** Of a ledger that nobody watches. */
export const UNWATCHED: Pick<LedgerPorts, "watchers" | "events"> = {
  watchers: { isWatched: () => false, notify: () => undefined },
  events: { room: null, happened: () => undefined },
};
