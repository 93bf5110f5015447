/** The platform takes an object out of memory that had no call, and waits for nothing, for so long, ms. */
export const HIBERNATES_AFTER_MS = 10_000;
/** The platform sets no alarm for after this, epoch ms: 2189. What is later is looked at then. */
export const LATEST_ALARM = Date.UTC(2189, 0, 1);
/** Who is called again within this still knows what it knew: calls may be late. */
export const REMEMBERS_MS = 8_000;
