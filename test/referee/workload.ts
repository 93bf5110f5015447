import type { Answered, Client } from "./client.ts";
import type { Journal, Outcome } from "./journal.ts";

const BULK = 20;
const CHORD = 10;
const CHAIN = 5;
/** Of orders this share is paid with a card that says no. */
const DECLINED = 0.02;
const GOOD_CARD = "pm_card_visa";
const BAD_CARD = "pm_card_visa_chargeDeclined";
/** What a client does about an answer that it did not get. */
const MAX_TRIES = 5;
const DURATIONS = [0, 0, 0, 5, 5, 50, 300];

interface Call {
  readonly path: string;
  readonly body: unknown;
  /** The tasks that it makes. */
  readonly refs: readonly string[];
  /** It may be sent again, and is the same. */
  readonly key?: string;
}

/** Kinds of calls and how often each comes, in 100. */
const MIX = {
  plain: 26,
  keyed: 9,
  countdown: 7,
  retried: 6,
  exhausted: 1,
  effect: 12,
  limited: 7,
  paced: 4,
  durable: 3,
  bulk: 5,
  chord: 2,
  chain: 4,
  order: 14,
} as const;
export type Kind = keyof typeof MIX;
const KINDS = Object.keys(MIX) as Kind[];

/** Which ids a call was answered with. */
interface Ids {
  readonly task_id?: string;
  readonly canvas_id?: string;
  readonly task_ids?: readonly string[];
}

interface WorkloadParts {
  readonly client: Client;
  readonly journal: Journal;
  readonly random: () => number;
  readonly receiverPort: number;
  /** Told of tasks that are there for sure, to look at them. */
  readonly onTask: (id: string) => void;
}

/** A shop's mixed day: makes calls, one after another, and writes down how each of them ended for the client. */
export class Workload {
  /** Calls that ended, and tasks that were taken for sure. */
  readonly counts: Record<Outcome, number> & { tasks: number } = {
    ok: 0,
    fail: 0,
    unknown: 0,
    tasks: 0,
  };
  readonly #parts: WorkloadParts;
  #made = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  /** Makes one call of any kind, and waits for its end. @returns what became of it */
  async one(): Promise<Outcome> {
    const kind = this.#pick();
    this.#made += 1;
    const name = `c${this.#made}`;
    const isDeclined = kind === "order" && this.#parts.random() < DECLINED;
    const outcome = await (kind === "order"
      ? this.order(name, isDeclined)
      : this.#task(kind, name));
    this.counts[outcome] += 1;
    return outcome;
  }

  /** Makes a call that does nothing and waits for its result. @returns how long that took, ms; null: it failed */
  async probe(): Promise<number | null> {
    const { client, journal } = this.#parts;
    this.#made += 1;
    const name = `p${this.#made}`;
    const startedAt = performance.now();
    const body = { name: "referee_work", kwargs: { ref: name, ms: 0 } };
    const answer = await client.post("/api/tasks/", body);
    const id = answer.outcome === "ok" ? ((JSON.parse(answer.text) as Ids).task_id ?? null) : null;
    journal.add("call", name, "probe", answer.outcome, id, Date.now());
    journal.add("ref", name, name, id);
    if (id === null) return null;
    this.counts.tasks += 1;
    const { outcome, text } = await client.get(`/api/tasks/${id}/?wait=10`);
    const isOver = outcome === "ok" && (JSON.parse(text) as { state: string }).state === "SUCCESS";
    return isOver ? performance.now() - startedAt : null;
  }

  #pick(): Kind {
    let left = this.#parts.random() * 100;
    for (const kind of KINDS) {
      left -= MIX[kind];
      if (left < 0) return kind;
    }
    return "plain";
  }

