import { assert, asyncProperty, type Arbitrary } from "fast-check";
import { Book } from "./book.ts";
import type { OpenApi, Placed } from "./document.ts";
import {
  draftsOf,
  requestOf,
  shown,
  type Asker,
  type Draft,
  type MadeRequest,
} from "./requests.ts";

/** An answer that was read to its end; a stream's beginning is enough. */
export interface ReadAnswer {
  readonly status: number;
  /** Its media type alone. */
  readonly type: string;
  readonly text: string;
}

/** How requests reach a deployment, and what is held of its answers. */
export interface Target {
  /** @throws Error when no answer comes in good time */
  send(request: MadeRequest, asker: Asker): Promise<ReadAnswer>;
  /** What is wrong with an answer; null: nothing. */
  fault(placed: Placed, request: MadeRequest, answer: ReadAnswer): Promise<string | null>;
  /** After what stops the deployment: everything is to go on. */
  start(): Promise<void>;
}

export interface Report {
  readonly sent: number;
  /** One each: the smallest request that is answered wrongly, and in which round of which seed it is found again. */
  readonly faults: readonly string[];
  /** Requests by operation: `GET /api/tasks`. */
  readonly byOperation: Readonly<Record<string, number>>;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Operations that were done at least once. */
  readonly done: ReadonlySet<string>;
}

/** Operations that are under way at once. */
const AT_ONCE = 12;
/** An operation gets so many requests in a row, then the others have their turn: so they meet what others left. */
const IN_A_ROW = 5;

/** Sends made-up requests to every operation of a document, the same for the same seed. */
export class Campaign {
  readonly #target: Target;
  readonly #book = new Book();
  readonly #operations: readonly { readonly placed: Placed; readonly drafts: Arbitrary<Draft> }[];
  readonly #faults: string[] = [];
  readonly #statuses: Record<number, number> = {};
  readonly #sent = new Map<string, number>();
  readonly #done = new Set<string>();

  constructor(target: Target, document: OpenApi, operations: readonly Placed[]) {
    this.#target = target;
    this.#operations = operations.map((placed) => ({ placed, drafts: draftsOf(document, placed) }));
  }

  /** Sends this first, and remembers what is answered. */
  async prepare(requests: readonly (readonly [path: string, body: unknown])[]): Promise<void> {
    for (const [path, body] of requests) {
      const headers = { "Content-Type": "application/json" };
      const request = { method: "POST", path, headers, body: JSON.stringify(body) };
      this.#hear(path, await this.#target.send(request, "operator"));
    }
    const nothing = { params: {}, hasSlash: false, query: [], headers: [] } as const;
    for (const { placed } of this.#operations) {
      const { method, path } = placed;
      // Pages, for their forms.
      if (method === "GET" && /^\/dashboard[^{]*$/.test(path)) {
        await this.#try(placed, { ...nothing, asker: "operator", type: null, body: null });
      }
      const example = placed.operation.requestBody?.content["application/json"]?.example;
      if (example === undefined || placed.path.includes("{")) continue;
      const asShown = { type: "application/json", body: { json: example } } as const;
      await this.#try(placed, { ...nothing, asker: "operator", ...asShown });
    }
  }

  /**
   * Sends so many requests, as many to one operation as to another.
   * @param forMs no round but the first begins later
   */
  async run(requests: number, seed: number, forMs: number): Promise<Report> {
    const numRuns = Math.min(IN_A_ROW, Math.ceil(requests / this.#operations.length));
    const rounds = Math.ceil(requests / this.#operations.length / numRuns);
    const end = performance.now() + forMs;
    for (let round = 0; round < rounds; round += 1) {
      if (round > 0 && performance.now() > end) break;
      const left = this.#operations.keys();
      const lane = async () => {
        // One iterator for all lanes: each takes what is next.
        for (const index of left) await this.#each(index, { seed, round }, numRuns);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    }
    const counts = [...this.#sent.values()];
    return {
      sent: counts.reduce((sum, count) => sum + count, 0),
      faults: this.#faults,
      byOperation: Object.fromEntries(this.#sent),
      statuses: this.#statuses,
      done: this.#done,
    };
  }

  async #each(
    index: number,
    { seed, round }: { readonly seed: number; readonly round: number },
    numRuns: number,
  ): Promise<void> {
    const operation = this.#operations[index];
    if (operation === undefined) return;
    const { placed, drafts } = operation;
    let last = "";
    const property = asyncProperty(drafts, async (draft) => {
      const fault = await this.#try(placed, draft);
      if (fault === null) return;
      last = fault;
      throw new Error(fault);
    });
    try {
      // What takes longer than a request may is told; a small counterexample is worth a few seconds.
      const own = seed + round * 10_000 + index;
      await assert(property, { seed: own, numRuns, interruptAfterTimeLimit: 120_000 });
    } catch {
      this.#faults.push(`seed ${seed}, round ${round + 1}: ${last}`);
    }
  }

  async #try(placed: Placed, draft: Draft): Promise<string | null> {
    const request = requestOf(placed, draft, this.#book);
    const name = `${placed.method} ${placed.path}`;
    this.#sent.set(name, (this.#sent.get(name) ?? 0) + 1);
    let answer: ReadAnswer;
    try {
      answer = await this.#target.send(request, draft.asker);
    } catch (error) {
      return `${shown(request)}: no answer: ${String(error)}`;
    }
    const { status } = answer;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    // A form that did something leads to a page.
    if (status < 300 || status === 303) this.#done.add(name);
    this.#hear(request.path, answer);
    const isStop = placed.path.endsWith("shutdown") || placed.path.includes("/shutdown/");
    if (isStop) await this.#target.start();
    const fault = await this.#target.fault(placed, request, answer);
    return fault === null ? null : `${shown(request)} (${draft.asker}): ${fault}`;
  }

  #hear(path: string, { status, type, text }: ReadAnswer): void {
    if (status < 300 && type === "application/json") this.#book.hear(path, JSON.parse(text));
    if (type === "text/html") this.#book.hearPage(text);
  }
}
