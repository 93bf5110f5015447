import {
  isLargerThan,
  MAX_KWARGS_BYTES,
  memberId,
  release,
  canvasSpec,
  type Callback,
  type CanvasPort,
  type CanvasRef,
  type Collected,
  type KeptAt,
  type NodeEnd,
  type Plan,
  type PlannedCall,
  type TaskSpec,
  type Value,
} from "#engine";
import type { LiveCanvas } from "./canvases.ts";
import { CanvasStore, OWN_INPUT, ownPlace } from "./canvas-store.ts";
import type { Changes } from "../changes.ts";
import { findLive, type Memory } from "../memory/memory.ts";
import type { SqlPort } from "../ports.ts";
import type { TaskRow } from "../rows.ts";
import { insertHeld, insertTasks, toRow } from "../submit.ts";

/** Of what never runs: its arguments are not all there to tell it. */
const noKey = () => null;

/** What a group's members may have between them as copies of the result before it; above that they share one. */
const MAX_COPIED_LENGTH = 1_024 * 1_024;

/** The end of a task that is part of a canvas. */
export interface MemberEnd {
  readonly canvas: CanvasRef;
  readonly end: NodeEnd;
  /** Members that it adds to its group before it ends. */
  readonly adds?: readonly Plan[];
}

/** What is started because something ended. */
export interface Start {
  readonly callback: Callback;
  readonly owner: string;
  readonly trace: string;
  readonly input: Value;
}

/** What canvases do in one transaction, because of ends, or because they are new. */
export class CanvasAdvance {
  readonly #sql: SqlPort;
  readonly #store: CanvasStore;
  readonly #memory: Memory;
  readonly #changes: Changes;
  readonly #now: number;
  /** Tasks whose turn has come. */
  #specs: TaskSpec[] = [];
  /** Ends of members that are not written yet, by canvas and group. */
  readonly #unwritten = new Map<LiveCanvas, Map<number, [position: number, end: NodeEnd][]>>();

  constructor(sql: SqlPort, memory: Memory, changes: Changes, now: number) {
    this.#sql = sql;
    this.#store = new CanvasStore(sql);
    this.#memory = memory;
    this.#changes = changes;
    this.#now = now;
  }

