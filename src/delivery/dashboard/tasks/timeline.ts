import { isTerminal, type AttemptRecord, type TaskRecord } from "#engine";

/** A part of a task's life. Times are epoch ms. */
export interface Phase {
  /** What happened: `waiting` before the first attempt, `between` attempts, or how the attempt ended. */
  readonly kind:
    | "waiting"
    | "not due"
    | "between"
    | NonNullable<AttemptRecord["outcome"]>
    | "running";
  readonly from: number;
  readonly to: number;
  /** Of an attempt. */
  readonly attempt?: number;
  /** For people. */
  readonly words: string;
}

/** One durable step on the timeline; its `lane` is free while it lasts. */
export interface StepPhase {
  readonly name: string;
  readonly state: string;
  readonly from: number;
  readonly to: number;
  readonly lane: number;
}

export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly phases: readonly Phase[];
  readonly steps: readonly StepPhase[];
  readonly lanes: number;
}

/** What became of a task, moment by moment, up to now. */
export function timelineOf(task: TaskRecord, now: number): Timeline {
  const from = task.submittedAt;
  const isOver = isTerminal(task.state);
  const ends = task.attempts.map(({ startedAt, finishedAt }) => finishedAt ?? startedAt);
  const to = Math.max(from + 1, ...ends, isOver ? (task.finishedAt ?? now) : now);
  const steps = stepsOf(task, to);
  const lanes = Math.max(0, ...steps.map(({ lane }) => lane + 1));
  return { from, to, phases: phasesOf(task, to), steps, lanes };
}

function phasesOf({ submittedAt, dueAt, attempts }: TaskRecord, to: number): Phase[] {
  const phases: Phase[] = [];
  const add = (phase: Phase) => {
    if (phase.to > phase.from || phase.attempt !== undefined) phases.push(phase);
  };
  const [first] = attempts;
  const start = first?.startedAt ?? to;
  // Older attempts are not kept, and of a retried task `dueAt` is that of the next one.
  const isFirstKnown = first === undefined || first.attempt === 1;
  const due =
    attempts.length === 0 && dueAt !== null
      ? Math.min(to, Math.max(submittedAt, dueAt))
      : submittedAt;
  add({ kind: "not due", from: submittedAt, to: due, words: "not due yet" });
  const before = isFirstKnown ? "waited" : "earlier attempts, which are not kept";
  add({ kind: "waiting", from: due, to: start, words: before });
  for (const [index, one] of attempts.entries()) {
    const end = one.finishedAt ?? to;
    add({
      kind: one.outcome ?? "running",
      from: one.startedAt,
      to: end,
      attempt: one.attempt,
      words: `attempt ${one.attempt}: ${wordsOf(one)}`,
    });
    const next = attempts[index + 1]?.startedAt ?? to;
    if (one.finishedAt !== null) {
      add({
        kind: "between",
        from: end,
        to: next,
        words: wordsBetween(one, index === attempts.length - 1),
      });
    }
  }
  return phases;
}

function wordsOf({ outcome, error }: AttemptRecord): string {
  const why = error === null ? "" : `, ${error.exc_type}`;
  return `${outcome ?? "runs"}${why}`;
}

function wordsBetween({ outcome }: AttemptRecord, isLast: boolean): string {
  if (outcome === "suspended") return isLast ? "waits to go on" : "waited to go on";
  return isLast ? "waits for the next attempt" : "waited for the next attempt";
}

/** Steps in lanes, so that none lies on another. */
function stepsOf({ steps = [] }: TaskRecord, to: number): StepPhase[] {
  const free: number[] = [];
  return steps
    .toSorted((one, other) => one.startedAt - other.startedAt)
    .map(({ kind, name, state, startedAt, finishedAt }) => {
      const end = Math.max(startedAt, finishedAt ?? to);
      const open = free.findIndex((until) => until <= startedAt);
      const lane = open < 0 ? free.length : open;
      free[lane] = end;
      const label = kind === "sleep" ? "sleep" : `${kind} ${name}`;
      return { name: label, state, from: startedAt, to: end, lane };
    });
}
