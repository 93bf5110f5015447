import {
  traceIdOf,
  CanvasRun,
  type CanvasMemory,
  type ErrorInfo,
  type Plan,
  type Undoing,
} from "#engine";
import { ownPlace, type CanvasStore } from "./canvas-store.ts";
import { optionsOf, suspensionOf, type TaskRow } from "../rows.ts";

/** JSON text of the plans that are kept in memory: those that went on lately; others are read again. */
const MAX_KEPT_LENGTH = 16 * 1_024 * 1_024;

/** A canvas that runs. */
export interface LiveCanvas {
  readonly id: string;
  /** What its members' ids count up from. */
  readonly base: string;
  readonly owner: string;
  /** The trace that its members belong to. */
  readonly trace: string;
  readonly run: CanvasRun;
  /** Of its plan, as JSON text. */
  length: number;
  /** The newest row of each group's members. */
  readonly rows: Map<number, number>;
}

/** The canvases of a ledger that went on lately. Follows from the tables. */
export class Canvases {
  readonly #live = new Map<string, LiveCanvas>();
  #length = 0;

  /** Reads a canvas if it has to. `row`: the task that stands for it. Null: it is none. */
  open(store: CanvasStore, row: TaskRow): LiveCanvas | null {
    const known = this.#live.get(row.id);
    if (known !== undefined) {
      // The one that went on last stands last.
      this.#live.delete(row.id);
      this.#live.set(row.id, known);
      return known;
    }
    const plan = store.plan(row.id);
    if (plan === null) return null;
    const memory: CanvasMemory = { groups: new Map(), undoable: new Set(), undoing: new Map() };
    const rows = new Map<number, number>();
    for (const { place, done, failed, rows: last } of store.counts(row.id)) {
      memory.groups.set(place, { done, failed });
      rows.set(place, last);
    }
    for (const place of store.keptPlaces(row.id)) {
      if (plan.nodes[place]?.kind === "undo") memory.undoable.add(place - 1);
      else if (plan.nodes[ownPlace(place)]?.kind === "chain") {
        const undoing = JSON.parse(store.kept(row.id, place) ?? "") as Undoing;
        memory.undoing.set(ownPlace(place), undoing);
      }
    }
    for (const { places } of memory.undoing.values()) {
      for (const place of places) memory.undoable.delete(place);
    }
    return this.#keep(row, plan, memory, rows);
  }

  /** A canvas that is new. */
  create(row: TaskRow, plan: Plan): LiveCanvas {
    const memory: CanvasMemory = { groups: new Map(), undoable: new Set(), undoing: new Map() };
    return this.#keep(row, plan, memory, new Map());
  }

  /** Its plan has so many characters more. */
  grew(canvas: LiveCanvas, by: number): void {
    canvas.length += by;
    if (this.#live.get(canvas.id) === canvas) this.#length += by;
  }

  forget(id: string): void {
    this.#length -= this.#live.get(id)?.length ?? 0;
    this.#live.delete(id);
  }

  /** Between transactions: keeps what is kept within bounds. */
  trim(): void {
    for (const id of this.#live.keys()) {
      if (this.#length <= MAX_KEPT_LENGTH) return;
      this.forget(id);
    }
  }

  #keep(row: TaskRow, plan: Plan, memory: CanvasMemory, rows: Map<number, number>): LiveCanvas {
    const { id, owner } = row;
    const stop = stopOf(row);
    const options = optionsOf(row);
    const base = options.base ?? id;
    const nesting = (options.canvas?.nesting ?? 0) + (options.base === undefined ? 0 : 1);
    const isUndo = options.canvas?.undo === true;
    const run = new CanvasRun({ id, base, nesting, isUndo, plan, memory, stop });
    const { length } = JSON.stringify(plan);
    const canvas = { id, base, owner, trace: traceIdOf({ id, options }), run, rows, length };
    this.#live.set(id, canvas);
    this.#length += length;
    return canvas;
  }
}

/** Why nothing of a canvas starts any more; null: it goes on. */
function stopOf(row: TaskRow): ErrorInfo | null {
  return suspensionOf(row)?.stop ?? null;
}
