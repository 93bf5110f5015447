/**
 * Whether a seller is known to be who they say they are. Who never submitted anything has no status.
 *
 * ```
 *   (none) ──submit──► PENDING ──verify──► VERIFIED
 *                        ▲ │                 │
 *                   submit reject          reject (withdrawn)
 *                        │ ▼                 │
 *                      REJECTED ◄────────────┘
 * ```
 */
export const VERIFICATION_STATUSES = ["PENDING", "VERIFIED", "REJECTED"] as const;
export type VerificationStatus = (typeof VERIFICATION_STATUSES)[number];
/** `submit` is the seller's; the others are the shop's. */
export type VerificationEvent = "submit" | "verify" | "reject";

const TRANSITIONS: Readonly<
  Record<VerificationStatus | "NONE", Partial<Record<VerificationEvent, VerificationStatus>>>
> = {
  NONE: { submit: "PENDING" },
  PENDING: { verify: "VERIFIED", reject: "REJECTED" },
  VERIFIED: { reject: "REJECTED" },
  REJECTED: { submit: "PENDING" },
};

/** The status that follows, or null where the event has no meaning. */
export function verificationTransition(
  status: VerificationStatus | "NONE",
  event: VerificationEvent,
): VerificationStatus | null {
  return TRANSITIONS[status][event] ?? null;
}
