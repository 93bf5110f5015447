import type { Plan, PlanNode } from "./plan.ts";
import { childrenOf } from "./tree.ts";

/** The nodes of a canvas and how they hang together. Members may be added. */
export class PlanShape {
  readonly #nodes: PlanNode[];
  readonly #children: Map<number, number[]>;
  /** Where each node stands among its parent's members. */
  readonly #positions: Map<number, number>;

  constructor({ nodes }: Plan) {
    this.#nodes = [...nodes];
    this.#children = childrenOf(nodes);
    this.#positions = positionsIn(this.#children);
  }

  /** Places, from 0 on. */
  get size(): number {
    return this.#nodes.length;
  }

  /** The nodes from a place on. */
  nodesFrom(place: number): readonly PlanNode[] {
    return this.#nodes.slice(place);
  }

  /** Where its tasks stand, undos left out. */
  taskPlaces(): number[] {
    return [...this.#nodes.entries()].flatMap(([place, { kind }]) =>
      kind === "task" ? place : [],
    );
  }

  node(place: number): PlanNode {
    const node = this.#nodes[place];
    if (node === undefined) throw new Error(`The canvas has no place ${place}.`);
    return node;
  }

  childrenOf(place: number): readonly number[] {
    return this.#children.get(place) ?? [];
  }

  positionOf(place: number): number {
    return this.#positions.get(place) ?? 0;
  }

  /** Whether the task at a place can be undone: its undo stands at the next. */
  hasUndo(place: number): boolean {
    return this.#nodes[place + 1]?.kind === "undo";
  }

  /** The innermost group that a place is in; −1: none. */
  groupOf(place: number): number {
    let group = this.node(place).parent;
    while (group >= 0 && this.node(group).kind !== "group") group = this.node(group).parent;
    return group;
  }

  /** Which of two tasks stands first by definition: added members have places behind all others. */
  compare(a: number, b: number): number {
    const [pathA, pathB] = [this.#pathTo(a), this.#pathTo(b)];
    for (const [level, position] of pathA.entries()) {
      const difference = position - (pathB[level] ?? -1);
      if (difference !== 0) return difference;
    }
    return pathA.length - pathB.length;
  }

  #pathTo(place: number): number[] {
    const path: number[] = [];
    for (let at = place; at > 0; at = this.node(at).parent) path.push(this.positionOf(at));
    return path.toReversed();
  }

  /** Whether a place lies inside a node. */
  isIn(place: number, outer: number): boolean {
    let at = this.node(place).parent;
    while (at > outer) at = this.node(at).parent;
    return at === outer;
  }

  /** Puts a plan behind a group's members. Returns the place of its first node. */
  append(group: number, { nodes }: Plan): number {
    const offset = this.#nodes.length;
    for (const node of nodes) {
      const parent = node.parent < 0 ? group : node.parent + offset;
      const place = this.#nodes.push({ ...node, parent }) - 1;
      if (node.kind === "undo") continue;
      const siblings = this.#children.get(parent) ?? [];
      this.#children.set(parent, siblings);
      this.#positions.set(place, siblings.push(place) - 1);
    }
    return offset;
  }
}

function positionsIn(children: ReadonlyMap<number, readonly number[]>): Map<number, number> {
  const positions = new Map<number, number>();
  for (const own of children.values()) {
    for (const [position, place] of own.entries()) positions.set(place, position);
  }
  return positions;
}
