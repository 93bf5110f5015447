export const QUEUE = "bench";

/** Jobs at once in the worker's one process: its documentation's advice for work that waits, 100 to 300, and less. */
export const CONCURRENCY = 50;
