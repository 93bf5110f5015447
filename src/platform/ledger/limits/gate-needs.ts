import { gateOf, hasPlaces, latenessOf, NO_LIMITS, partsOfGate, type TaskLimits } from "#engine";
import {
  ALL,
  type Grant,
  type LimitAnswer,
  type LimitRequest,
  type Want,
} from "../../limiter/protocol.ts";
import type { AskTimes } from "./ask-times.ts";
import { isStopped, type Memory } from "../memory/memory.ts";

/** Tasks of one gate that are asked for at once. */
const MAX_WANTED = 500;
/** Gates of one name that are asked for at once; the others are with the next request. */
const MAX_GATES = 100;

/** What tasks of one name need, and what they don't. */
export interface Need {
  /** What is to be asked for now. */
  readonly wants: readonly Want[];
  /** There are more keys to ask for than one request takes. */
  readonly isMore: boolean;
  /** Free places to keep, by key. */
  readonly kept: ReadonlyMap<string, number>;
  /** Places are to be given back. */
  readonly isGiving: boolean;
  /** The limiter leaves it places or starts of these resources, for nothing. */
  readonly leaves: readonly string[];
  /** Due tasks wait. */
  readonly isWaiting: boolean;
}

/**
 * What tasks of this name wait for beyond what is granted and may be asked for by now, and what can be
 * given back. Keys with nothing due are remembered, and not looked at again before they have.
 * @param isTurnOver free places are not kept: others wait for them
 */
export function needOf(
  memory: Memory,
  name: string,
  times: AskTimes,
  isTurnOver: boolean,
  now: number,
): Need {
  const limits = memory.controls.limitsOf(name);
  const running = memory.leases.runningOf(name);
  const keys = keysOf(memory, name);
  const kept = new Map<string, number>();
  const given = new Set<string>();
  for (const key of memory.permits.keysWithPlaces(name)) {
    const gate = gateOf(name, key === "" ? null : key);
    const spare = memory.permits.places(name, key) - (running.get(key)?.size ?? 0);
    // A place is of no use without a start: both are asked for together.
    const starts = limits === null ? 0 : memory.permits.starts(gate, limits, now);
    const isUsed = spare > 0 && starts > 0 && !isTurnOver;
    const most = Math.min(spare, starts);
    const keep = isUsed ? Math.min(most, waitingAt(memory, gate, most, now)) : 0;
    if (keep > 0) kept.set(key, keep);
    // Where nothing bounds how many run at once, nobody waits for places.
    if (keep < spare && (limits === null || hasPlaces(gate, limits))) given.add(key);
  }
  // What is given back may be this shard's turn again, for this key or, of the places of all, for another.
  const isAnyNext = given.size > 0 && limits !== null && limits.concurrency !== null;
  const wants: Want[] = [];
  const leaves = times.keepOnly(keys);
  let isWaiting = times.isWaiting;
  for (const key of times.inTurn(keys)) {
    const isNext = given.has(key) || (isAnyNext && !times.isIdle(key, now));
    if (!isNext && !times.isDueWithOthers(key, now)) continue;
    if (wants.length >= MAX_GATES) break;
    const gate = gateOf(name, key === "" ? null : key);
    const waiting = limits === null ? 0 : waitingAt(memory, gate, mostWanted(gate, limits), now);
    isWaiting ||= waiting > 0;
    const stock = limits === null ? 0 : memory.permits.stock(gate, limits, kept.get(key) ?? 0, now);
    if (waiting > stock) wants.push({ key, count: waiting - stock });
    if (waiting > 0) continue;
    times.rest(key, memory.parked.dueFrom(gate, now + 1) ?? Infinity);
    if (key !== ALL && times.leave(key)) leaves.push(key);
  }
  const isAllAsked = isAnyNext || times.isOpen(now);
  if (wants.length === 0 && isAllAsked && times.leave(ALL)) leaves.push(ALL);
  const isDue = given.size > 0 || wants.some(({ key }) => times.at(key) <= now);
  return {
    wants: isDue ? wants : [],
    isMore: wants.length >= MAX_GATES,
    kept,
    isGiving: given.size > 0,
    leaves,
    isWaiting,
  };
}

/** Due tasks at a gate that don't run, in queues that are not stopped; counts to `most`. */
function waitingAt(memory: Memory, gate: string, most: number, now: number): number {
  const { leases, parked } = memory;
  const queues = openQueues(memory, gate);
  if (!parked.mayBeDue(queues, gate, now)) return 0;
  let held = 0;
  for (const id of leases.runningAt(gate)) {
    if (!isStopped(memory, leases.holding(id)?.queue ?? "")) held += 1;
  }
  const due = parked.countDue(queues, gate, now, most + held);
  return Math.max(0, due - held);
}

