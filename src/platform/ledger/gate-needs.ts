import { gateOf, partsOfGate } from "#engine";
import type { Want } from "../limiter/protocol.ts";
import type { Memory } from "./memory.ts";

/** Tasks of one gate that are asked for at once. */
const MAX_WANTED = 500;
/** Gates of one name that are asked for at once; the others get their turn with the next request. */
const MAX_GATES = 100;

/** What tasks of one name need, and what they don't. */
export interface Need {
  readonly wants: Want[];
  /** Free places to keep, by key. */
  readonly kept: Map<string, number>;
  /** Places are to be given back. */
  readonly isGiving: boolean;
  /** Due tasks wait. */
  readonly isWaiting: boolean;
}

/**
 * What tasks of this name wait for beyond what is granted, and what can be given back.
 * @param isTurnOver free places are not kept: others wait for them
 * @param turn which gates are looked at where there are many: rises by what was looked at
 */
export function needOf(
  memory: Memory,
  name: string,
  isTurnOver: boolean,
  turn: { at: number },
  now: number,
): Need {
  const limits = memory.controls.limitsOf(name);
  const running = memory.leases.runningOf(name);
  const kept = new Map<string, number>();
  const wants: Want[] = [];
  let isGiving = false;
  let isWaiting = false;
  for (const key of keysOf(memory, name, turn)) {
    const gate = gateOf(name, key === "" ? null : key);
    const held = running.get(key)?.size ?? 0;
    const waiting = limits === null ? 0 : waitingAt(memory, gate, now);
    const spare = Math.max(0, memory.permits.places(name, key) - held);
    // A place is of no use without a start: both are asked for together.
    const starts = limits === null ? 0 : memory.permits.starts(gate, limits, now);
    const keep = isTurnOver ? 0 : Math.min(spare, waiting, starts);
    if (keep > 0) kept.set(key, keep);
    if (keep < spare) isGiving = true;
    const stock = limits === null ? 0 : memory.permits.stock(gate, limits, keep, now);
    if (waiting > stock) wants.push({ key, count: waiting - stock });
    isWaiting ||= waiting > 0;
  }
  return { wants, kept, isGiving, isWaiting };
}

/** Due tasks at a gate that don't run; counts to MAX_WANTED. */
export function waitingAt(memory: Memory, gate: string, now: number): number {
  const held = memory.leases.runningAt(gate).size;
  return Math.max(0, memory.parked.countDue(gate, now, MAX_WANTED + held) - held);
}

/** Keys with tasks that wait, in turns where there are many, and those with places. */
function keysOf(memory: Memory, name: string, turn: { at: number }): Set<string> {
  const waiting = new Set<string>();
  for (const queue of memory.parked.queues()) {
    if (memory.controls.isPaused(queue)) continue;
    for (const gate of memory.parked.gates(queue)) {
      const parts = partsOfGate(gate);
      if (parts.name === name) waiting.add(parts.key ?? "");
    }
  }
  const keys = [...waiting];
  const from = turn.at % Math.max(1, keys.length);
  turn.at = from + MAX_GATES;
  const turns = [...keys.slice(from), ...keys.slice(0, from)].slice(0, MAX_GATES);
  return new Set([...turns, ...memory.permits.keysWithPlaces(name)]);
}
