import type { TaskSpec } from "../wire.ts";
import type { Plan, PlanNode } from "./plan.ts";

/**
 * How a canvas is built, for readers: a task by its name, `undo` where one is declared. The places of its
 * members follow from it: they are counted through, each before its own members.
 */
export type CanvasTree =
  | string
  | { readonly task: string; readonly undo: string }
  | { readonly chain: readonly CanvasTree[] }
  /** `errors`: failed members don't fail it. */
  | { readonly group: readonly CanvasTree[]; readonly errors?: "collect" }
  /** A chain of a group and a body, and so are its places. */
  | {
      readonly chord: {
        readonly header: readonly CanvasTree[];
        readonly body: CanvasTree;
        readonly errors?: "collect";
      };
    }
  /** So many of a kind, one after the other. */
  | { readonly times: number; readonly of: CanvasTree }
  /** Members that were added to a running group, so many of a kind: their places count on from `from`. */
  | { readonly from: number; readonly times: number; readonly added: CanvasTree };

/** The tree of a plan's nodes. */
export function treeOf({ nodes }: Plan): CanvasTree {
  const children = childrenOf(nodes);
  /** `next`: the place of the first, unless that was added. */
  const membersAt = (places: readonly number[] = [], next: number): CanvasTree[] => {
    const runs = new Runs();
    for (const place of places) {
      const tree = at(place);
      if (place === next) {
        runs.add(tree);
        next += placesIn(tree);
      } else runs.addAdded(place, tree);
    }
    return runs.members;
  };
  const at = (place: number): CanvasTree => {
    const node = nodes[place];
    if (node === undefined) throw new Error(`The plan has no place ${place}.`);
    if (node.kind === "task" || node.kind === "undo") {
      const undo = nodes[place + 1];
      const { name } = node.call;
      return undo?.kind === "undo" ? { task: name, undo: undo.call.name } : name;
    }
    const own = children.get(place) ?? [];
    if (node.kind === "group") return { group: membersAt(own, place + 1), ...errorsOf(node) };
    if (node.is_chord !== true) return { chain: membersAt(own, place + 1) };
    const [header = 0, body = 0] = own;
    const errors = errorsOf(nodes[header]);
    const members = membersAt(children.get(header), header + 1);
    return { chord: { header: members, body: at(body), ...errors } };
  };
  return at(0);
}

function errorsOf(node: PlanNode | undefined): { errors?: "collect" } {
  return node?.kind === "group" && node.collects_errors === true ? { errors: "collect" } : {};
}

/** All places of an outline: tasks, chains, groups and undos. */
export function sizeOf(tree: CanvasTree): number {
  return count(tree, { task: 1, undo: 1, inner: 1, added: true });
}

/** The places that an outline takes up where it stands: those of added members are elsewhere. */
export function placesIn(tree: CanvasTree): number {
  return count(tree, { task: 1, undo: 1, inner: 1, added: false });
}

/** The tasks of an outline, undos left out. */
export function tasksOf(tree: CanvasTree): number {
  return count(tree, { task: 1, undo: 0, inner: 0, added: true });
}

/** What each kind of part counts. */
interface Weights {
  readonly task: number;
  readonly undo: number;
  readonly inner: number;
  readonly added: boolean;
}

function count(tree: CanvasTree, weights: Weights): number {
  const all = (members: readonly CanvasTree[]) =>
    members.reduce<number>((sum, member) => sum + count(member, weights), 0);
  const { task, undo, inner } = weights;
  if (typeof tree === "string") return task;
  if ("task" in tree) return task + undo;
  if ("added" in tree) return weights.added ? tree.times * count(tree.added, weights) : 0;
  if ("times" in tree) return tree.times * count(tree.of, weights);
  if ("chain" in tree) return inner + all(tree.chain);
  if ("group" in tree) return inner + all(tree.group);
  return 2 * inner + all(tree.chord.header) + count(tree.chord.body, weights);
}

/** Members, equal ones next to each other written as one. */
class Runs {
  readonly members: CanvasTree[] = [];
  #last = "";
  #times = 0;
  /** Of a run of added ones: the place behind it. */
  #next = 0;

  add(tree: CanvasTree): void {
    const isSame = this.#count(JSON.stringify(tree));
    this.#put(isSame, isSame ? { times: this.#times, of: tree } : tree);
  }

  addAdded(place: number, tree: CanvasTree): void {
    const text = JSON.stringify({ added: tree });
    const isSame = place === this.#next && this.#count(text);
    if (place !== this.#next) {
      this.#last = text;
      this.#times = 1;
    }
    this.#next = place + placesIn(tree);
    const from = this.#next - this.#times * placesIn(tree);
    this.#put(isSame, { from, times: this.#times, added: tree });
  }

  #count(text: string): boolean {
    const isSame = text === this.#last;
    this.#times = isSame ? this.#times + 1 : 1;
    this.#last = text;
    return isSame;
  }

  #put(isSame: boolean, member: CanvasTree): void {
    if (isSame) this.members[this.members.length - 1] = member;
    else this.members.push(member);
  }
}

/** Equal members of an outline that stand next to each other. */
export interface Run {
  readonly tree: CanvasTree;
  /** The place of the first. */
  readonly start: number;
  readonly times: number;
  /** From one to the next. */
  readonly size: number;
}

/**
 * The members of a part of an outline, with their places.
 * @param from the place of the first, unless that was added
 */
export function* runsOf(members: readonly CanvasTree[], from: number): Generator<Run> {
  let place = from;
  for (const member of members) {
    const isRun = typeof member === "object" && "times" in member;
    const tree = !isRun ? member : "added" in member ? member.added : member.of;
    const isAdded = isRun && "added" in member;
    const size = placesIn(tree);
    const times = isRun ? member.times : 1;
    yield { tree, start: isAdded ? member.from : place, times, size };
    if (!isAdded) place += times * size;
  }
}

/** The place of a chord's body. */
export function bodyPlaceOf(header: readonly CanvasTree[], chord: number): number {
  return chord + 2 + header.reduce<number>((sum, member) => sum + placesIn(member), 0);
}

/** The task that stands for a canvas: nobody claims it, and it ends with its members. */
export function canvasSpec(id: string, owner: string, plan: Plan, trace: string | null): TaskSpec {
  const [root] = plan.nodes;
  if (root === undefined || root.kind === "task" || root.kind === "undo") {
    throw new Error("A canvas begins with a chain or a group.");
  }
  const { link, link_error, options } = root;
  return {
    id,
    name: nameOfPlan(plan),
    queue: "",
    priority: 0,
    kwargs: "{}",
    owner,
    key: null,
    dueAt: null,
    expiresAt: null,
    options: {
      ...options,
      tree: treeOf(plan),
      ...(link !== undefined && { link }),
      ...(link_error !== undefined && { link_error }),
      ...(trace !== null && { trace }),
    },
    fingerprint: null,
    plan,
  };
}

/** What a plan is called by: its task, or Celery's name of its kind. */
export function nameOfPlan({ nodes: [root] }: Plan): string {
  if (root === undefined) return "";
  if (root.kind === "task" || root.kind === "undo") return root.call.name;
  return `celery.${root.is_chord === true ? "chord" : root.kind}`;
}

/** The places of every chain's and group's members, in their order. */
export function childrenOf(nodes: readonly PlanNode[]): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const [place, { kind, parent }] of nodes.entries()) {
    if (kind === "undo" || parent < 0) continue;
    const own = children.get(parent);
    if (own === undefined) children.set(parent, [place]);
    else own.push(place);
  }
  return children;
}
