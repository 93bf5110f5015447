import type { ErrorInfo } from "../errors.ts";
import { memberId, type CanvasRef, type MembersNode, type Plan, type Value } from "./plan.ts";
import type { CanvasMemory, CanvasPort, Failed, NodeEnd, Undoing } from "./port.ts";
import { PlanShape } from "./shape.ts";

/**
 * One canvas that runs. Told of every end of a task, it says what follows: which tasks' turn has come, which
 * can never come, and how the whole ended. Needs no record of where it is: a chain goes on after the link
 * that ended, so only a group counts its members, and only undos are written down.
 */
export class CanvasRun {
  readonly #id: string;
  readonly #base: string;
  readonly #nesting: number;
  readonly #isUndo: boolean;
  readonly #shape: PlanShape;
  readonly #memory: CanvasMemory;
  /** Of the transaction that is under way. */
  #port: CanvasPort | null = null;
  /** Why nothing new is to start; null: it goes on. */
  #stop: ErrorInfo | null;
  /** What is left to do: chains of thousands of empty groups must not fill the call stack. */
  #work: (() => void)[] = [];

  constructor(parts: {
    id: string;
    /** What its members' ids count up from. */
    base: string;
    /** Replaced tasks around its members. */
    nesting: number;
    /** It is what an undo was replaced with: so its members are. */
    isUndo: boolean;
    plan: Plan;
    memory: CanvasMemory;
    stop: ErrorInfo | null;
  }) {
    this.#id = parts.id;
    this.#base = parts.base;
    this.#nesting = parts.nesting;
    this.#isUndo = parts.isUndo;
    this.#shape = new PlanShape(parts.plan);
    this.#memory = parts.memory;
    this.#stop = parts.stop;
  }

  get shape(): PlanShape {
    return this.#shape;
  }

