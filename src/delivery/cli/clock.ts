import { setTimeout as pause } from "node:timers/promises";

/** The time of whoever sits at the command line; epoch ms. */
export function now(): number {
  return Date.now();
}

/** Waits, or throws why nobody waits any more. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
