import { bodyPlaceOf, runsOf, tasksOf, type CanvasTree } from "#engine";

/** A part of a canvas as it is drawn. Places are those of its members' ids. */
export type CanvasNode = TaskNode | FoldedNode | MembersNode;

export interface TaskNode {
  readonly kind: "task";
  readonly name: string;
  readonly place: number;
  /** What undoes it, should it have to be: it stands at the next place. */
  readonly undo: string | null;
}

/** Members that are too many to be drawn: counted, and listed elsewhere. */
export interface FoldedNode {
  readonly kind: "folded";
  /** Of all members, if they are alike; else what they are together. */
  readonly name: string;
  /** Tasks in it. */
  readonly count: number;
  /** From here on… */
  readonly from: number;
  /** …and up to here, not included. */
  readonly to: number;
}

export interface MembersNode {
  /** A chord is a chain of a group and what gets its results. */
  readonly kind: "chain" | "group" | "chord";
  readonly members: readonly CanvasNode[];
  /** Of a group: failed members don't fail it. */
  readonly collectsErrors: boolean;
}

/** More members than this are folded. */
const MOST_IN_GROUP = 12;
const MOST_IN_CHAIN = 16;
/** Tasks that are drawn, in all: from then on everything is folded. */
const MOST_DRAWN = 240;

/** What is drawn of an outline. */
export function nodesOf(tree: CanvasTree, place = 0): CanvasNode {
  return new Drawing().node(tree, place);
}

class Drawing {
  #drawn = 0;

  node(tree: CanvasTree, place: number): CanvasNode {
    if (typeof tree === "string") return this.#task(tree, place, null);
    if ("task" in tree) return this.#task(tree.task, place, tree.undo);
    if ("times" in tree) throw new Error("A run stands among members.");
    if ("chord" in tree) {
      const { header, body, errors } = tree.chord;
      const group = this.#members("group", header, place + 2, errors === "collect");
      const after = this.node(body, bodyPlaceOf(header, place));
      return { kind: "chord", members: [group, after], collectsErrors: false };
    }
    if ("chain" in tree) return this.#members("chain", tree.chain, place + 1, false);
    return this.#members("group", tree.group, place + 1, tree.errors === "collect");
  }

  #task(name: string, place: number, undo: string | null): TaskNode {
    this.#drawn += 1;
    return { kind: "task", name, place, undo };
  }

  #members(
    kind: "chain" | "group",
    members: readonly CanvasTree[],
    from: number,
    collectsErrors: boolean,
  ): MembersNode {
    const most = kind === "group" ? MOST_IN_GROUP : MOST_IN_CHAIN;
    const runs = [...runsOf(members, from)];
    const total = runs.reduce((sum, { times }) => sum + times, 0);
    const shown: CanvasNode[] = [];
    for (const { tree, start, times, size } of runs) {
      const isTooMuch =
        (total > most && times > 1) || shown.length >= most || this.#drawn >= MOST_DRAWN;
      if (isTooMuch) {
        const fold = { kind: "folded", from: start, to: start + times * size } as const;
        add(shown, { ...fold, name: nameOf(tree), count: times * tasksOf(tree) });
        continue;
      }
      for (let index = 0; index < times; index += 1)
        shown.push(this.node(tree, start + index * size));
    }
    return { kind, members: shown, collectsErrors };
  }
}

/** Puts a fold behind the others, or makes one with the fold before it, if their places meet. */
function add(shown: CanvasNode[], fold: FoldedNode): void {
  const last = shown.at(-1);
  if (last?.kind !== "folded" || last.to !== fold.from) {
    shown.push(fold);
    return;
  }
  const name = last.name === fold.name ? fold.name : "tasks";
  shown[shown.length - 1] = { ...last, name, to: fold.to, count: last.count + fold.count };
}

function nameOf(tree: CanvasTree): string {
  if (typeof tree === "string") return tree;
  if ("task" in tree) return tree.task;
  if ("chain" in tree) return "chains";
  if ("group" in tree) return "groups";
  return "chord" in tree ? "chords" : "tasks";
}

/** All parts of it, each before its members. */
export function* partsOf(node: CanvasNode): Generator<CanvasNode> {
  yield node;
  if (node.kind === "task" || node.kind === "folded") return;
  for (const member of node.members) yield* partsOf(member);
}

/** Places of a canvas: `from` included, `to` not. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where the tasks stand that are drawn, places next to each other in one. */
export function drawnRanges(node: CanvasNode): Range[] {
  const tasks = [...partsOf(node)].filter((part) => part.kind === "task");
  const ranges: Range[] = [];
  for (const { place, undo } of tasks.sort((one, other) => one.place - other.place)) {
    const to = place + (undo === null ? 1 : 2);
    const last = ranges.at(-1);
    // Chains and groups take a place or two between.
    if (last !== undefined && place - last.to <= 8) ranges[ranges.length - 1] = { ...last, to };
    else ranges.push({ from: place, to });
  }
  return ranges;
}

/** The tasks of an outline that lie in a part of its places, in their order. */
export function* tasksIn(tree: CanvasTree, range: Range, place = 0): Generator<TaskNode> {
  if (typeof tree === "string" || "task" in tree) {
    const [name, undo] = typeof tree === "string" ? [tree, null] : [tree.task, tree.undo];
    if (place >= range.from && place < range.to) yield { kind: "task", name, place, undo };
    return;
  }
  if ("times" in tree) throw new Error("A run stands among members.");
  if ("chord" in tree) {
    const { header, body } = tree.chord;
    yield* membersIn(header, range, place + 2);
    yield* tasksIn(body, range, bodyPlaceOf(header, place));
    return;
  }
  yield* membersIn("chain" in tree ? tree.chain : tree.group, range, place + 1);
}

function* membersIn(
  members: readonly CanvasTree[],
  range: Range,
  from: number,
): Generator<TaskNode> {
  for (const { tree, start, times, size } of runsOf(members, from)) {
    // Of a run only those in the range are looked at; what stands alone may have members that were added later.
    const isRun = times > 1;
    const first = isRun ? Math.max(0, Math.floor((range.from - start) / size)) : 0;
    const last = isRun ? Math.min(times, Math.ceil((range.to - start) / size)) : 1;
    for (let index = first; index < last; index += 1) {
      yield* tasksIn(tree, range, start + index * size);
    }
  }
}
