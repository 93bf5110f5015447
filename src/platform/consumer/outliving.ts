import type { Timers } from "#engine";

/**
 * What a handler that was stopped has, to write down what it did: somewhat less than an invocation has after its answer,
 * which is 30 s.
 */
const OUTLIVING_MS = 29_000;

/**
 * Lets an invocation run on for work that may never end: many a handler waits for what never comes once it was stopped,
 * and the runtime takes that for an error of the invocation.
 * @param background what lets it run on; its promises end
 */
export function outliving(
  timers: Timers,
  background: (work: Promise<unknown>) => void,
): (work: Promise<unknown>) => void {
  return (work) => {
    const end = Promise.withResolvers<void>();
    const cancel = timers.after(OUTLIVING_MS, end.resolve);
    void work.then(cancel, cancel).then(end.resolve);
    background(end.promise);
  };
}
