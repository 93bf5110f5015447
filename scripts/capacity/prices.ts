/** List prices in dollars per million units (Workers Paid, beyond what is included), 2026-11. */
export const PRICE = {
  row: 1,
  objectRequest: 0.15,
  queueOperation: 0.4,
  workerRequest: 0.3,
  cpuMs: 0.02,
  workflowStep: 8,
} as const;

/** A doorbell is written, read and deleted. */
export const OPERATIONS_PER_BELL = 3;
