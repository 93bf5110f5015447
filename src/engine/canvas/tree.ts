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
  /** A member that was added to a running group: its places count on from `from`. */
  | { readonly from: number; readonly added: CanvasTree };

/**
 * The tree of a plan's nodes.
 * @param size nodes that it had when it began; those behind them were added
 */
export function treeOf({ nodes }: Plan, size: number = nodes.length): CanvasTree {
  const children = childrenOf(nodes);
  const membersAt = (places: readonly number[] = []): CanvasTree[] =>
    runsOf(
      places.map((place) => {
        const isAdded = place >= size && (nodes[place]?.parent ?? 0) < size;
        return isAdded ? { from: place, added: at(place) } : at(place);
      }),
    );
  const at = (place: number): CanvasTree => {
    const node = nodes[place];
    if (node === undefined) throw new Error(`The plan has no place ${place}.`);
    if (node.kind === "task" || node.kind === "undo") {
      const undo = nodes[place + 1];
      const { name } = node.call;
      return undo?.kind === "undo" ? { task: name, undo: undo.call.name } : name;
    }
    const own = children.get(place) ?? [];
    if (node.kind === "group") return { group: membersAt(own), ...errorsOf(node) };
    if (node.is_chord !== true) return { chain: membersAt(own) };
    const [header = 0, body = 0] = own;
    const errors = errorsOf(nodes[header]);
    return { chord: { header: membersAt(children.get(header)), body: at(body), ...errors } };
  };
  return at(0);
}

function errorsOf(node: PlanNode | undefined): { errors?: "collect" } {
  return node?.kind === "group" && node.collects_errors === true ? { errors: "collect" } : {};
}

/** The places of an outline: tasks, chains, groups and undos. Added members count where they stand. */
export function sizeOf(tree: CanvasTree): number {
  if (typeof tree === "string") return 1;
  if ("task" in tree) return 2;
  if ("times" in tree) return tree.times * sizeOf(tree.of);
  if ("added" in tree) return sizeOf(tree.added);
  if ("chord" in tree) return 2 + sumOf(tree.chord.header) + sizeOf(tree.chord.body);
  return 1 + sumOf("chain" in tree ? tree.chain : tree.group);
}

/** The tasks of an outline, undos left out. */
export function tasksOf(tree: CanvasTree): number {
  if (typeof tree === "string" || "task" in tree) return 1;
  if ("times" in tree) return tree.times * tasksOf(tree.of);
  if ("added" in tree) return tasksOf(tree.added);
  const members =
    "chord" in tree
      ? [...tree.chord.header, tree.chord.body]
      : "chain" in tree
        ? tree.chain
        : tree.group;
  return members.reduce((sum, member) => sum + tasksOf(member), 0);
}

function sumOf(members: readonly CanvasTree[]): number {
  return members.reduce((sum, member) => sum + sizeOf(member), 0);
}

/** Equal members next to each other written as one. */
function runsOf(members: readonly CanvasTree[]): CanvasTree[] {
  const runs: CanvasTree[] = [];
  let last = "";
  let times = 0;
  for (const member of members) {
    const text = JSON.stringify(member);
    const isSame = text === last;
    times = isSame ? times + 1 : 1;
    last = text;
    if (isSame) runs[runs.length - 1] = { times, of: member };
    else runs.push(member);
  }
  return runs;
}

/** The task that stands for a canvas: nobody claims it, and it ends with its members. */
export function canvasSpec(id: string, owner: string, plan: Plan): TaskSpec {
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
