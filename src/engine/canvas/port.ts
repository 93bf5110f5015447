import type { ErrorInfo } from "../errors.ts";
import type { TerminalState } from "../states.ts";
import type { Callback, CanvasRef, PlannedCall, Value } from "./plan.ts";

/** How a node ended without a result. */
export interface Failed {
  readonly state: Exclude<TerminalState, "SUCCESS">;
  readonly error: ErrorInfo;
  /** The task whose end it was. */
  readonly taskId: string;
}

/** How a task, a chain or a group of a canvas ended. */
export type NodeEnd = { readonly value: Value } | Failed;

/** What is known of a group's members that have ended. */
export interface GroupCount {
  readonly done: number;
  readonly failed: number;
}

/** A failed chain on its way back: the undos to run, in this order, and what it will have failed with. */
export interface Undoing {
  readonly places: readonly number[];
  readonly end: Failed;
}

/** What a canvas has to remember besides its plan. */
export interface CanvasMemory {
  readonly groups: Map<number, GroupCount>;
  /** Finished tasks that can be undone, and were not. */
  readonly undoable: Set<number>;
  readonly undoing: Map<number, Undoing>;
}

/** What an advance of a canvas does, all of it in the transaction of the end that caused it. */
export interface CanvasPort {
  /** A task's turn has come. `input` null: there is no result before it. */
  start(place: number, call: PlannedCall, input: Value | null, ref: CanvasRef): void;
  /** A result that all members of a group are to get. */
  share(group: number, members: number, value: Value): Value;
  /** A task's turn will never come. */
  drop(place: number, call: PlannedCall, end: Failed): void;
  /** A member of a group has ended. */
  keepMember(group: number, position: number, end: NodeEnd): void;
  /** The results (or errors) of a group's members, in their order. */
  collect(group: number): Value;
  /** The first of a group's failed members, in their order. */
  firstFailed(group: number): Failed;
  /** What a task will get if its turn comes. */
  keepInput(place: number, value: Value): void;
  keptInput(place: number): Value;
  keepUndoing(chain: number, undoing: Undoing): void;
  call(callbacks: readonly Callback[], input: Value): void;
  finish(end: NodeEnd): void;
}
