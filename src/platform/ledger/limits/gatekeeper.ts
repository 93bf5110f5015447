import { gateOf, latenessOf, NO_LIMITS, partsOfGate } from "#engine";
import { within } from "../../health/within.ts";
import { byOwnClock } from "../../limiter/own-clock.ts";
import type { Grant, LimitAnswer, LimitRequest, Nudge } from "../../limiter/protocol.ts";
import {
  grantsThatHold,
  keysOf,
  lastChance,
  needOf,
  openQueuesOf,
  queuesToOpen,
  ratedGates,
  wantsStarts,
} from "./gate-needs.ts";
import type { Memory } from "../memory/memory.ts";
import { ASK_AGAIN_MS, type NameState } from "./name-state.ts";
import { NameStates } from "./name-states.ts";
import type { LedgerPorts } from "../ports.ts";
import { passable } from "../sources.ts";

/** Storage that was out of order for a moment is looked at again after this. */
const LOOK_AGAIN_MS = 1_000;
/** While others wait for places, a shard uses its own again for this long before it gives them back. */
const TURN_MS = 500;
/** A free place waits this long for a consumer that is expected back; beyond that a bell calls one. */
const PLACE_WAIT_MS = 50;
/** A wait this short is not worth an alarm: the object stays awake for it. */
const SHORT_WAIT_MS = 1_000;

/** What the gatekeeper needs of its ledger. */
export interface GatekeeperHooks {
  readonly memory: () => Memory;
  /** The ledger's time, which never goes back; epoch ms. */
  readonly now: () => number;
  /** Whether a consumer is at this queue, or will be back in a moment. */
  readonly isAttended: (queue: string) => boolean;
  /** Tasks of this queue may start, if somebody is there by this time, epoch ms. */
  readonly opened: (queue: string, by: number) => void;
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
  readonly #names: NameStates;
  readonly #touched = new Set<string>();
  #lastSeq = 0;

  constructor(ports: LedgerPorts, hooks: GatekeeperHooks) {
    this.#ports = ports;
    this.#hooks = hooks;
    this.#names = new NameStates(ports.sql, hooks);
  }

  /** Tasks of a gate came, started, ended or left. */
  touch(gate: string): void {
    const { name, key } = partsOfGate(gate);
    if (name === "") return;
    this.#touched.add(name);
    this.#names.known(name)?.times.stir(key ?? "");
  }

  /** When leave for tasks of a limited gate may be asked for, epoch ms; 0: its limiter said nothing. */
  askAt(gate: string): number {
    const { name, key } = partsOfGate(gate);
    return this.#names.of(name).times.at(key ?? "");
  }

  /** Whether it is a rate that holds tasks of a limited gate up, as far as its limiter said. */
  isPaced(gate: string): boolean {
    const { name, key } = partsOfGate(gate);
    return this.#names.of(name).times.isPaced(key ?? "");
  }

  /** When something that was not granted is to be asked for again, epoch ms; null: nothing is. */
  nextAskAt(now: number): number | null {
    const times = this.#names.all().map((state) => state.times.next(now) ?? Infinity);
    const next = Math.min(...times);
    return next === Infinity ? null : next;
  }

  /** After every command; costs nothing when no limited task was touched. */
  afterCommand(now: number): void {
    for (const name of this.#touched) {
      this.#touched.delete(name);
      this.#look(name, now);
    }
  }

