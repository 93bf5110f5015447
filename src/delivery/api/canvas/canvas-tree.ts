import { bodyPlaceOf, memberId, placesIn, runsOf, type CanvasTree, type Places } from "#engine";

/** One part of a canvas as its view shows it. `state` null: some of it lies outside of the page. */
export interface NodeView extends Record<string, unknown> {
  readonly state: string | null;
}
type TaskView = (place: number, taskId: string, name: string) => NodeView;

/**
 * The part of an outline that lies in a page, with what stands around it. Members that it leaves out are
 * counted only.
 */
export class TreeView {
  readonly #base: string;
  readonly #page: Places;
  readonly #taskView: TaskView;

  constructor(base: string, page: Places, taskView: TaskView) {
    this.#base = base;
    this.#page = page;
    this.#taskView = taskView;
  }

  of(tree: CanvasTree, place: number): NodeView {
    if (typeof tree === "string") return this.#task(tree, place);
    if ("task" in tree) {
      return { ...this.#task(tree.task, place), undo: this.#task(tree.undo, place + 1) };
    }
    if ("added" in tree || "times" in tree) throw new Error("A run stands among members.");
    if ("chord" in tree) {
      const { header, body } = tree.chord;
      const group = this.#members(header, place + 2);
      const bodyPlace = bodyPlaceOf(header, place);
      const after = this.#isIn(bodyPlace, placesIn(body)) ? this.of(body, bodyPlace) : null;
      const kind = tree.chord.errors === "collect" ? "collecting" : "group";
      const before = { state: stateOf(group, countAll(header), kind) };
      return {
        type: "chord",
        state: after === null ? null : stateOf([before, after], 2, "chain"),
        header: group,
        header_size: countAll(header),
        ...(after !== null && { body: after }),
      };
    }
    const type = "chain" in tree ? "chain" : "group";
    const members = "chain" in tree ? tree.chain : tree.group;
    const size = countAll(members);
    const views = this.#members(members, place + 1);
    const collects = "errors" in tree && tree.errors === "collect";
    const state = stateOf(views, size, collects ? "collecting" : type);
    return { type, state, members: views, size };
  }

  #members(members: readonly CanvasTree[], from: number): NodeView[] {
    const views: NodeView[] = [];
    for (const { tree, start, times, size } of runsOf(members, from)) {
      // Of a run only those in the page are looked at.
      const first = Math.max(0, Math.floor((this.#page.from - start) / size));
      const last = Math.min(times, Math.ceil((this.#page.to - start) / size));
      for (let index = first; index < last; index += 1) {
        views.push(this.of(tree, start + index * size));
      }
    }
    return views;
  }

  #isIn(place: number, size: number): boolean {
    return place < this.#page.to && place + size > this.#page.from;
  }

  #task(name: string, place: number): NodeView {
    return this.#taskView(place, memberId(this.#base, place), name);
  }
}

/** The state of what has such members; null where not all of them are there to tell. */
function stateOf(
  members: readonly NodeView[],
  size: number,
  kind: "chain" | "group" | "collecting",
): string | null {
  const states = members.map(({ state }) => state);
  if (states.length < size || states.includes(null)) return null;
  const open = states.filter((state) => !isEnded(state));
  if (open.length > 0) return open.length === size && allPending(open) ? "PENDING" : "STARTED";
  // As it ended itself: a chain with its last link, a body with what its header failed with.
  if (kind === "chain") return states.find((state) => state !== "SUCCESS") ?? "SUCCESS";
  const hasFailed = kind === "group" && states.some((state) => state !== "SUCCESS");
  if (!hasFailed) return "SUCCESS";
  return states.every((state) => state === "REVOKED") ? "REVOKED" : "FAILURE";
}

function isEnded(state: string | null): boolean {
  return ["SUCCESS", "FAILURE", "REVOKED", "IGNORED"].includes(state ?? "");
}

function allPending(states: readonly (string | null)[]): boolean {
  return states.every((state) => state === "PENDING");
}

function countAll(members: readonly CanvasTree[]): number {
  return members.reduce<number>((sum, member) => {
    return sum + (typeof member === "object" && "times" in member ? member.times : 1);
  }, 0);
}
