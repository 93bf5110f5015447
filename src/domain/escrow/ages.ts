const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A transaction that waits for its money longer than this is reminded of. */
const UNFUNDED_MS = 7 * DAY_MS;
/** A milestone that the seller owes for longer than this is overdue. */
const OVERDUE_MS = 14 * DAY_MS;

/**
 * A reminder is not repeated for so long: a week, less half a day. Jobs go by the wall clock: a week of
 * theirs is an hour shorter where clocks go forward, and a run that starts a second earlier in the day than
 * that of a week before must not put a reminder off to the next.
 */
const AGAIN_MS = 7 * DAY_MS - 12 * HOUR_MS;

/** When the buyer is first reminded of a transaction: as soon as it is too old. */
export function remindOfFundingAt(createdAt: number): number {
  return createdAt + UNFUNDED_MS + 1;
}

/** When the seller is first reminded of a milestone. */
export function remindOfMilestoneAt(pendingSince: number): number {
  return pendingSince + OVERDUE_MS + 1;
}

export function remindAgainAt(remindedAt: number): number {
  return remindedAt + AGAIN_MS;
}
