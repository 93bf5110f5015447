import {
  compileRoutes,
  importIdSecret,
  type LargeResult,
  type LargeResults,
  type LovageSettings,
  type TaskRoutes,
} from "#engine";
import { QUEUES } from "#platform/doorbell.ts";

/** Whose the calls of a test are. */
export const TEST_OWNER = "test";

const ID_SECRET = "of no use outside of tests: 0123456789abcdef";

/** What a client is told of its deployment: the queues are those of a real one. */
export function testSettings(shards: number, routes: TaskRoutes = []): LovageSettings {
  return {
    shards,
    queues: QUEUES,
    routeOf: compileRoutes(routes, QUEUES),
    idSecret: importIdSecret(ID_SECRET),
  };
}

/** Results that are too large for a row, in memory. */
export class ResultTexts implements LargeResults {
  readonly #texts = new Map<string, string>();

  async put(taskId: string, token: number, text: string): Promise<LargeResult> {
    const key = `results/${taskId}/${token}`;
    this.#texts.set(key, text);
    return { key, bytes: new TextEncoder().encode(text).length };
  }

  async get(key: string): Promise<ReadableStream<Uint8Array> | null> {
    const text = this.#texts.get(key);
    return text === undefined ? null : new Response(text).body;
  }

  /** The result of a task; null without one. */
  resultOf(task: { readonly result: string | null; readonly large?: LargeResult }): unknown {
    const text = task.large === undefined ? task.result : this.#texts.get(task.large.key);
    return text == null ? null : (JSON.parse(text) as unknown);
  }
}
