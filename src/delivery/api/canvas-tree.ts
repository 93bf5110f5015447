import { memberId, sizeOf, type CanvasTree, type Places } from "#engine";

/** One task of a canvas as its view shows it. */
export type TaskView = (place: number, taskId: string, name: string) => Record<string, unknown>;

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

  of(tree: CanvasTree, place: number): Record<string, unknown> {
    if (typeof tree === "string") return this.#task(tree, place);
    if ("task" in tree) {
      return { ...this.#task(tree.task, place), undo: this.#task(tree.undo, place + 1) };
    }
    if ("added" in tree) return this.of(tree.added, tree.from);
    if ("times" in tree) return this.of(tree.of, place);
    if ("chord" in tree) {
      const { header, body } = tree.chord;
      const group = this.#members(header, place + 2);
      const bodyPlace = place + 2 + sizeAll(header);
      return {
        type: "chord",
        header: group,
        header_size: countAll(header),
        ...(this.#isIn(bodyPlace, sizeOf(body)) && { body: this.of(body, bodyPlace) }),
      };
    }
    const type = "chain" in tree ? "chain" : "group";
    const members = "chain" in tree ? tree.chain : tree.group;
    return { type, members: this.#members(members, place + 1), size: countAll(members) };
  }

  #members(members: readonly CanvasTree[], from: number): unknown[] {
    const views: unknown[] = [];
    let place = from;
    for (const member of members) {
      const isAdded = typeof member === "object" && "added" in member;
      const isRun = typeof member === "object" && "times" in member;
      const one = isRun ? member.of : member;
      const size = sizeOf(one);
      const times = isRun ? member.times : 1;
      const start = isAdded ? member.from : place;
      // Of a run only those in the page are looked at.
      const first = Math.max(0, Math.floor((this.#page.from - start) / size));
      const last = Math.min(times, Math.ceil((this.#page.to - start) / size));
      for (let index = first; index < last; index += 1) {
        views.push(this.of(one, start + index * size));
      }
      if (!isAdded) place += size * times;
    }
    return views;
  }

  #isIn(place: number, size: number): boolean {
    return place < this.#page.to && place + size > this.#page.from;
  }

  #task(name: string, place: number): Record<string, unknown> {
    return this.#taskView(place, memberId(this.#base, place), name);
  }
}

/** Places of members; those that were added stand elsewhere. */
function sizeAll(members: readonly CanvasTree[]): number {
  return members.reduce<number>((sum, member) => {
    const isAdded = typeof member === "object" && "added" in member;
    return isAdded ? sum : sum + sizeOf(member);
  }, 0);
}

function countAll(members: readonly CanvasTree[]): number {
  return members.reduce<number>((sum, member) => {
    return sum + (typeof member === "object" && "times" in member ? member.times : 1);
  }, 0);
}