  /** A task of a canvas ended. One that is over already goes nowhere. */
  ended({ canvas: { id, place }, end, adds = [] }: MemberEnd): void {
    const canvas = this.#open(id);
    if (canvas === null) return;
    if (adds.length > 0) this.#grow(canvas, place, adds);
    // What was replaced gives what its own canvas kept, which goes with that.
    const own = "value" in end ? { value: this.#owned(end.value, { id, place }) } : end;
    canvas.run.taskEnded(this.#portOf(canvas), place, own);
  }

  /** A callback's turn has come. It is no part of what called it. */
  start({ callback: { id, plan }, owner, trace, input }: Start): void {
    const [first] = plan.nodes;
    if (first?.kind === "task" && plan.nodes.length <= 2) {
      const fitting = this.#fitting(input, first.call, { id, place: OWN_INPUT });
      const { keyOf } = this.#memory;
      this.#specs.push(
        release(first.call, { id, owner, trace, now: this.#now, input: fitting, keyOf }),
      );
    } else {
      this.begin(canvasSpec(id, owner, plan, trace), this.#owned(input, { id, place: OWN_INPUT }));
    }
  }

  /**
   * Puts a canvas in and starts what comes first. Rows written: 2, one per part of its plan, and its first
   * tasks.
   */
  begin(spec: TaskSpec, input: Value | null): void {
    const { plan } = spec;
    if (plan === undefined) throw new Error(`${spec.id} is no canvas.`);
    const row = insertHeld(this.#sql, this.#memory, this.#changes, spec, this.#now);
    this.#beginPlan(row, plan, input);
  }

  /** Makes a task that runs what it is replaced with. Input: its row as it is parked now. */
  replace(row: TaskRow, plan: Plan): void {
    this.#beginPlan(row, plan, null);
  }

  /** Writes what is left. */
  write(): void {
    for (const [canvas, groups] of this.#unwritten) {
      for (const group of groups.keys()) this.#writeMembers(canvas, group);
    }
    this.#unwritten.clear();
    insertTasks(this.#sql, this.#memory, this.#changes, this.#specs, this.#now);
    this.#specs = [];
  }

  #beginPlan(row: TaskRow, plan: Plan, input: Value | null): void {
    this.#store.appendNodes(row.id, 0, plan.nodes);
    const canvas = this.#memory.canvases.create(row, plan);
    canvas.run.begin(this.#portOf(canvas), input);
  }

  /** Adds members to the group of a task that is about to end. */
  #grow(canvas: LiveCanvas, place: number, plans: readonly Plan[]): void {
    const { shape } = canvas.run;
    const { size } = shape;
    canvas.run.grow(this.#portOf(canvas), place, plans);
    const added = shape.nodesFrom(size);
    this.#store.appendNodes(canvas.id, size, added);
    this.#memory.canvases.grew(canvas, JSON.stringify(added).length);
  }

  #open(id: string): LiveCanvas | null {
    const row = findLive(this.#sql, this.#memory, id);
    return row === null ? null : this.#memory.canvases.open(this.#store, row);
  }

  #portOf(canvas: LiveCanvas): CanvasPort {
    const { id, base, owner, trace } = canvas;
    const store = this.#store;
    const { keyOf } = this.#memory;
    const now = this.#now;
    const spec = (
      place: number,
      call: PlannedCall,
      input: Value | null,
      canvasRef: CanvasRef,
      key = keyOf,
    ) =>
      release(call, {
        id: memberId(base, place),
        owner,
        trace,
        now,
        keyOf: key,
        input: input === null ? null : this.#fitting(input, call, { id, place }),
        canvas: canvasRef,
      });
    return {
      start: (place, call, input, ref) => {
        this.#specs.push(spec(place, call, input, ref));
      },
      share: (group, members, value) => {
        const isSmall = !("text" in value) || value.text.length * members <= MAX_COPIED_LENGTH;
        return isSmall ? value : this.#keep(value, { id, place: ownPlace(group) });
      },
      drop: (place, call, end) => {
        const { id: taskId, ...planned } = spec(place, call, null, { id, place }, noKey);
        const row = toRow({ id: taskId, ...planned }, true, now, now, "");
        this.#changes.endUnstarted(row, end);
      },
      keepMember: (group, position, end) => {
        const groups = this.#unwritten.get(canvas) ?? new Map<number, [number, NodeEnd][]>();
        this.#unwritten.set(canvas, groups);
        const ends = groups.get(group);
        if (ends === undefined) groups.set(group, [[position, end]]);
        else ends.push([position, end]);
      },
      collect: (group) => {
        this.#writeMembers(canvas, group);
        const { text, large, isTooLarge } = store.list(id, group, MAX_KWARGS_BYTES);
        const isInline =
          isTooLarge !== true && large.length === 0 && !isLargerThan(text, MAX_KWARGS_BYTES);
        return isInline ? { text } : { kept: { id, place: group } };
      },
      firstFailed: (group) => {
        this.#writeMembers(canvas, group);
        const failed = store.firstFailed(id, group);
        if (failed === null) throw new Error(`No member of group ${group} of ${id} has failed.`);
        return failed;
      },
      keepInput: (place, value) => {
        store.keep(id, place, JSON.stringify(value));
      },
      keptInput: (place) => store.keptValue({ id, place }) ?? { text: "null" },
      keepUndoing: (chain, undoing) => {
        store.keep(id, ownPlace(chain), JSON.stringify(undoing));
      },
      call: (callbacks, input) => {
        for (const callback of callbacks) this.start({ callback, owner, trace, input });
      },
      finish: (end) => {
        this.#changes.endHeld(id, end, { nodes: canvas.run.shape.nodesFrom(0) });
      },
    };
  }

  #writeMembers(canvas: LiveCanvas, group: number): void {
    const ends = this.#unwritten.get(canvas)?.get(group) ?? [];
    if (ends.length === 0) return;
    const after = canvas.rows.get(group) ?? 0;
    canvas.rows.set(group, this.#store.appendMembers(canvas.id, group, after, ends));
    this.#unwritten.get(canvas)?.delete(group);
  }

  /** A value that fits into a task's row, with its other arguments; else it is kept for it. */
  #fitting(value: Value, { kwargs, into }: PlannedCall, at: KeptAt): Value | null {
    if (into === null) return null;
    if (!("text" in value)) return this.#owned(value, at);
    if (!isLargerThan(value.text + kwargs, MAX_KWARGS_BYTES)) return value;
    return this.#keep(value, at);
  }

  /** What a canvas keeps goes with it: who is not in it gets a copy. */
  #owned(value: Value, at: KeptAt): Value {
    if (!("kept" in value) || value.kept.id === at.id) return value;
    return this.#keep(this.#store.list(value.kept.id, value.kept.place), at);
  }

  #keep(value: Value | Collected, at: KeptAt): Value {
    this.#store.keep(at.id, at.place, JSON.stringify(value));
    return { kept: at };
  }
}
