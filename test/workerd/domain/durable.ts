import {
  Registry,
  runAttempt,
  type Lovage,
  type Outcome,
  type TaskContext,
  type TaskDefinition,
} from "#engine";
import type { ShopServices } from "../../../src/domain/index.ts";
import { noInput } from "../../no-large.ts";

interface Parts {
  readonly services: ShopServices;
  readonly lovage: Lovage;
}

// oxlint-disable-next-line typescript/no-explicit-any -- variance: whatever its params are
type AnyShopTask<Result> = TaskDefinition<any, Result, ShopServices>;

/** The process died: what the handler would have done next is never done. */
export class Crash extends Error {}

/**
 * One task whose durable steps are kept over its runs, as the ledger keeps them: a step that is recorded is
 * not run again.
 */
export class DurableTask {
  readonly taskId = crypto.randomUUID();
  readonly #records = new Map<string, string>();
  readonly progress: unknown[] = [];
  readonly ran: string[] = [];
  /** The next run dies at its n-th new step (from 1): before it, or before it is recorded. */
  crash: { readonly at: number; readonly when: "before" | "after" } | null = null;
  retries = 0;
  /** Told before it gives its consumer up for a while. */
  slept: () => void = () => undefined;

  /** Runs the task's handler, and answers or throws what it does. */
  async run<Result>(task: AnyShopTask<Result>, params: object, parts: Parts): Promise<Result> {
    if (task.handler === null) throw new Error("It has no handler of its own.");
    return task.handler(params, this.#context(task.name, parts));
  }

  /** Runs an attempt as a consumer does, and answers what becomes of it. The jitter is the largest. */
  attempt(task: AnyShopTask<unknown>, params: object, parts: Parts): Promise<Outcome> {
    const { taskId: id, retries } = this;
    const kwargs = JSON.stringify(params);
    const claimed = { ...{ id, name: task.name, kwargs }, owner: "shop", options: {} };
    const attempt = {
      task: { ...claimed, attempt: retries + 1, retries },
      ctx: this.#context(task.name, parts),
      cut: new Promise<Error>(() => undefined),
      outlivedBy: () => undefined,
      storeLarge: () => Promise.reject(new Error("no result is large here")),
      added: [],
      loadInput: noInput,
    };
    return runAttempt(new Registry<ShopServices>([task]), task, attempt, 0.999);
  }

  #context(name: string, { services, lovage }: Parts): TaskContext<ShopServices> {
    const counts = new Map<string, number>();
    let fresh = 0;
    const log = Object.assign(() => undefined, { warn: () => undefined });
    const context = {
      ...{ taskId: this.taskId, name, attempt: this.retries + 1, retries: this.retries },
      ...{ maxRetries: 3, services, lovage, log, signal: new AbortController().signal },
      progress: (meta: unknown) => void this.progress.push(meta),
      sleep: () => Promise.resolve(this.slept()),
      step: async (step: string, fn: () => unknown) => {
        const nth = counts.get(step) ?? 0;
        counts.set(step, nth + 1);
        const key = `${step}#${nth}`;
        const known = this.#records.get(key);
        if (known !== undefined) return JSON.parse(known) as unknown;
        fresh += 1;
        const isHere = this.crash?.at === fresh;
        if (isHere && this.crash?.when === "before") throw new Crash();
        const text = JSON.stringify((await fn()) ?? null);
        this.ran.push(key);
        if (isHere) throw new Crash();
        this.#records.set(key, text);
        return JSON.parse(text) as unknown;
      },
    };
    return context as unknown as TaskContext<ShopServices>;
  }
}