  /** Looks at every name that tasks wait of. */
  tick(memory: Memory): void {
    for (const queue of memory.parked.queues()) this.attended(memory, queue);
    for (const name of this.#names.names()) this.#touched.add(name);
  }

  /**
   * Operators have set something anew: what was said about when to ask holds no longer, nor what was granted by a rate
   * that is another now.
   */
  controlsChanged(memory: Memory, paced: readonly string[]): void {
    for (const name of paced) memory.permits.dropSlots(name);
    for (const state of this.#names.all()) {
      state.times.reset();
      state.isOutdated = state.isAsking;
    }
    this.tick(memory);
  }

  /** The limiter of a name calls. */
  nudged(memory: Memory, name: string, nudge: Nudge, now: number): void {
    const state = this.#names.of(name);
    if (nudge.kind === "give") state.isContended = true;
    else {
      state.times.called(nudge.resources);
      state.isOutdated = state.isAsking;
    }
    this.#consider(memory, name, now, nudge.kind === "give");
  }

  #consider(memory: Memory, name: string, now: number, isForced = false): void {
    const state = this.#names.of(name);
    if (state.isAsking) state.isAgain = true;
    else {
      const request = this.#requestOf(memory, name, state, isForced, now);
      if (request === null) this.#lookWhenDue(name, state, now);
      else this.#ports.background(this.#ask(name, state, request));
    }
  }

