import type { LargeResult, RunOptions, TaskSpec } from "../wire.ts";

/*
 * A canvas as it is stored: compiled once, when it is submitted, into a flat list of nodes. Plain JSON.
 * A chord is a chain of a group and what gets its results; so is a group that is followed by anything.
 */

/** A call whose turn comes later: all that its task is made of but the result it gets, and its times. */
export interface PlannedCall {
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  /** JSON text of the arguments that are known. */
  readonly kwargs: string;
  /** The parameter that gets the result before it; null: none. */
  readonly into: string | null;
  /** Absent: what its declaration says, once its arguments are known. */
  readonly key?: string | null;
  /** Milliseconds from its release, and epoch ms. */
  readonly countdown?: number;
  readonly eta?: number;
  readonly expires_in?: number;
  readonly expires_at?: number;
  readonly options: RunOptions;
}

/** What is started when a task or a canvas ended: its id, and what it is. */
export interface Callback {
  readonly id: string;
  readonly plan: Plan;
}

/** `parent`: the place of the node it is part of, −1 for the first. An `undo` belongs to the task before it. */
export type PlanNode = TaskNode | UndoNode | MembersNode;

interface TaskNode {
  readonly kind: "task";
  readonly parent: number;
  readonly call: PlannedCall;
}

interface UndoNode extends Omit<TaskNode, "kind"> {
  readonly kind: "undo";
}

/** A node with members. */
export interface MembersNode {
  readonly kind: "chain" | "group";
  readonly parent: number;
  readonly link?: readonly Callback[];
  readonly link_error?: readonly Callback[];
  /** Of a chain: a group and its body. */
  readonly is_chord?: true;
  /** Of the first node: what holds for the canvas as a whole. */
  readonly options?: Pick<RunOptions, "labels" | "ignore_result" | "result_expires">;
  /** Of a group: failed members don't fail it, their errors stand in the list of its results. */
  readonly collects_errors?: true;
}

/** What tells somebody outside of an end: it gets the id of what ended. `host`: what may be shown of whom. */
export interface EndCallback extends Callback {
  readonly host: string;
}

/** Nodes in the order of definition, each before its members; the first is the whole. */
export interface Plan {
  readonly nodes: readonly PlanNode[];
}

/** A result on its way: JSON text, or where it is kept. */
export type Value =
  | { readonly text: string }
  | { readonly large: LargeResult }
  /** Kept by the ledger: as the list of a group's results, or as what a task is to get. */
  | { readonly kept: KeptAt };

/** Where the ledger keeps a value: the canvas (or the task it is for), and the place in it. */
export interface KeptAt {
  readonly id: string;
  readonly place: number;
}

/** The canvas that a task belongs to. */
export interface CanvasRef {
  readonly id: string;
  readonly place: number;
  /** Present: the next link of a chain waits for its end. */
  readonly awaited?: true;
  /** Present: it is somewhere in a group. */
  readonly group?: true;
  /** How many tasks it is within that were replaced; absent: none. */
  readonly nesting?: number;
  /** Present: it undoes what another did, also where its canvas has been called off. */
  readonly undo?: true;
}

/** Arguments that are too large for a task's row: where its consumer finds them. */
export interface InputRef {
  /** The parameter. */
  readonly into: string;
  readonly from: Exclude<Value, { text: string }>;
}

/** A list that was put together: its JSON text, and what of it is kept among the large results, by its path. */
export interface Collected {
  readonly text: string;
  readonly large: readonly { readonly path: readonly number[]; readonly key: string }[];
  /** Present: it has more than MAX_LARGE_RESULT_BYTES, and `text` is none of it. */
  readonly isTooLarge?: true;
}

/**
 * The id of a member: the canvas's own, counted up by the member's place. So ids sort in the order of
 * definition, need not be stored, and none is met twice.
 * @param base the canvas's id
 * @param place from 1 on: 0 is the canvas itself
 */
export function memberId(base: string, place: number): string {
  const tail = (Number.parseInt(base.slice(24), 16) + place) % 2 ** 48;
  return base.slice(0, 24) + tail.toString(16).padStart(12, "0");
}

/** The place of a member by its id. */
export function placeOf(base: string, id: string): number {
  const tail = (text: string) => Number.parseInt(text.slice(24), 16);
  return (tail(id) - tail(base) + 2 ** 48) % 2 ** 48;
}

/** What the ledger gives a call whose turn has come. */
export interface Release {
  readonly id: string;
  readonly owner: string;
  readonly now: number;
  /** The result before it; null: it is the first. */
  readonly input: Value | null;
  /** The key that a declaration gives a call; null: none. */
  readonly keyOf: (name: string, kwargs: string) => string | null;
  readonly canvas?: CanvasRef;
  /** The trace that it belongs to; null: it begins one. */
  readonly trace: string | null;
}

/** The task that a planned call becomes when its turn has come. */
export function release(
  call: PlannedCall,
  { id, owner, now, input, keyOf, canvas, trace }: Release,
): TaskSpec {
  const { into } = call;
  const isInline = into !== null && input !== null && "text" in input;
  const kwargs = isInline ? withArgument(call.kwargs, into, input.text) : call.kwargs;
  const reference: InputRef | null =
    into === null || input === null || "text" in input ? null : { into, from: input };
  const key = call.key === undefined && reference === null ? keyOf(call.name, kwargs) : call.key;
  const due = call.eta ?? now + (call.countdown ?? 0);
  return {
    id,
    name: call.name,
    queue: call.queue,
    priority: call.priority,
    kwargs,
    owner,
    key: key ?? null,
    dueAt: due > now ? due : null,
    expiresAt: call.expires_at ?? (call.expires_in === undefined ? null : now + call.expires_in),
    options: {
      ...call.options,
      ...(canvas !== undefined && { canvas }),
      ...(reference !== null && { input: reference }),
      ...(trace !== null && { trace }),
    },
    fingerprint: null,
  };
}

/** JSON text of an object, and one more member at its front. */
export function withArgument(kwargs: string, name: string, value: string): string {
  const rest = kwargs.slice(1);
  return `{${JSON.stringify(name)}:${value}${rest === "}" ? "" : ","}${rest}`;
}
