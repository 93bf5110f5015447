import type { Merged, TaskSpec, UniqueRule } from "#engine";
import type { Model, ModelTask } from "./model.ts";
import type { UniqueRow } from "./tables.ts";
import { Violation } from "./violation.ts";

interface Holder {
  readonly taskId: string;
  readonly isHeldOpen: boolean;
  readonly until: number;
}

/** Who has which key, by the rules alone: of like calls one is a task. */
export class UniqueKeys {
  readonly #holders = new Map<string, Holder>();
  #latest = 0;

  /**
   * A submit was committed: each of its unique calls must be a task if its key was free, and only then.
   * @returns what the others are to be told
   */
  submitted(specs: readonly TaskSpec[], model: Model, now: number): ReadonlyMap<string, Merged> {
    const merged = new Map<string, Merged>();
    for (const spec of specs) {
      if (spec.unique === undefined) continue;
      const answer = this.#submitted(spec, spec.unique, model, now);
      if (answer !== null) merged.set(spec.id, answer);
      if ((answer === null) !== model.tasks.has(spec.id)) {
        const is =
          answer === null ? "is no task, but its key was free" : "became a task of its own";
        throw new Violation(`${spec.id} ${is}`);
      }
    }
    return merged;
  }

  compare(rows: readonly UniqueRow[], model: Model, now: number): void {
    this.#latest = Math.max(this.#latest, now);
    for (const [key, { taskId, isHeldOpen, until }] of this.#holders) {
      // It was over once, and may be gone; with a clock that goes back it counts again if it is not.
      const wasOver = until <= this.#latest && !rows.some((row) => row.task_id === taskId);
      if (wasOver && !(isHeldOpen && model.live.has(taskId))) this.#holders.delete(key);
    }
    const is = rows.filter((row) => row.is_open === 1 || row.until > now);
    const should = [...this.#holders].filter(([, holder]) => isTaken(holder, model, now));
    const [held, expected] = [
      is.map((row) => `${row.key} ${row.task_id}`),
      should.map(([key, { taskId }]) => `${key} ${taskId}`),
    ].map((keys) => keys.toSorted().join());
    if (held !== expected) throw new Violation(`the keys are held by ${held}, not ${expected}`);
  }

  #submitted(spec: TaskSpec, rule: UniqueRule, model: Model, now: number): Merged | null {
    const holder = this.#holders.get(rule.key);
    const task = holder === undefined ? undefined : model.tasks.get(holder.taskId);
    if (holder !== undefined && task !== undefined && isTaken(holder, model, now)) {
      if (rule.keep === "first") return { mergedInto: holder.taskId, how: "duplicate" };
      if (task.end === null && task.lease === null && task.attempts === 0) {
        replace(task, spec, rule, now);
        return { mergedInto: holder.taskId, how: "replaced" };
      }
    }
    const { isHeldOpen, holdMs } = rule;
    this.#holders.set(rule.key, { taskId: spec.id, isHeldOpen, until: now + holdMs });
    const own = model.tasks.get(spec.id);
    if (own !== undefined && rule.debounce !== null) own.dueAt = now + rule.debounce.waitMs;
    return null;
  }
}

function isTaken({ taskId, isHeldOpen, until }: Holder, model: Model, now: number): boolean {
  return until > now || (isHeldOpen && model.live.has(taskId));
}

function replace(task: ModelTask, spec: TaskSpec, { debounce }: UniqueRule, now: number): void {
  const latest = task.submittedAt + (debounce?.maxMs ?? Infinity);
  const dueAt = debounce === null ? (spec.dueAt ?? now) : Math.min(now + debounce.waitMs, latest);
  task.dueAt = Math.max(now, dueAt);
  task.isReady = false;
  task.spec = { ...spec, id: task.spec.id, fingerprint: task.spec.fingerprint };
}
