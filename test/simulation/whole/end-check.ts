import { shardOf, spacingMs, type FinishedTask } from "#engine";
import { ENDS, RETRIES, type Params } from "../behaviours.ts";
import { evaluate, type Expected, type Node } from "../canvases.ts";
import { mostInWindow } from "../deployment.ts";
import { Violation } from "../violation.ts";
import { EVERY, LATEST, LOCAL } from "./beat-host.ts";
import type { Call } from "./call-book.ts";
import type { WholeShard } from "./shard.ts";
import { NOISY, registry, RETIRED, TENANT_STARTS } from "./tasks.ts";
import { CHAOS_MS, type Whole } from "./whole.ts";

const LOST = "WorkerLostError";
/**
 * Of a start that its tenant's limits allow: to ask for it, to ring and to claim are some messages of some ms, and one
 * that comes too late for its start has to wait for the next, a quarter of a second later.
 */
const MOST_LATE_MS = 400;
/** Tried again without end. */
const INSISTENT: ReadonlySet<string> = new Set(["dependent", "insistent"]);

/** What must be true of a deployment when all has ended. Throws the first thing that is not. */
export function checkEnd(whole: Whole, start: number): void {
  for (const shard of whole.shards) {
    shard.compare();
    const left = shard.referee.leftovers();
    if (left.length > 0) fail(`left in a ledger: ${left.join()}`);
  }
  checkCounts(whole);
  checkHeld(whole);
  const canvases = checkCanvases(whole);
  for (const [id, call] of whole.book.calls) checkCall(whole, id, call);
  for (const record of whole.records.ends.values()) checkRecord(whole, record, canvases);
  checkPoison(whole);
  checkSlots(whole, start);
  checkPace(whole);
  if (whole.options.share.tenants > 0) checkTenants(whole);
  if (whole.options.faults.refuses > 0) checkStorm(whole);
}

/** A tenant waits for its own limits alone, however much another one has to do. */
function checkTenants({ records }: Whole): void {
  const tasks = [...records.ends.values()].filter(({ name }) => name === "tenant");
  for (const [key, own] of Map.groupBy(tasks, ({ kwargs }) => kwargs)) {
    if ((JSON.parse(key) as { n: number }).n === NOISY) continue;
    const waits = own.map(
      ({ attempts, submittedAt }) => (attempts[0]?.startedAt ?? Infinity) - submittedAt,
    );
    for (const [before, wait] of waits.toSorted((a, b) => a - b).entries()) {
      const late = wait - before * spacingMs({ starts: TENANT_STARTS, periodMs: 1_000 });
      if (late > MOST_LATE_MS) fail(`tenant ${key} waited ${Math.round(late)} ms for another`);
    }
  }
}

/** Who is refused tries again once for it, and that takes a claim and a settle, not more. */
function checkStorm({ records, faults, shards }: Whole): void {
  const tasks = [...records.ends.values()];
  const storm = tasks.filter(({ name }) => INSISTENT.has(name));
  const retries = storm.reduce((sum, task) => sum + task.retries, 0);
  if (retries !== faults["refuses"]) fail(`${retries} retries of ${faults["refuses"]} refusals`);
  const attempts = tasks.reduce((sum, task) => sum + task.retries + 1, 0);
  const total = (count: (shard: WholeShard) => number) =>
    shards.reduce((sum, shard) => sum + count(shard), 0) / attempts;
  const exchanges = total(({ network }) => network.exchanges);
  if (exchanges > 2) fail(`${exchanges} calls of consumers for an attempt`);
  const bells = total(({ consumers }) => consumers.bellsRung);
  if (bells > 0.75) fail(`${bells} bells for an attempt`);
  const alarms = total(({ alarms: own }) => own);
  if (alarms > 1) fail(`${alarms} alarms for an attempt`);
}

/** Every shard has counted the tasks that ended there, each once. (G14) */
function checkCounts({ shards, records, options }: Whole): void {
  // A clock that went on by more than figures are kept for has them deleted.
  if (options.faults.clockLeaps > 0) return;
  const byShard = Map.groupBy(records.ends.values(), ({ id }) => shardOf(id));
  for (const [shard, each] of shards.entries()) each.checkFigures(byShard.get(shard) ?? []);
}

/** Nothing runs, and all places came back. (G18) */
function checkHeld({ limiters, options }: Whole): void {
  // What a shard says by a clock that went back counts when that time comes again.
  if (options.faults.clockJumps > 0) return;
  const [held] = limiters.held();
  if (held !== undefined) fail(`held to the end: ${held}`);
}

