/** A stream of numbers from 0 to 1 that a seed decides (mulberry32). */
export function stream(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of these numbers; 0: there are none. */
export function drawn(from: readonly number[], random: () => number): number {
  return from[Math.floor(random() * from.length)] ?? 0;
}

/** The pause before the next of so many arrivals a millisecond (Poisson), ms. */
export function pauseBefore(perMs: number, random: () => number): number {
  return -Math.log(1 - random()) / perMs;
}
