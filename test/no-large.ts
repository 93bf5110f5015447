import type { LargeResults } from "#engine";

/** Where nothing that a task gets or gives is too large for a row. */
export const NO_LARGE_RESULTS: LargeResults = {
  put: () => Promise.reject(new Error("no result is large here")),
  get: () => Promise.reject(new Error("no result is large here")),
};

export const noInput = (): Promise<never> =>
  Promise.reject(new Error("no argument is kept elsewhere here"));
