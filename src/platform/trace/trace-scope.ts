import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceScope } from "#engine";

const storage = new AsyncLocalStorage<string>();

/** The trace of the request, or of the attempt, that the code runs for; kept by the runtime over every `await`. */
export const traceScope: TraceScope = {
  current: () => storage.getStore() ?? null,
  run: (traceId, work) => storage.run(traceId, work),
};
