import type { CanvasReader, CanvasTree, Places, State, TaskRecord } from "#engine";
import { memberId } from "#engine";
import { placesOf } from "../../api/canvas/canvas-views.ts";
import type { ApiParts } from "../../api/route.ts";
import {
  drawnRanges,
  nodesOf,
  partsOf,
  tasksIn,
  type CanvasNode,
  type FoldedNode,
  type TaskNode,
} from "./nodes.ts";

/** Tasks of a fold that one page lists. */
const LISTED = 50;
/** Folds of which it is asked what they hold; each is a question to the ledger and to the history. */
const MOST_COUNTED = 16;

export type States = Readonly<Partial<Record<State, number>>>;

/** What is shown of a member. */
export type ShownTask = Pick<
  TaskRecord,
  "id" | "state" | "options" | "reported" | "error" | "result"
>;

/** A canvas, read for its page. */
export interface CanvasData {
  readonly root: CanvasNode;
  readonly tree: CanvasTree;
  /** Of all its places. */
  readonly states: States;
  readonly idOf: (place: number) => string;
  /** Null: it has not been there yet. */
  readonly taskAt: (place: number) => ShownTask | null;
  /** Null: nobody asked. */
  readonly statesOf: (fold: FoldedNode) => States | null;
  readonly listed: readonly TaskNode[];
  /** Where the list goes on; null: it is at its end. */
  readonly listedNext: number | null;
}

/**
 * What a canvas's page shows: those of its members that are drawn, and those that are listed.
 * @param list a part of its places; null: nothing is listed
 */
export async function readCanvas(
  { canvases }: Pick<ApiParts, "canvases">,
  task: TaskRecord,
  list: { readonly from: number; readonly to: number } | null,
): Promise<CanvasData | null> {
  const { id, options } = task;
  if (options.tree === undefined) return null;
  const tree = (await canvases.outline(id)) ?? options.tree;
  const root = nodesOf(tree);
  const base = options.base ?? id;
  const all = placesOf(task, tree);
  const { listed, listedNext } = listOf(tree, list);
  const ranges = [...drawnRanges(root), ...rangeOf(listed)];
  const folds = [...partsOf(root)].filter((part) => part.kind === "folded").slice(0, MOST_COUNTED);
  const nothing = { from: all.to, to: all.to };
  const [whole, counted, ...pages] = await Promise.all([
    canvases.members(base, all, nothing),
    Promise.all(folds.map((fold) => canvases.members(base, fold, nothing))),
    ...ranges.map((range) => tasksAt(canvases, base, range)),
  ]);
  const tasks = new Map(pages.flat());
  const states = new Map(folds.map((fold, index) => [fold, counted[index]?.states ?? {}]));
  return {
    root,
    tree,
    states: whole.states,
    idOf: (place) => memberId(base, place),
    taskAt: (place) => tasks.get(place) ?? null,
    statesOf: (fold) => states.get(fold) ?? null,
    listed,
    listedNext,
  };
}

/** The tasks of all these places, of which large ones come by few. */
async function tasksAt(
  canvases: CanvasReader,
  base: string,
  range: Places,
): Promise<[place: number, task: ShownTask][]> {
  const found: [number, ShownTask][] = [];
  for (let { from } = range; from < range.to;) {
    const { tasks, to } = await canvases.members(base, range, { from, to: range.to });
    for (const [place, { id, state, options, reported, error, result }] of tasks) {
      const shown = { id, state, options, error, result, ...(reported && { reported }) };
      found.push([place, shown]);
    }
    from = to;
  }
  return found;
}

function listOf(tree: CanvasTree, list: { readonly from: number; readonly to: number } | null) {
  if (list === null) return { listed: [], listedNext: null };
  const listed: TaskNode[] = [];
  for (const task of tasksIn(tree, list)) {
    if (listed.length === LISTED) return { listed, listedNext: task.place };
    listed.push(task);
  }
  return { listed, listedNext: null };
}

function rangeOf(listed: readonly TaskNode[]) {
  if (listed.length === 0) return [];
  const places = listed.map(({ place }) => place);
  return [{ from: Math.min(...places), to: Math.max(...places) + 1 }];
}
