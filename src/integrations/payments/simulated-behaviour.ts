/** How the simulated gateway behaves for a charge, and for its refund. */
export type SimulatedBehaviour = "approve" | "decline" | "time_out_after_charging" | "fail_twice";

/**
 * The behaviour is chosen by the last two digits of the amount, as test cards do it: .01 declines, .02
 * charges and then gives no answer, .03 fails twice and then approves; all others approve.
 */
export function behaviourFor(amountMinor: number): SimulatedBehaviour {
  switch (amountMinor % 100) {
    case 1:
      return "decline";
    case 2:
      return "time_out_after_charging";
    case 3:
      return "fail_twice";
    default:
      return "approve";
  }
}

const REFERENCE_PREFIX = "sim_";

export function referenceOf(idempotencyKey: string): string {
  return `${REFERENCE_PREFIX}${idempotencyKey}`;
}

export function keyOf(reference: string): string {
  return reference.slice(REFERENCE_PREFIX.length);
}
