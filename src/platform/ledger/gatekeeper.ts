import { gateOf, latenessOf, NO_LIMITS, partsOfGate } from "#engine";
import type { Grant, LimitAnswer, LimitRequest, Nudge, Want } from "../limiter/protocol.ts";
import { needOf, waitingAt } from "./gate-needs.ts";
import type { Memory } from "./memory.ts";
import type { LedgerPorts } from "./ports.ts";

/** What is not granted is asked for again after this, should the limiter's call be lost. */
const ASK_AGAIN_MS = 20_000;
const FAILED_AGAIN_MS = 1_000;
/** While others wait for places, a shard uses its own again for this long before it gives them back. */
const TURN_MS = 500;
/** A wait this short is not worth an alarm: the object stays awake for it. */
const SHORT_WAIT_MS = 1_000;

interface NameState {
  isAsking: boolean;
  /** Something happened while it was asking. */
  isAgain: boolean;
  /** Not before this, unless places are to be given back; epoch ms. */
  askAt: number;
  /** The last answer granted less than was wanted. */
  isUnmet: boolean;
  /** Others wait for places. */
  isContended: boolean;
  /** When it was granted places last, epoch ms; null: it holds none. */
  heldSince: number | null;
  /** Its last request was answered since the object started, so the limiter knows what it holds. */
  isStated: boolean;
  /** Where the next request goes on among the gates. */
  readonly turn: { at: number };
}

/** What the gatekeeper needs of its ledger. */
export interface GatekeeperHooks {
  readonly memory: () => Memory;
  /** Whether a consumer is at this queue, or will be back in a moment. */
  readonly isAttended: (queue: string) => boolean;
  /** Tasks of this queue may start now or within a moment. */
  readonly opened: (queue: string) => void;
  /** Something is to be looked at again at this time, epoch ms. */
  readonly wakeAt: (at: number) => void;
}

/**
 * The agent that asks the limiters for leave to start limited tasks, and gives back what is no longer
 * needed. One request per task name is under way at a time; nothing is asked for twice and nothing
 * polled: the limiter says when to ask again, or calls.
 */
export class Gatekeeper {
  readonly #ports: LedgerPorts;
  readonly #hooks: GatekeeperHooks;
  readonly #names = new Map<string, NameState>();
  readonly #touched = new Set<string>();
  #lastSeq = 0;

  constructor(ports: LedgerPorts, hooks: GatekeeperHooks) {
    this.#ports = ports;
    this.#hooks = hooks;
  }

  /** Tasks of a gate came, started, ended or left. */
  touch(gate: string): void {
    const { name } = partsOfGate(gate);
    if (name !== "") this.#touched.add(name);
  }