/** What was accepted has ended, once; of what nobody was told of there is one or none. (G1, G2) */
function checkCall({ records, book }: Whole, id: string, { spec, outcome }: Call): void {
  const record = records.ends.get(id);
  if (record === undefined) {
    if (outcome === "ok" || book.merged.has(id)) fail(`${id} was accepted and is lost`);
    return;
  }
  if (!records.isKept(id)) fail(`${id} is not in D1`);
  if (record.owner !== spec.owner || record.name !== spec.name) fail(`${id} is another's`);
}

/** Nothing ran that nobody asked for, and what ran ended as its handler says. (G1, G5, G14) */
function checkRecord(
  { book, options, workload }: Whole,
  record: FinishedTask,
  canvases: ReadonlyMap<string, Canvas>,
): void {
  const { id, name, state, error, kwargs } = record;
  const call = book.calls.get(id);
  const given = JSON.parse(kwargs) as Partial<Params> & { readonly label?: string };
  if (call === undefined) {
    const canvas = canvases.get(given.label?.split(".")[0] ?? "");
    if (canvas === undefined) fail(`${id} (${name}) was never sent`);
    return;
  }
  if (workload.canvases.has(id)) return;
  const isFailure = state === "FAILURE";
  if (record.isDeadLettered !== isFailure) fail(`${id} is ${state}, and dead: ${!isFailure}`);
  if (state === "REVOKED") {
    if (!call.mayBeRevoked) fail(`${id} was called off by nobody`);
    return;
  }
  if (error?.exc_type === LOST) return;
  const { faults } = options;
  // Who stands still for long is over its limits.
  if (faults.consumerFreezes + faults.callLate > 0) return;
  const [expected, excType] = given.kind === undefined ? ["SUCCESS", null] : ENDS[given.kind];
  if (name === RETIRED && options.faults.deployed > 0 && isUnknown(error)) return;
  if (state !== expected || (error?.exc_type ?? null) !== excType) {
    fail(`${id} (${name} ${given.kind}) ended as ${state}, ${error?.exc_type}`);
  }
  const retries = given.kind === undefined ? 0 : RETRIES[given.kind];
  // As often as it finds down what it depends on.
  if (record.retries !== retries && name !== "dependent" && !INSISTENT.has(name)) {
    fail(`${id} (${name} ${given.kind}) was retried ${record.retries} times`);
  }
}

/** What the deployed version has no more fails, and says so. */
function isUnknown(error: FinishedTask["error"]): boolean {
  return error?.exc_type === "UnknownTaskError";
}

/** Exactly those that kill their consumers are given up for it, where nothing else kills any. (G13) */
function checkPoison({ records, options }: Whole): void {
  const { faults } = options;
  const isOnlyPoison =
    faults.consumerDies + faults.diesAfterEffect + faults.consumerFreezes + faults.swizzled === 0 &&
    faults.callLate + faults.requestLost + faults.answerLost === 0 &&
    faults.clockJumps + faults.clockLeaps === 0;
  for (const { id, kwargs, state, error } of records.ends.values()) {
    const isPoison = (JSON.parse(kwargs) as Partial<Params>).kind === "poison";
    if (isPoison && state === "SUCCESS") fail(`${id} kills whoever runs it, and went well`);
    if (!isOnlyPoison || state === "REVOKED") continue;
    if ((error?.exc_type === LOST) !== isPoison) fail(`${id} is ${isPoison ? "" : "no "}poison`);
  }
}

/** Slots fired as their policies say, each once. (G12) */
function checkSlots({ records, book, options, beat }: Whole, start: number): void {
  const fired = new Map<string, number[]>([EVERY, LATEST, LOCAL].map((name) => [name, []]));
  for (const { id, options: own } of records.ends.values()) {
    if (own.slot === undefined) continue;
    const name = own.labels?.["periodic_task_name"] ?? "";
    const slots = fired.get(name);
    if (slots === undefined) fail(`${id} is of a schedule that there is not: ${name}`);
    slots.push(Date.parse(own.slot));
    if (!book.calls.has(id)) fail(`${id} was fired by nobody`);
  }
  for (const [name, slots] of fired) {
    if (new Set(slots).size !== slots.length) fail(`a slot of ${name} fired twice`);
    const late = slots.find((slot) => slot > start + CHAOS_MS || slot < beat.declaredAt);
    if (late !== undefined) fail(`${name} fired for ${new Date(late).toISOString()}`);
  }
  checkLocal(fired.get(LOCAL) ?? [], start, beat.declaredAt);
  const every = (fired.get(EVERY) ?? []).toSorted((a, b) => a - b);
  const expected = slotsOf(start, 10_000);
  if (options.faults.beatClock === 0 && String(every) !== String(expected)) {
    fail(`${EVERY} fired ${every.length} slots instead of ${expected.length}`);
  }
}