  /** What there is to ask for, or to give back, now; null: nothing. */
  #requestOf(
    memory: Memory,
    name: string,
    state: NameState,
    isForced: boolean,
    now: number,
  ): LimitRequest | null {
    const { times } = state;
    const isToState = isForced || (!state.isStated && times.isOpen(now));
    // Nothing may be asked for yet, and there is nothing to give back.
    if (!times.isOpen(now) && !isToState && !memory.permits.hasPlaces(name)) return null;
    const running = memory.leases.runningOf(name);
    if (running.size === 0 && !memory.permits.hasPlaces(name)) state.heldSince = null;
    const isTurnOver = now >= this.#endOfTurn(memory, name, state, now);
    const need = needOf(memory, name, times, isTurnOver, now);
    if (need.isWaiting) this.#hooks.wakeAt(now + ASK_AGAIN_MS);
    // A place may have come free in another queue than those in which tasks wait for it.
    const gates = Array.from(need.kept.keys(), (key) => gateOf(name, key === "" ? null : key));
    const open = gates.filter((gate) => passable(memory, gate, now) > 0);
    this.#call(memory, new Map(open.map((gate) => [gate, now + PLACE_WAIT_MS])));
    const isDue = need.wants.length > 0 && this.#isAttended(memory, name);
    if (!isDue && !need.isGiving && need.leaves.length === 0 && !isToState) return null;
    this.#lastSeq = Math.max(this.#lastSeq + 1, now * 1_000);
    state.isAsking = true;
    state.askedAt = now;
    state.isAgain = isDue && need.isMore;
    const limits = memory.controls.limitsOf(name) ?? NO_LIMITS;
    return {
      shard: this.#ports.shard,
      seq: this.#lastSeq,
      limits,
      version: memory.controls.current.version,
      holdings: memory.permits.state(name, running, need.kept),
      wants: isDue ? need.wants : [],
      leadMs: state.leadMs(limits),
      leaves: need.leaves,
    };
  }

  /**
   * A start that nobody comes for in time is lost to all shards: it is asked for when a consumer is there,
   * and as long as none is, one is called.
   */
  #isAttended(memory: Memory, name: string): boolean {
    const limits = memory.controls.limitsOf(name);
    if (limits?.rate == null && limits?.perKey.rate == null) return true;
    const queues = openQueuesOf(memory, name);
    if (queues.some((queue) => this.#hooks.isAttended(queue))) return true;
    for (const queue of queues) this.#hooks.opened(queue, this.#hooks.now());
    return false;
  }

  /** A consumer is at a queue: what waits at its gates may be asked for. */
  attended(memory: Memory, queue: string): void {
    for (const gate of memory.parked.gates(queue)) {
      const { name } = partsOfGate(gate);
      if (name !== "") this.#touched.add(name);
    }
  }

  /** When more starts for tasks of a queue may be asked for, epoch ms; null: not before `latest`. */
  nextAskFor(memory: Memory, queue: string, latest: number, now: number): number | null {
    let next: number | null = null;
    for (const [name, gate] of ratedGates(memory, queue)) {
      const state = this.#names.of(name);
      const at = state.isAsking ? state.nextLookAt(now) : this.askAt(gate);
      if (at <= latest && (next === null || at < next) && wantsStarts(memory, gate, now)) next = at;
    }
    return next;
  }

  async #ask(name: string, state: NameState, request: LimitRequest): Promise<void> {
    const { timers, limits } = this.#ports;
    try {
      const askedAt = this.#hooks.now();
      const answer = await within(timers, ASK_AGAIN_MS, () => limits.ask(name, request));
      const heardAt = this.#hooks.now();
      const own = byOwnClock(answer, askedAt, heardAt);
      state.heard(askedAt, own.now, heardAt);
      this.#lastSeq = Math.max(this.#lastSeq, answer.latestSeq ?? 0);
      this.#take(name, state, request, own);
    } catch (error) {
      this.#ports.log("limiter_failed", { name, error });
      const now = this.#hooks.now();
      state.failed(now);
      this.#lookWhenDue(name, state, now);
    }
  }

  #take(name: string, state: NameState, request: LimitRequest, answer: LimitAnswer): void {
    const memory = this.#hooks.memory();
    const now = this.#hooks.now();
    state.answered(request, answer, now);
    const grants = grantsThatHold(memory, name, request, answer);
    memory.permits.add(name, grants, memory.controls.limitsOf(name), now);
    // With new places a new turn begins.
    if (grants.some(({ places }) => places > 0)) state.heldSince = now;
    this.#lookAgain(name, this.#endOfTurn(memory, name, state, now), now);
    this.#lookAgain(name, lastChance(memory, name, grants), now);
    this.#open(memory, name, grants, now);
    this.#lookWhenDue(name, state, now);
    this.#names.answered(name, answer.waits, now);
    if (state.isAgain) this.#consider(memory, name, now);
  }

  /** Has somebody come for what was granted while it may be used. */
  #open(memory: Memory, name: string, grants: readonly Grant[], now: number): void {
    const limits = memory.controls.limitsOf(name);
    const lateness = limits === null ? 0 : latenessOf(limits);
    const opened = new Map<string, number>();
    for (const { key, slots } of grants) {
      const by = slots?.[0] === undefined ? now + PLACE_WAIT_MS : slots[0] + lateness;
      opened.set(gateOf(name, key === "" ? null : key), by);
    }
    this.#call(memory, opened);
  }

  /** Tasks of gates may start: somebody is to be at their queues by these times, epoch ms. */
  #call(memory: Memory, gates: ReadonlyMap<string, number>): void {
    for (const [queue, by] of queuesToOpen(memory, gates)) this.#hooks.opened(queue, by);
  }

  /** Looks at a name again when the next of what was refused may be asked for. */
  #lookWhenDue(name: string, state: NameState, now: number): void {
    const at = state.times.next(now);
    if (at === null || (state.timerAt !== null && state.timerAt <= at)) return;
    if (at - now <= SHORT_WAIT_MS) state.timerAt = at;
    this.#lookAgain(name, at, now);
  }

  #lookAgain(name: string, at: number, now: number): void {
    if (at < now || at === Infinity) return;
    if (at - now > SHORT_WAIT_MS) this.#hooks.wakeAt(at);
    else {
      this.#ports.timers.after(at - now, () => {
        const state = this.#names.known(name);
        if (state?.timerAt === at) state.timerAt = null;
        this.#look(name, this.#hooks.now());
      });
    }
  }

  /** Storage may be out of order for a moment: what was committed before has happened, and the alarm looks again. */
  #look(name: string, now: number): void {
    try {
      this.#consider(this.#hooks.memory(), name, now);
    } catch (error) {
      this.#ports.log("look_failed", { name, error });
      this.#hooks.wakeAt(now + LOOK_AGAIN_MS);
    }
  }

  /** When places are to be given back instead of used again, epoch ms. */
  #endOfTurn(memory: Memory, name: string, state: NameState, now: number): number {
    let endsAt = Infinity;
    // Keys of one shard wait for each other's places as shards do.
    if (state.isContended || state.times.areCompeting(keysOf(memory, name), now)) {
      state.heldSince ??= now;
      endsAt = state.heldSince + TURN_MS;
    }
    memory.permits.endTurn(name, endsAt);
    return endsAt;
  }
}