  /** When something that was not granted is to be asked for again, epoch ms; null: nothing is. */
  get nextAskAt(): number | null {
    const times = [...this.#names.values()].filter(({ isUnmet }) => isUnmet);
    return times.length === 0 ? null : Math.min(...times.map(({ askAt }) => askAt));
  }

  /** After every command; costs nothing when no limited task was touched. */
  afterCommand(memory: Memory, now: number): void {
    for (const name of this.#touched) {
      this.#touched.delete(name);
      this.#consider(memory, name, now);
    }
  }

  /** Looks at every name that tasks wait of. */
  tick(memory: Memory): void {
    for (const queue of memory.parked.queues()) {
      for (const gate of memory.parked.gates(queue)) this.touch(gate);
    }
  }

  /** The limits have changed: what was said about when to ask holds no longer. */
  limitsChanged(memory: Memory): void {
    memory.permits.dropSlots();
    for (const state of this.#names.values()) state.askAt = 0;
    this.tick(memory);
    for (const name of this.#names.keys()) this.#touched.add(name);
  }

  /** The limiter of a name calls. */
  nudged(memory: Memory, name: string, nudge: Nudge, now: number): void {
    const state = this.#stateOf(name);
    if (nudge === "take") state.askAt = 0;
    else state.isContended = true;
    this.#consider(memory, name, now, nudge === "give" && !state.isStated);
  }

  #consider(memory: Memory, name: string, now: number, isForced = false): void {
    const state = this.#stateOf(name);
    if (state.isAsking) {
      state.isAgain = true;
      return;
    }
    // Nothing may be asked for yet, and there is nothing to give back.
    if (now < state.askAt && !isForced && !memory.permits.hasPlaces(name)) return;
    const limits = memory.controls.limitsOf(name);
    const isIdle = memory.leases.runningOf(name).size === 0 && !memory.permits.hasPlaces(name);
    if (isIdle) state.heldSince = null;
    const isTurnOver = now >= this.#endOfTurn(memory, name, state, now);
    const need = needOf(memory, name, isTurnOver, state.turn, now);
    if (need.isWaiting) this.#hooks.wakeAt(now + ASK_AGAIN_MS);
    const isDue = need.wants.length > 0 && now >= state.askAt && this.#isAttended(memory, name);
    if (!isDue && !need.isGiving && !isForced) return;
    this.#lastSeq = Math.max(this.#lastSeq + 1, now * 1_000);
    const request: LimitRequest = {
      shard: this.#ports.shard,
      seq: this.#lastSeq,
      limits: limits ?? NO_LIMITS,
      version: memory.controls.current.version,
      holdings: memory.permits.state(name, memory.leases.runningOf(name), need.kept),
      wants: need.wants,
    };
    state.isAsking = true;
    this.#ports.background(this.#ask(name, state, request));
  }

  /**
   * A start that nobody comes for in time is lost to all shards: it is asked for when a consumer is there,
   * and as long as none is, one is called.
   */
  #isAttended(memory: Memory, name: string): boolean {
    const limits = memory.controls.limitsOf(name);
    if (limits?.rate == null && limits?.perKey.rate == null) return true;
    const queues = [...memory.parked.queues()].filter((queue) =>
      [...memory.parked.gates(queue)].some((gate) => partsOfGate(gate).name === name),
    );
    if (queues.some((queue) => this.#hooks.isAttended(queue))) return true;
    for (const queue of queues) this.#hooks.opened(queue);
    return false;
  }

  /** A consumer is at a queue: what waits at its gates may be asked for. */
  attended(memory: Memory, queue: string): void {
    for (const gate of memory.parked.gates(queue)) this.touch(gate);
  }

  /** When more starts for tasks of a queue may be asked for, epoch ms; null: none of them waits for any. */
  nextAskFor(memory: Memory, queue: string, now: number): number | null {
    let next: number | null = null;
    const found = new Set<string>();
    for (const gate of memory.parked.gates(queue)) {
      const { name } = partsOfGate(gate);
      const limits = name === "" ? null : memory.controls.limitsOf(name);
      if (limits === null || (limits.rate === null && limits.perKey.rate === null)) continue;
      // One gate of a name that has waiting tasks tells for all of them: there may be one per key.
      if (found.has(name) || waitingAt(memory, gate, now) === 0) continue;
      found.add(name);
      const askAt = this.#names.get(name)?.askAt ?? 0;
      if (next === null || askAt < next) next = askAt;
    }
    return next;
  }

  async #ask(name: string, state: NameState, request: LimitRequest): Promise<void> {
    let answer: LimitAnswer | null = null;
    try {
      answer = await this.#ports.limits.ask(name, request);
    } catch (error) {
      this.#ports.log("limiter_failed", { name, error });
    }
    const memory = this.#hooks.memory();
    const now = this.#ports.clock.now();
    state.isAsking = false;
    if (answer === null) {
      state.isUnmet = request.wants.length > 0;
      state.askAt = now + FAILED_AGAIN_MS;
      // The limiter may have granted what never came here.
      state.isStated = false;
    } else {
      state.isStated = true;
      state.isContended = answer.isContended;
      const isServed = answer.retryAt === null && isGranted(request.wants, answer.grants);
      state.isUnmet = !isServed;
      state.askAt = isServed ? 0 : (answer.retryAt ?? now + ASK_AGAIN_MS);
      memory.permits.add(name, answer.grants);
      // With new places a new turn begins.
      if (answer.grants.some(({ places }) => places > 0)) state.heldSince = now;
      const endsAt = this.#endOfTurn(memory, name, state, now);
      if (endsAt !== Infinity) this.#lookAgain(name, endsAt, now);
      this.#lookAgain(name, this.#lastChance(memory, name, answer), now);
      const gates = answer.grants.map(({ key }) => gateOf(name, key === "" ? null : key));
      const queues = new Set(gates.flatMap((gate) => memory.parked.queuesOf(gate)));
      for (const queue of queues) this.#hooks.opened(queue);
    }
    if (state.isAgain) {
      state.isAgain = false;
      this.#consider(memory, name, now);
    }
    if (!state.isAsking && request.wants.length > 0) this.#lookAgain(name, state.askAt, now);
  }

  /** When the starts that were granted are over if nobody came for them, epoch ms. */
  #lastChance(memory: Memory, name: string, { grants }: LimitAnswer): number {
    const limits = memory.controls.limitsOf(name);
    const last = Math.max(0, ...grants.flatMap(({ slots }) => slots?.at(-1) ?? []));
    return limits === null ? last : last + latenessOf(limits) + 1;
  }

  #lookAgain(name: string, at: number, now: number): void {
    if (at < now) return;
    if (at - now > SHORT_WAIT_MS) {
      this.#hooks.wakeAt(at);
      return;
    }
    this.#ports.timers.after(at - now, () => {
      this.#consider(this.#hooks.memory(), name, this.#ports.clock.now());
    });
  }

  /** When places are to be given back instead of used again, epoch ms. */
  #endOfTurn(memory: Memory, name: string, state: NameState, now: number): number {
    let endsAt = Infinity;
    if (state.isContended) {
      state.heldSince ??= now;
      endsAt = state.heldSince + TURN_MS;
    }
    memory.permits.endTurn(name, endsAt);
    return endsAt;
  }

  #stateOf(name: string): NameState {
    let state = this.#names.get(name);
    if (state === undefined) {
      state = {
        isAsking: false,
        isAgain: false,
        askAt: 0,
        isUnmet: false,
        isContended: false,
        heldSince: null,
        isStated: false,
        turn: { at: 0 },
      };
      this.#names.set(name, state);
    }
    return state;
  }
}

/** Whether all that was wanted was granted. */
function isGranted(wants: readonly Want[], grants: readonly Grant[]): boolean {
  return wants.every(({ key, count }) => {
    const grant = grants.find((one) => one.key === key);
    return grant !== undefined && Math.max(grant.places, grant.slots?.length ?? 0) >= count;
  });
}