  begin(port: CanvasPort, input: Value | null): void {
    this.#do(port, () => {
      this.#start(0, input);
    });
  }

  /** From now on nothing new starts, but undos. */
  stop(error: ErrorInfo): void {
    this.#stop ??= error;
  }

  /** A task of it ended: `place` is its own, or its undo's. */
  taskEnded(port: CanvasPort, place: number, end: NodeEnd): void {
    this.#do(port, () => {
      const node = this.#shape.node(place);
      if (node.kind === "undo") this.#undone(place);
      else this.#ended(place, end);
    });
  }

  /**
   * Members for the group that a task is in (the innermost).
   * @returns false: it is in none
   */
  grow(port: CanvasPort, place: number, plans: readonly Plan[]): boolean {
    const group = this.#shape.groupOf(place);
    if (group < 0) return false;
    for (const plan of plans) {
      const added = this.#shape.append(group, plan);
      this.#do(port, () => {
        this.#startGrown(added);
      });
    }
    return true;
  }

  #do(port: CanvasPort, first: () => void): void {
    this.#port = port;
    this.#work = [first];
    for (let next = this.#work.pop(); next !== undefined; next = this.#work.pop()) next();
    this.#port = null;
  }

  #start(place: number, input: Value | null): void {
    const node = this.#shape.node(place);
    if (node.kind === "task" || node.kind === "undo") {
      this.#at.start(place, node.call, input, this.#refTo(place));
      return;
    }
    const members = this.#shape.childrenOf(place);
    const [first] = members;
    if (first === undefined) {
      const value = node.kind === "group" ? { text: "[]" } : (input ?? { text: "null" });
      this.#ended(place, { value });
    } else if (node.kind === "chain") {
      this.#start(first, input);
    } else {
      const shared = input && this.#at.share(place, members.length, input);
      // Last in, first out: so they start in their order.
      for (const member of members.toReversed()) {
        this.#work.push(() => {
          this.#start(member, shared);
        });
      }
    }
  }

  #startGrown(place: number): void {
    if (this.#stop === null) {
      this.#start(place, null);
      return;
    }
    const end = { state: "REVOKED", error: this.#stop, taskId: this.#id } as const;
    this.#drop(place, end);
    this.#ended(place, end);
  }

  #ended(place: number, end: NodeEnd): void {
    const node = this.#shape.node(place);
    if (node.kind === "task") this.#noteUndoable(place, end);
    else if (place > 0 && node.kind !== "undo") this.#callBack(node, end);
    if (place === 0) {
      this.#at.finish(end);
      return;
    }
    const { parent } = node;
    if (this.#shape.node(parent).kind === "group") this.#memberEnded(parent, place, end);
    else this.#linkEnded(parent, place, end);
  }

  #linkEnded(chain: number, link: number, end: NodeEnd): void {
    const links = this.#shape.childrenOf(chain);
    const next = links[this.#shape.positionOf(link) + 1];
    if (!("value" in end)) this.#chainFailed(chain, link, end);
    else if (next === undefined)
      this.#work.push(() => {
        this.#ended(chain, end);
      });
    else if (this.#stop === null)
      this.#work.push(() => {
        this.#start(next, end.value);
      });
    else {
      const taskId = memberId(this.#base, link);
      this.#chainFailed(chain, link, { state: "REVOKED", error: this.#stop, taskId });
    }
  }

  #memberEnded(group: number, member: number, end: NodeEnd): void {
    const { done, failed } = this.#memory.groups.get(group) ?? { done: 0, failed: 0 };
    const count = { done: done + 1, failed: failed + ("value" in end ? 0 : 1) };
    this.#memory.groups.set(group, count);
    const members = this.#shape.childrenOf(group);
    this.#at.keepMember(group, this.#shape.positionOf(member), end);
    if (count.done < members.length) return;
    const node = this.#shape.node(group);
    const collects = node.kind === "group" && node.collects_errors === true;
    const whole: NodeEnd =
      count.failed === 0 || (collects && this.#stop === null)
        ? { value: this.#at.collect(group) }
        : this.#groupFailed(group, count.failed, members.length);
    this.#work.push(() => {
      this.#ended(group, whole);
    });
  }

  #groupFailed(group: number, failed: number, size: number): Failed {
    const { taskId, error } = this.#at.firstFailed(group);
    if (this.#stop !== null) return { state: "REVOKED", taskId, error: this.#stop };
    const which = `Dependency ${taskId} raised ${error.exc_type}: ${error.exc_message}`;
    const message = failed === 1 ? which : `${which} (${failed} of ${size} members failed)`;
    return { state: "FAILURE", taskId, error: chordError(message) };
  }

  /** What comes after the link that failed never runs; what was done before it is undone. */
  #chainFailed(chain: number, link: number, end: Failed): void {
    const links = this.#shape.childrenOf(chain);
    const after = this.#shape.positionOf(link) + 1;
    const isChord = this.#shape.node(link).kind === "group" && end.state === "FAILURE";
    for (const [index, place] of links.slice(after).entries()) {
      this.#drop(place, index === 0 && isChord ? end : dropped(end));
    }
    const places = [...this.#memory.undoable]
      .filter((place) => this.#shape.isIn(place, chain))
      .sort((a, b) => this.#shape.compare(b, a));
    for (const place of places) this.#memory.undoable.delete(place);
    if (places.length === 0) {
      this.#work.push(() => {
        this.#ended(chain, end);
      });
      return;
    }
    const undoing = { places, end };
    this.#memory.undoing.set(chain, undoing);
    this.#at.keepUndoing(chain, undoing);
    this.#undoNext(chain, undoing, 0);
  }

  #undoNext(chain: number, { places, end }: Undoing, index: number): void {
    const place = places[index];
    if (place === undefined) {
      this.#work.push(() => {
        this.#ended(chain, end);
      });
      return;
    }
    this.#start(place + 1, this.#at.keptInput(place + 1));
  }

  /** However it ended: a failed undo is a dead letter, and must not keep the others from being run. */
  #undone(undo: number): void {
    for (const [chain, undoing] of this.#memory.undoing) {
      const index = undoing.places.indexOf(undo - 1);
      if (index >= 0) this.#undoNext(chain, undoing, index + 1);
    }
  }

  /** All tasks of a node whose turn will not come. Its own errbacks are called if it failed, as in Celery. */
  #drop(place: number, end: Failed): void {
    const node = this.#shape.node(place);
    if (node.kind === "undo") return;
    if (node.kind === "task") {
      this.#at.drop(place, node.call, end);
      return;
    }
    this.#callBack(node, end);
    for (const member of this.#shape.childrenOf(place)) this.#drop(member, dropped(end));
  }

  #callBack(node: MembersNode, end: NodeEnd): void {
    if ("value" in end) {
      const isOpen = node.link !== undefined && this.#stop === null;
      if (isOpen) this.#at.call(node.link, end.value);
    } else if (end.state === "FAILURE" && node.link_error !== undefined) {
      this.#at.call(node.link_error, { text: JSON.stringify(end.taskId) });
    }
  }

  #noteUndoable(place: number, end: NodeEnd): void {
    if (!("value" in end) || !this.#shape.hasUndo(place)) return;
    this.#memory.undoable.add(place);
    this.#at.keepInput(place + 1, end.value);
  }

  get #at(): CanvasPort {
    if (this.#port === null) throw new Error("The canvas is at rest.");
    return this.#port;
  }

  #refTo(place: number): CanvasRef {
    const { kind, parent } = this.#shape.node(place);
    const isLink = kind === "task" && parent >= 0 && this.#shape.node(parent).kind === "chain";
    const isAwaited = isLink && place !== this.#shape.childrenOf(parent).at(-1);
    const isInGroup = kind === "task" && this.#shape.groupOf(place) >= 0;
    return {
      id: this.#id,
      place,
      ...(isAwaited && { awaited: true }),
      ...(isInGroup && { group: true }),
      ...((kind === "undo" || this.#isUndo) && { undo: true }),
      ...(this.#nesting > 0 && { nesting: this.#nesting }),
    };
  }
}

function chordError(message: string): ErrorInfo {
  return { exc_type: "ChordError", exc_message: message, traceback: null };
}

/** What is said of tasks that never run because of another's end. */
function dropped({ taskId, state, error }: Failed): Failed {
  const why = state === "IGNORED" ? "was ignored" : `ended with ${error.exc_type}`;
  const message = `never ran: ${taskId} before it ${why}`;
  const info = { exc_type: "TaskRevokedError", exc_message: message, traceback: null };
  return { state: "REVOKED", taskId, error: info };
}
