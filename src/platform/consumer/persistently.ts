import type { Timers } from "#engine";

const FIRST_PAUSE_MS = 100;

/**
 * Makes a call that may be repeated, again and again while it fails, with doubling pauses from 100 ms.
 * @param failed told of every failure
 * @throws what the last of `tries` calls threw
 */
export async function persistently<T>(
  timers: Timers,
  tries: number,
  call: () => Promise<T>,
  failed: (error: unknown, tried: number) => void = () => undefined,
): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await call();
    } catch (error) {
      failed(error, tried);
      if (tried >= tries) throw error;
      await new Promise<void>((resolve) => {
        timers.after(FIRST_PAUSE_MS * 2 ** (tried - 1), resolve);
      });
    }
  }
}
