import type { Clock, Random, Timers } from "#engine";

/** The real clock, chance and timers. Everything else gets them as ports. */
export const systemClock: Clock = { now: () => Date.now() };

export const systemRandom: Random = {
  float: () => Math.random(),
  bytes(length) {
    const bytes = new Uint8Array(length);
    // getRandomValues gives at most 65,536 bytes a call.
    for (let from = 0; from < length; from += 65_536) {
      crypto.getRandomValues(bytes.subarray(from, from + 65_536));
    }
    return bytes;
  },
};

export const systemTimers: Timers = {
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
