export const FAULTS = [
  "conflict",
  "too_many",
  "error_before",
  "error_after",
  "drop_before",
  "drop_after",
  "slow",
  "garbled",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What goes wrong with requests: a share of them by a seed, or the next ones as told. */
export class FaultPlan {
  /** Taken before the share is. `hang`: no answer ever. */
  readonly next: (Fault | "hang" | "none")[] = [];
  /** Of requests, 0 to 1. */
  share = 0;
  seed = 1;
  /** How often each came. */
  readonly counts: Partial<Record<Fault | "hang", number>> = {};

  take(): Fault | "hang" | null {
    const told = this.next.shift();
    const fault = told ?? (this.#random() < this.share ? this.#any() : "none");
    if (fault === "none") return null;
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    return fault;
  }

  #any(): Fault {
    return FAULTS[Math.floor(this.#random() * FAULTS.length)] ?? "conflict";
  }

  /** mulberry32 */
  #random(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}
