import type { Exchange } from "#platform/ledger/protocol.ts";
import { byRank, isExpired, type Model, type ModelLease, type ModelTask } from "./model.ts";
import { Violation } from "./violation.ts";

/**
 * A claim must get exactly what the rules say: nothing that may not start, the best first, as much as it
 * asked for; a suspect alone, when it is first in line, or was passed over for long, and the consumer has nothing else
 * to do. Looked at
 * after what ended was taken out, before the lease counts.
 */
export function checkClaim(
  model: Model,
  request: Exchange,
  lease: ModelLease | null,
  now: number,
): void {
  const waiting = model.waiting(request.queue, now).filter((task) => !isExpired(task, now));
  const claimed = waiting.filter(({ spec }) => lease?.ids.has(spec.id) === true);
  if (lease !== null) {
    if (claimed.length !== lease.ids.size) {
      const ids = [...lease.ids].filter((id) => !claimed.some(({ spec }) => spec.id === id));
      const reasons = ids.map((id) => `${id}: ${why(model, id, now)}`).join("; ");
      throw new Violation(`claimed, but it may not start: ${reasons}`);
    }
    if (claimed.length > request.claim) throw new Violation("more was claimed than asked for");
  }
  const suspect = waiting.find((task) => task.isSuspect);
  const innocent = waiting.find((task) => !task.isSuspect);
  if (lease?.isSolo === true) checkSolo(model, request, claimed, suspect, innocent);
  else {
    checkMany(request, claimed, waiting, suspect, innocent);
    if (request.isIdle) notePassedOver(model, waiting, now);
  }
}

/** A suspect that an idle consumer passed over when it waited for ten seconds may come before all others. */
function notePassedOver(model: Model, waiting: readonly ModelTask[], now: number): void {
  for (const { spec, isSuspect, dueAt } of waiting) {
    if (isSuspect && dueAt < now - 10_000) model.passedOver.add(spec.id);
  }
}

function checkSolo(
  model: Model,
  request: Exchange,
  claimed: readonly ModelTask[],
  suspect: ModelTask | undefined,
  innocent: ModelTask | undefined,
): void {
  const [only] = claimed;
  if (claimed.length !== 1 || only?.isSuspect !== true || !request.isIdle) {
    throw new Violation("only a suspect is run alone, by a consumer that runs nothing else");
  }
  if (model.passedOver.delete(only.spec.id)) return;
  for (const other of [suspect, innocent]) {
    if (other !== undefined && byRank(other, only) < 0) throw passedOver(other, only);
  }
}

function checkMany(
  request: Exchange,
  claimed: readonly ModelTask[],
  waiting: readonly ModelTask[],
  suspect: ModelTask | undefined,
  innocent: ModelTask | undefined,
): void {
  if (claimed.some((task) => task.isSuspect)) throw new Violation("a suspect was not run alone");
  const worst = claimed.at(-1);
  const left = waiting.find((task) => !task.isSuspect && !claimed.includes(task));
  if (left !== undefined && claimed.length < request.claim) {
    throw new Violation(`${left.spec.id} was left behind though there was room`);
  }
  if (left !== undefined && worst !== undefined && byRank(left, worst) < 0) {
    throw passedOver(left, worst);
  }
  const isSuspectsTurn =
    suspect !== undefined && (innocent === undefined || byRank(suspect, innocent) < 0);
  if (request.isIdle && isSuspectsTurn) {
    throw new Violation(`${describe(suspect)} is first in line, but was not claimed`);
  }
}

function passedOver(better: ModelTask, worse: ModelTask): Violation {
  return new Violation(`${describe(better)} was passed over for ${describe(worse)}`);
}

function describe({ spec, dueAt, isSuspect }: ModelTask): string {
  return `${isSuspect ? "suspect " : ""}${spec.id} (priority ${spec.priority}, due ${dueAt})`;
}

function why(model: Model, id: string, now: number): string {
  const task = model.tasks.get(id);
  if (task === undefined) return "unknown";
  if (task.end !== null) return `it ended as ${task.end.state}`;
  if (task.lease !== null) return `lease ${task.lease.token} holds it`;
  return isExpired(task, now) ? "it expired" : `it is due in ${task.dueAt - now} ms`;
}
