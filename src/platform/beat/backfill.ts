import { LovageError, slotsBetween, type Schedule } from "#engine";

/** Slots of one backfill. */
const MAX_SLOTS = 1_000;

/**
 * The slots of a past time that a schedule has not fired, within its own time.
 * @param fired those that it has
 * @throws LovageError `too_many_slots`; `too_old`: some may have been fired, and nobody knows which
 */
export function backfillSlots(
  schedule: Schedule,
  from: number,
  until: number,
  fired: ReadonlySet<number>,
): number[] {
  const { timing, startTime, expires, createdAt, forgottenUntil } = schedule;
  const first = Math.max(from, startTime ?? -Infinity);
  const last = Math.min(until, expires ?? Infinity);
  if (forgottenUntil !== null && first <= forgottenUntil && last >= createdAt) {
    const since = new Date(forgottenUntil + 1).toISOString();
    const message = `Its runs are known since ${since}, and those before it was made.`;
    throw new LovageError("too_old", message, { field: "from" });
  }
  const slots = slotsBetween(timing, first - 1, last, MAX_SLOTS + 1);
  if (slots.length > MAX_SLOTS) {
    const message = `There are more than ${MAX_SLOTS} slots in that time.`;
    throw new LovageError("too_many_slots", message, { field: "until" });
  }
  return slots.filter((slot) => !fired.has(slot));
}