  async #task(kind: Exclude<Kind, "order">, name: string): Promise<Outcome> {
    const { client, journal, random } = this.#parts;
    const call = this.#callOf(kind, name);
    const headers: Record<string, string> =
      call.key === undefined ? {} : { "Idempotency-Key": call.key };
    const send = () => client.post(call.path, call.body, headers);
    let answer = await send();
    if (call.key !== undefined) answer = await this.#again(answer, send);
    const { outcome } = answer;
    const ids = outcome === "ok" ? (JSON.parse(answer.text) as Ids) : {};
    if (isRefused(answer)) journal.wrong("refused", { kind, ...answer });
    const id = ids.task_id ?? ids.canvas_id ?? null;
    journal.add("call", name, kind, outcome, id, Date.now());
    for (const [index, ref] of call.refs.entries()) {
      journal.add("ref", ref, name, ids.task_ids?.[index] ?? ids.task_id ?? null);
    }
    if (outcome === "ok") {
      this.counts.tasks += call.refs.length;
      if (id !== null && random() < 0.1) this.#parts.onTask(id);
    }
    return outcome;
  }

  /** What may be sent again is, while it isn't known; now and then also when it is: then it is the same. */
  async #again(first: Answered, send: () => Promise<Answered>): Promise<Answered> {
    let answer = first;
    for (let tries = 1; tries < MAX_TRIES; tries += 1) {
      const isOpen = answer.outcome === "unknown" || answer.status === 409;
      if (!isOpen && this.#parts.random() < 0.7) break;
      const next = await send();
      if (answer.outcome === "ok" && next.outcome === "ok" && next.text !== answer.text) {
        this.#parts.journal.wrong("repeated call is another", [answer.text, next.text]);
      }
      // What was taken once is taken, whatever a repetition says.
      if (answer.outcome !== "ok") answer = unknownOnce(answer, next);
    }
    return answer;
  }

  /** Sends an order, and again while nobody knows whether it was taken. */
  async order(name: string, isDeclined: boolean): Promise<Outcome> {
    const send = () => this.#sendOrder(name, isDeclined);
    const answer = await this.#again(await send(), send);
    this.#noteOrder(name, isDeclined, answer);
    return answer.outcome;
  }

  /** Sends orders again: those of unknown end, or those that a server that was brought back has forgotten. */
  async repeatOrders(orders: readonly { id: string; is_declined: number }[]): Promise<void> {
    for (const { id, is_declined: declined } of orders) {
      const answer = await this.#sendOrder(id, declined === 1);
      this.#noteOrder(id, declined === 1, answer);
    }
  }

  #sendOrder(id: string, isDeclined: boolean): Promise<Answered> {
    return this.#parts.client.post("/api/create-order/", {
      ...{ orderId: id, userId: 1, totalAmount: 20, customerEmail: `${id}@example.com` },
      paymentMethod: isDeclined ? BAD_CARD : GOOD_CARD,
    });
  }

  #noteOrder(id: string, isDeclined: boolean, answer: Answered): void {
    const { journal } = this.#parts;
    if (isRefused(answer)) journal.wrong("refused", { kind: "order", ...answer });
    const { data } =
      answer.outcome === "ok"
        ? (JSON.parse(answer.text) as { data: { tasks: Record<string, string> } })
        : { data: { tasks: {} as Record<string, string> } };
    const { send_order_confirmation_email: email = null, process_payment: payment = null } =
      data.tasks;
    const declined = isDeclined ? 1 : 0;
    journal.add("order", id, answer.outcome, declined, email, payment, Date.now());
    if (answer.outcome === "ok") this.counts.tasks += 2;
  }

  #callOf(kind: Exclude<Kind, "order">, name: string): Call {
    const { random, receiverPort: port } = this.#parts;
    const ms = DURATIONS[Math.floor(random() * DURATIONS.length)] ?? 0;
    const single = (task: string, kwargs: object, options: object = {}): Call => ({
      path: "/api/tasks/",
      body: { name: `referee_${task}`, kwargs: { ref: name, ...kwargs }, ...options },
      refs: [name],
    });
    const many = (count: number) => Array.from({ length: count }, (_, index) => `${name}.${index}`);
    const work = (ref: string) => ({ name: "referee_work", kwargs: { ref, ms } });
    switch (kind) {
      case "plain":
        return single("work", { ms }, random() < 0.2 ? { queue: "high-priority" } : {});
      case "keyed":
        return { ...single("work", { ms }), key: `key-${name}` };
      case "countdown":
        return single("work", { ms }, { countdown: 1 + Math.floor(random() * 3) });
      case "retried":
        return single("retried", { times: 1 + Math.floor(random() * 2) });
      case "exhausted":
        return single("exhausted", {});
      case "effect":
        return single("effect", { port });
      case "limited":
        return single("limited", { ms: Math.min(ms, 50) });
      case "paced":
        return single("paced", {});
      case "durable":
        return single("durable", { port });
      case "bulk": {
        const refs = many(BULK);
        return { path: "/api/tasks/bulk/", body: { tasks: refs.map(work) }, refs };
      }
      case "chord": {
        const refs = many(CHORD + 1);
        const body = { name: "referee_body", kwargs: { ref: `${name}.${CHORD}` } };
        const header = refs.slice(0, CHORD).map(work);
        return { path: "/api/canvas/", body: { chord: { header, body } }, refs };
      }
      case "chain": {
        const refs = many(CHAIN);
        const chain = refs.map((ref, index) => ({
          name: "referee_link",
          kwargs: index === 0 ? { ref, count: 0 } : { ref },
        }));
        return { path: "/api/canvas/", body: { chain }, refs };
      }
    }
  }
}

/** Refused, although nothing was wrong with it. A repetition may meet the first one (409). */
function isRefused({ outcome, status }: Answered): boolean {
  return outcome === "fail" && status !== 0 && status !== 409;
}

/** A call that was sent twice has failed only if nothing of it can have arrived. */
function unknownOnce(before: Answered, next: Answered): Answered {
  return next.outcome === "ok" ? next : before.outcome === "unknown" ? before : next;
}
