import {
  MAX_CANVAS_BYTES,
  MAX_CANVAS_NODES,
  traceIdOf,
  type ErrorInfo,
  type LargeResult,
  type NodeEnd,
  type Plan,
  type TaskSpec,
  type TerminalState,
  type Value,
} from "#engine";
import { CANVAS_FULL, type AttemptEnd } from "../attempt-end.ts";
import { CanvasAdvance, type MemberEnd, type Start } from "./canvas-advance.ts";
import { CanvasStore } from "./canvas-store.ts";
import type { Changes } from "../changes.ts";
import { findLive, type Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";
import { isHeld, optionsOf, type TaskRow } from "../rows.ts";

/** What a task ended with. */
export interface End {
  readonly result?: string | null;
  readonly large?: LargeResult | undefined;
  readonly isIgnored?: boolean | undefined;
  readonly adds?: readonly Plan[] | undefined;
  readonly error?: ErrorInfo | null;
  /** Of a canvas: what its last members gave, and the one that failed. */
  readonly value?: Value;
  readonly failedId?: string;
}

/**
 * What ends set off, in the transaction of the ends: callbacks, and what comes next in a canvas. Costs a
 * task nothing that has neither.
 */
export class Sequels {
  readonly #sql: SqlPort;
  readonly #memory: Memory;
  readonly #changes: Changes;
  readonly #now: number;
  #memberEnds: MemberEnd[] = [];
  /** What is about to be added, by canvas: nodes, and characters of them. */
  readonly #added = new Map<string, { readonly nodes: number; readonly length: number }>();
  #starts: Start[] = [];
  #replaced: (readonly [row: TaskRow, plan: Plan])[] = [];
  /** Canvases, and tasks with arguments that were kept for them, of which nothing is needed any more. */
  #overIds: string[] = [];

  constructor(sql: SqlPort, memory: Memory, changes: Changes, now: number) {
    this.#sql = sql;
    this.#memory = memory;
    this.#changes = changes;
    this.#now = now;
  }

  /** The end of an attempt; a failure if its canvas has no room for the members that it adds. */
  bounded(task: TaskRow, end: AttemptEnd): AttemptEnd {
    const { adds } = end;
    const id = adds === undefined ? undefined : optionsOf(task).canvas?.id;
    const row = id === undefined ? null : findLive(this.#sql, this.#memory, id);
    const canvas = row && this.#memory.canvases.open(new CanvasStore(this.#sql), row);
    if (adds === undefined || id === undefined || canvas === null) return end;
    const before = this.#added.get(id) ?? { nodes: 0, length: 0 };
    const nodes = adds.reduce((sum, plan) => sum + plan.nodes.length, before.nodes);
    const length = before.length + JSON.stringify(adds).length;
    const isFull =
      canvas.run.shape.size + nodes > MAX_CANVAS_NODES || canvas.length + length > MAX_CANVAS_BYTES;
    if (isFull) {
      const { adds: _none, large: _neither, ...rest } = end;
      return { ...rest, ...CANVAS_FULL };
    }
    this.#added.set(id, { nodes, length });
    return end;
  }

  /** A task ended that has options. */
  of(task: TaskRow, state: TerminalState, end: End): void {
    const { canvas, input } = optionsOf(task);
    if (isHeld(task) || (input !== undefined && canvas === undefined)) this.#overIds.push(task.id);
    this.callBack(task, state, end);
    if (canvas === undefined) return;
    const error = end.error ?? { exc_type: "Ignore", exc_message: "ignored", traceback: null };
    const memberEnd: NodeEnd =
      state === "SUCCESS"
        ? { value: valueOf(end) }
        : { state, error, taskId: end.failedId ?? task.id };
    this.#memberEnds.push({
      canvas,
      end: memberEnd,
      ...(end.adds !== undefined && { adds: end.adds }),
    });
  }

  /** The callbacks of a task that ended so; the one to whoever is told outside comes with every end. */
  callBack(task: TaskRow, state: TerminalState, end: End): void {
    const options = optionsOf(task);
    const { link, link_error: errbacks, callback: told } = options;
    const from = { owner: task.owner, trace: traceIdOf({ id: task.id, options }) };
    if (told !== undefined) {
      this.#starts.push({ callback: told, ...from, input: { text: JSON.stringify(task.id) } });
    }
    if (state === "SUCCESS") {
      const input = valueOf(end);
      for (const callback of link ?? []) this.#starts.push({ callback, ...from, input });
    } else if (state === "FAILURE") {
      const input = { text: JSON.stringify(end.failedId ?? task.id) };
      for (const callback of errbacks ?? []) this.#starts.push({ callback, ...from, input });
    }
  }

  /** A task that ran is parked as the canvas that it becomes. */
  replaced(row: TaskRow, plan: Plan): void {
    this.#replaced.push([row, plan]);
  }

  /** See CanvasAdvance.begin. */
  begin(spec: TaskSpec): void {
    const advance = this.#advance();
    advance.begin(spec, null);
    advance.write();
  }

  /** Until nothing follows any more: an end may be the end of others. */
  run(): void {
    while (this.#memberEnds.length + this.#starts.length + this.#replaced.length > 0) {
      const advance = this.#advance();
      for (const [row, plan] of this.#replaced.splice(0)) advance.replace(row, plan);
      this.#added.clear();
      for (const end of this.#memberEnds.splice(0)) advance.ended(end);
      for (const start of this.#starts.splice(0)) advance.start(start);
      advance.write();
    }
  }

  /** Deletes what was kept for those that are over. Rows written: all of it. */
  forgetOver(): void {
    if (this.#overIds.length === 0) return;
    new CanvasStore(this.#sql).delete(this.#overIds);
    for (const id of this.#overIds) this.#memory.canvases.forget(id);
    this.#overIds = [];
  }

  #advance(): CanvasAdvance {
    return new CanvasAdvance(this.#sql, this.#memory, this.#changes, this.#now);
  }
}

function valueOf({ value, large, result }: End): Value {
  return value ?? (large === undefined ? { text: result ?? "null" } : { large });
}