/**
 * Tasks of a gate that it makes sense to ask for: one more than ever run at once, so that the answer says until when
 * the others wait.
 */
function mostWanted(gate: string, { concurrency, perKey }: TaskLimits): number {
  const ofKey = partsOfGate(gate).key === null ? null : perKey.concurrency;
  return Math.min(MAX_WANTED, (concurrency ?? Infinity) + 1, (ofKey ?? Infinity) + 1);
}

/** Whether more due tasks wait at a gate than starts were granted for. */
export function wantsStarts(memory: Memory, gate: string, now: number): boolean {
  const limits = memory.controls.limitsOf(partsOfGate(gate).name);
  const granted = limits === null ? Infinity : memory.permits.starts(gate, limits, now);
  return granted < Infinity && waitingAt(memory, gate, granted + 1, now) > granted;
}

/** Queues that are not stopped, and in which tasks may wait at a gate. */
function openQueues(memory: Memory, gate: string): string[] {
  return memory.parked.queuesOf(gate).filter((queue) => !isStopped(memory, queue));
}

/**
 * By when somebody is to be at which queues, epoch ms: each is called once, however many keys there are.
 * @param gates and when tasks may start there
 */
export function queuesToOpen(
  memory: Memory,
  gates: ReadonlyMap<string, number>,
): Map<string, number> {
  const queues = new Map<string, number>();
  for (const [gate, by] of gates) {
    for (const queue of openQueues(memory, gate)) {
      queues.set(queue, Math.min(by, queues.get(queue) ?? Infinity));
    }
  }
  return queues;
}

/** Queues that are not stopped, and in which tasks of a name may wait at a gate. */
export function openQueuesOf(memory: Memory, name: string): string[] {
  const { parked } = memory;
  return [...parked.queues()].filter(
    (queue) =>
      !isStopped(memory, queue) &&
      [...parked.gates(queue)].some((gate) => partsOfGate(gate).name === name),
  );
}

/** Keys at whose gates tasks may wait, in queues that are not stopped. */
export function keysOf(memory: Memory, name: string): Set<string> {
  const keys = new Set<string>();
  for (const queue of memory.parked.queues()) {
    if (isStopped(memory, queue)) continue;
    for (const gate of memory.parked.gates(queue)) {
      const parts = partsOfGate(gate);
      if (parts.name === name) keys.add(parts.key ?? "");
    }
  }
  return keys;
}

/** The gates of a queue whose tasks wait for starts. */
export function* ratedGates(
  { parked, controls }: Memory,
  queue: string,
): Generator<readonly [name: string, gate: string]> {
  for (const gate of parked.gates(queue)) {
    const { name } = partsOfGate(gate);
    const limits = name === "" ? null : controls.limitsOf(name);
    if (limits !== null && (limits.rate !== null || limits.perKey.rate !== null)) {
      yield [name, gate];
    }
  }
}

/**
 * Since when tasks of a queue wait for a consumer, for whom starts would be asked; epoch ms, or null.
 * @param askAt see `Gatekeeper.askAt`
 */
export function calledSince(
  memory: Memory,
  queue: string,
  askAt: (gate: string) => number,
  now: number,
): number | null {
  let since: number | null = null;
  for (const [, gate] of ratedGates(memory, queue)) {
    if (askAt(gate) > now || !wantsStarts(memory, gate, now)) continue;
    const at = Math.max(askAt(gate), memory.parked.dueFrom(gate, 0) ?? 0);
    if (since === null || at < since) since = at;
  }
  return since;
}

/** What a limiter granted, but for starts by a rate that has been changed since it was asked. */
export function grantsThatHold(
  { controls }: Memory,
  name: string,
  { limits }: LimitRequest,
  { grants }: LimitAnswer,
): readonly Grant[] {
  const current = controls.limitsOf(name) ?? NO_LIMITS;
  if (JSON.stringify(limits) === JSON.stringify(current)) return grants;
  return grants.map((grant) => ({ ...grant, slots: null }));
}

/** When the starts that were granted are over if nobody came for them, epoch ms. */
export function lastChance({ controls }: Memory, name: string, grants: readonly Grant[]): number {
  const limits = controls.limitsOf(name);
  const last = Math.max(0, ...grants.flatMap(({ slots }) => slots?.at(-1) ?? []));
  return limits === null ? last : last + latenessOf(limits) + 1;
}
