import type { TaskContext } from "#engine";

/** What the effects of one task gave, over its attempts. Nobody dies in between. */
export class Remembered {
  readonly #results = new Map<string, string>();

  readonly once: TaskContext<unknown>["once"] = async (name, fn) => {
    const signal = new AbortController().signal;
    const effect = { idempotencyKey: name, fencingToken: 1, isRepeat: false, signal };
    const text = this.#results.get(name) ?? JSON.stringify(await fn(effect));
    this.#results.set(name, text);
    return JSON.parse(text) as Awaited<ReturnType<typeof fn>>;
  };
}
