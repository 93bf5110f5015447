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
  | { readonly group: readonly CanvasTree[] }
  /** A chain of a group and a body, and so are its places. */
  | { readonly chord: { readonly header: readonly CanvasTree[]; readonly body: CanvasTree } }
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
    if (node.is_chord !== true) return { [node.kind]: membersAt(own) } as unknown as CanvasTree;
    const [header = 0, body = 0] = own;
    return { chord: { header: membersAt(children.get(header)), body: at(body) } };
  };
  return at(0);
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
  const { link, link_error } = root;
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
