import type { SubmitAnswer, TaskSpec } from "#engine";
import type { Claim } from "#platform/ledger/protocol.ts";
import { isExpired, type Model, type ModelLease } from "./model.ts";
import { Violation } from "./violation.ts";

/** As the ledger has it (express-lane.ts). */
const MAX_EXPRESS_LEASES = 4;

/**
 * When a submit may grant a lease, and when it must: only to who offered to run that one task, where nothing else
 * waits in its queue, and few such leases live; always, where nobody was ever called or came to that queue.
 */
export class Express {
  /** By call, what was offered. */
  readonly #offered = new Map<string, Set<string>>();
  /** Tokens of express leases, by the offers that they were granted on. */
  readonly #tokens = new Map<string, number>();
  /** Tokens of express leases, with the queue of each. */
  readonly #granted = new Map<number, string>();
  /** Grants that nobody was told of yet, by task. */
  readonly #untold = new Map<string, number>();
  /** Queues that the object as it is now rang for, or saw a consumer of. */
  readonly #served = new Set<string>();
  /** Leases that were granted: a test that grants none proves nothing. */
  get count(): number {
    return this.#granted.size;
  }

  offer(spec: TaskSpec, offer: string): void {
    const call = callOf(spec);
    this.#offered.set(call, (this.#offered.get(call) ?? new Set()).add(offer));
  }

  /** The lease that was granted on an offer; null: none was. */
  tokenOf(offer: string): number | null {
    return this.#tokens.get(offer) ?? null;
  }

  /** A bell rings for a queue, or a consumer of it came. */
  served(queue: string): void {
    this.#served.add(queue);
  }

  restarted(): void {
    this.#served.clear();
  }

  /** A submit was committed with these tasks, before its lease counts. */
  check(
    model: Model,
    added: readonly TaskSpec[],
    lease: (ModelLease & { readonly offer: string | null }) | null,
    now: number,
  ): void {
    const [spec] = added;
    const offers = spec === undefined ? undefined : this.#offered.get(callOf(spec));
    if (lease === null) {
      if (spec !== undefined && offers !== undefined && this.#isDue(model, spec, now))
        fail(`${spec.id} was left to a bell`);
      return;
    }
    const isAsked = lease.offer !== null && offers?.has(lease.offer) === true;
    if (spec === undefined || !isAsked || added.length > 1) {
      fail("a submit was given a lease that it did not ask for");
    }
    if (this.#tokens.has(lease.offer ?? "")) fail("two leases were granted on one offer");
    this.#tokens.set(lease.offer ?? "", lease.token);
    const { id, queue, dueAt, unique } = spec;
    if (lease.isSolo || [...lease.ids].join() !== id) fail(`a submit was given more than ${id}`);
    if (dueAt !== null || unique !== undefined || isExpired(taskOf(model, id), now)) {
      fail(`${id} may not be run by who submits it`);
    }
    const others = model.waiting(queue, now).filter((task) => task.spec.id !== id);
    if (others.some((task) => !isExpired(task, now))) fail(`${id} was run before others`);
    const live = [...model.leases.keys()].filter((token) => this.#granted.get(token) === queue);
    if (live.length >= MAX_EXPRESS_LEASES) fail(`${live.length} express leases live`);
    this.#granted.set(lease.token, queue);
    this.#untold.set(id, lease.token);
  }

  answered({ id }: TaskSpec, answer: SubmitAnswer, claim: Claim | null): void {
    const token = this.#untold.get(id);
    const isTold = claim?.tasks.length === 1 && claim.tasks[0]?.id === id && claim.token === token;
    if (claim !== null && !isTold) fail(`${id} was given to who submitted it without a lease`);
    if (claim === null && answer === "accepted" && token !== undefined) {
      fail(`nobody is told of the lease on ${id}`);
    }
    this.#untold.delete(id);
  }

  #isDue(model: Model, spec: TaskSpec, now: number): boolean {
    const { id, queue, dueAt, unique } = spec;
    const task = taskOf(model, id);
    if (dueAt !== null || unique !== undefined || !task.isReady || isExpired(task, now))
      return false;
    if (this.#served.has(queue) || model.waiting(queue, now).length > 1) return false;
    const isHeld = [...model.live.values()].some(
      (other) => other.spec.queue === queue && other.lease !== null,
    );
    return !isHeld;
  }
}

function callOf({ id, fingerprint }: TaskSpec): string {
  return `${id} ${fingerprint}`;
}

function taskOf(model: Model, id: string) {
  const task = model.tasks.get(id);
  if (task === undefined) throw new Violation(`${id} was never committed`);
  return task;
}

function fail(what: string): never {
  throw new Violation(what);
}
