import type { FinishedTask } from "#engine";
import { Violation } from "../violation.ts";
import type { Replay, Told } from "./call-book.ts";
import { THROTTLE_MS } from "./tasks.ts";
import type { Whole } from "./whole.ts";

/** What has to happen in the histories of every mix: an answer that nobody got proves nothing. */
export const EVENTS = [
  /** A call came again under its key, and was known. */
  "repeated",
  /** Another call came under a key that was taken. */
  "conflict",
  /** A call was one with a task that had not ended, or was no second one within a time, or brought it newer content. */
  "unique",
  "throttled",
  "debounced",
  /** A dead letter was run again; was asked for a second time; and by somebody else. */
  "replayed",
  "replayed twice",
  /** A handler was told that its task was called off. */
  "told to stop",
] as const;
type Event = (typeof EVENTS)[number];

type Count = (event: Event) => void;

/**
 * What callers were told must be true of the tasks that there are, when all has ended.
 * @returns how often each event happened
 */
export function checkAnswers(whole: Whole): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count: Count = (event) => {
    counts[event] = (counts[event] ?? 0) + 1;
  };
  for (const told of whole.book.told) {
    if (told.spec.unique === undefined) checkKeyed(whole, told, count);
    else checkMerged(whole, told, count);
  }
  checkApart(whole);
  checkReplays(whole, count);
  return { ...counts, "told to stop": whole.calledOff.told };
}

/** An id is one call: the same one is known again, and another is refused. (G7) */
function checkKeyed({ records }: Whole, { spec, answer }: Told, count: Count): void {
  const { id, fingerprint } = spec;
  const record = records.ends.get(id);
  if (typeof answer === "object") fail(`${id} is not unique, and ${answer.how}`);
  const isSame = record?.fingerprint === fingerprint;
  if ((answer === "conflict") === isSame) {
    fail(`${id} was answered ${answer}, and is ${isSame ? "this" : "another"} call`);
  }
  if (answer === "conflict") count("conflict");
  if (answer === "exists" && spec.options.replay_of === undefined) count("repeated");
}

/** What was merged is no task, and what it was merged into is one like it. */
function checkMerged({ records, book }: Whole, { spec, answer }: Told, count: Count): void {
  if (typeof answer !== "object") return;
  const { id, name, owner, kwargs } = spec;
  const other = records.ends.get(answer.mergedInto);
  const said = `${id} (${name}) was ${answer.how} of ${answer.mergedInto}`;
  if (records.hasEnded(id)) fail(`${said}, and is a task`);
  if (other?.name !== name || other.owner !== owner) fail(`${said}, which is ${other?.name}`);
  const isDebounced = name === "debounced";
  if ((answer.how === "replaced") !== isDebounced) fail(said);
  // Which was the newest by its ledger's time can't be known out here: not the first.
  const isFirst = other.kwargs === book.calls.get(other.id)?.spec.kwargs;
  if (isFirst === isDebounced) fail(`${said}, with ${other.kwargs}`);
  if (name === "only" && other.kwargs !== kwargs) fail(`${said}, another call`);
  if (name === "only") count("unique");
  if (name === "throttled") count("throttled");
  if (isDebounced) count("debounced");
}

/** Of a key there was one task at a time, or in the time that it is for. What is debounced is one until it starts. */
function checkApart({ records, options }: Whole): void {
  // By clocks that jump nobody knows what was at once.
  if (options.faults.clockJumps + options.faults.clockLeaps > 0) return;
  const unique = [...records.ends.values()].filter(
    ({ name, options: own }) => own.unique_key !== undefined && name !== "debounced",
  );
  for (const tasks of Map.groupBy(unique, (task) => task.options.unique_key).values()) {
    const inOrder = tasks.toSorted((a, b) => a.submittedAt - b.submittedAt);
    for (const [index, task] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before !== undefined && task.submittedAt < apartUntil(before)) {
        fail(`${task.id} is there beside ${before.id}`);
      }
    }
  }
}

/** Until when a task keeps others of its key away; epoch ms. */
function apartUntil({ name, submittedAt, finishedAt }: FinishedTask): number {
  return name === "throttled" ? submittedAt + THROTTLE_MS : finishedAt;
}

/** However often one clicks, a dead letter is run again once, as it was, and stays what it is. (G15) */
function checkReplays({ records, book }: Whole, count: Count): void {
  const byWhom = new Map<string, string>();
  for (const { id, options, owner } of records.ends.values()) {
    if (options.replay_of === undefined) continue;
    const key = `${owner} ${options.replay_of}`;
    const other = byWhom.get(key);
    if (other !== undefined) fail(`${options.replay_of} was replayed as ${id} and ${other}`);
    byWhom.set(key, id);
  }
  for (const replay of book.replays) checkReplay(records.ends, replay, count);
}

function checkReplay(
  ends: ReadonlyMap<string, FinishedTask>,
  { old, owner, handle: { taskId, answer } }: Replay,
  count: Count,
): void {
  if (answer === "busy") return;
  const replay = ends.get(taskId);
  const said = `the replay ${taskId} of ${old.id}, which was ${answer},`;
  if (taskId === old.id || replay === undefined) fail(`${said} is no task of its own`);
  if (replay.options.replay_of !== old.id) fail(`${said} names ${replay.options.replay_of}`);
  if (replay.name !== old.name || replay.kwargs !== old.kwargs) fail(`${said} is another call`);
  if (replay.owner !== owner) fail(`${said} is ${replay.owner}'s`);
  if (answer !== "accepted" && answer !== "exists") fail(`${said} is one call`);
  count(answer === "accepted" ? "replayed" : "replayed twice");
  if (JSON.stringify(ends.get(old.id)) !== JSON.stringify(old)) fail(`${old.id} changed`);
}

function fail(what: string): never {
  throw new Violation(what);
}