/** At one past two there is no time in Berlin in spring: the first there is; in autumn it has been by then. */
const BERLIN_SPRING = Date.parse("2027-03-28T01:00:00Z");

function checkLocal(local: readonly number[], start: number, declaredAt: number): void {
  // By beat's clock it may have been over when the schedule was declared.
  const isKnown = declaredAt <= BERLIN_SPRING;
  const isSpring = start < BERLIN_SPRING && BERLIN_SPRING <= start + CHAOS_MS && isKnown;
  const expected = isSpring ? [BERLIN_SPRING] : [];
  if (String(local) !== String(expected)) fail(`${LOCAL} fired for ${local.join()}`);
}

function slotsOf(start: number, ms: number): number[] {
  const slots: number[] = [];
  for (let slot = start + ms - (start % ms); slot <= start + CHAOS_MS; slot += ms) slots.push(slot);
  return slots;
}

/** Never more starts in a second than the rate allows. (G18) */
function checkPace({ places, options }: Whole): void {
  // By clocks that jump there is no second.
  if (options.faults.clockJumps + options.faults.clockLeaps > 0) return;
  for (const [name, starts] of places.starts) {
    const rate = registry.find(name)?.limits?.rate;
    if (rate == null) continue;
    const most = mostInWindow(starts, rate.periodMs);
    if (most > rate.starts) fail(`${name} was started ${most} times in ${rate.periodMs} ms`);
  }
}

interface Canvas {
  readonly id: string;
  readonly expected: Expected;
  /** Its tasks as they ended, by label. */
  readonly ends: Map<string, FinishedTask[]>;
}

/** Of a canvas all tasks ended as they have to, or none was ever there. (G1, G4) */
function checkCanvases({ workload, records }: Whole): ReadonlyMap<string, Canvas> {
  const canvases = new Map<string, Canvas>();
  for (const [id, node] of workload.canvases) {
    const canvas = { id, expected: evaluate(node), ends: new Map<string, FinishedTask[]>() };
    canvases.set(prefixOf(node), canvas);
  }
  for (const record of records.ends.values()) {
    const { label } = JSON.parse(record.kwargs) as { label?: string };
    const ends = canvases.get(label?.split(".")[0] ?? "")?.ends;
    if (label === undefined || ends === undefined) continue;
    ends.set(label, [...(ends.get(label) ?? []), record]);
  }
  for (const canvas of canvases.values()) checkCanvas(canvas, records.ends.get(canvas.id));
  return canvases;
}

function checkCanvas({ id, expected, ends }: Canvas, end: FinishedTask | undefined): void {
  if (end === undefined) {
    if (ends.size > 0) fail(`canvas ${id} is there in part`);
    return;
  }
  const all = [...ends.values()].flat();
  if (ends.size !== all.length) fail(`a task of canvas ${id} is there twice`);
  // Lost three times while it ran alone: what the handler would have done nobody knows.
  if (all.some(({ error }) => error?.exc_message.includes("consumer was lost") === true)) return;
  const natural = "value" in expected.end ? "SUCCESS" : expected.end.failed;
  if (end.state !== natural) fail(`canvas ${id} ended as ${end.state} instead of ${natural}`);
  if ("value" in expected.end) {
    const result = JSON.stringify(masked(JSON.parse(end.result ?? "null")));
    if (result !== JSON.stringify(expected.end.value)) fail(`canvas ${id} came to ${result}`);
  }
  for (const [label, state] of expected.states) {
    const [task] = ends.get(label) ?? [];
    if (task?.state !== state)
      fail(`${label} of canvas ${id} is ${task?.state} instead of ${state}`);
    if (shardOf(task.id) !== shardOf(id)) fail(`${label} went astray`);
  }
  if (ends.size !== expected.states.size) fail(`canvas ${id} has tasks that it should not have`);
  for (const [label, input] of expected.inputs) {
    const [task] = ends.get(label) ?? [];
    const given = masked((JSON.parse(task?.kwargs ?? "{}") as { input: unknown }).input);
    if (JSON.stringify(given) !== JSON.stringify(input)) fail(`${label} got another input`);
  }
}

/** What the labels of a canvas begin with. */
function prefixOf(node: Node): string {
  if ("label" in node) return node.label.split(".")[0] ?? "";
  const inner = [...node.members, ...("body" in node ? [node.body] : [])].map(prefixOf);
  const own = [node.link, node.errback].find((label) => label !== null)?.split(".")[0];
  return own ?? inner.find((prefix) => prefix !== "") ?? "";
}

/** Collected errors carry ids, which the evaluator doesn't know. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  return typeof value === "object" && value !== null && "error" in value ? "an error" : value;
}

function fail(what: string): never {
  throw new Violation(what);
}
