/** Starts of one key that are wanted, and those that are granted. */
export interface Portion {
  readonly key: string;
  readonly wanted: number;
  granted: number;
  readonly slots: number[];
  /** The earliest start by the key's own rate, epoch ms; 0: any. */
  nextAt: number;
}

/** Whose turn it is: the key whose own rate allows the earliest start; of several, the one with the least. */
export function nextOf(portions: Iterable<Portion>): Portion | null {
  let next: Portion | null = null;
  for (const one of portions) {
    if (next === null || isBefore(one, next)) next = one;
  }
  return next;
}

function isBefore(a: Portion, b: Portion): boolean {
  return a.nextAt < b.nextAt || (a.nextAt === b.nextAt && a.granted < b.granted);
}
