/** The platform takes an object out of memory that had no call, and waits for nothing, for so long, ms. */
export const HIBERNATES_AFTER_MS = 10_000;
/** Who is called again within this still knows what it knew: calls may be late. */
export const REMEMBERS_MS = 8_000;
