import { InvalidOptionError } from "../errors.ts";
import { isLargerThan } from "../json.ts";
import type { Plan } from "./plan.ts";
import type { CanvasTree } from "./tree.ts";

/** Tasks, chains, groups and undos of one canvas; groups and chains within each other. */
export const MAX_CANVAS_NODES = 20_000;
const MAX_CANVAS_DEPTH = 20;
/** JSON text of the plan of one canvas. */
export const MAX_CANVAS_BYTES = 8 * 1_024 * 1_024;
/** JSON text of its outline, equal members next to each other written as one. */
export const MAX_TREE_BYTES = 256 * 1_024;

/** What one canvas may still grow by. Asked before anything is put together: a short signature may stand for much. */
export class CanvasBudget {
  #nodes = 0;
  #length = 0;

  /** One more of its parts. @throws InvalidOptionError */
  count(): void {
    this.#nodes += 1;
    if (this.#nodes <= MAX_CANVAS_NODES) return;
    const message = `are more than ${MAX_CANVAS_NODES}, chains, groups and undos included.`;
    throw new InvalidOptionError("tasks", message);
  }

  /** So many characters more. @throws InvalidOptionError */
  grow(length: number): void {
    this.#length += length;
    if (this.#length <= MAX_CANVAS_BYTES) return;
    throw new InvalidOptionError("tasks", `may have ${MAX_CANVAS_BYTES} bytes of JSON.`);
  }
}

/** @throws InvalidOptionError */
export function checkDepth(depth: number): void {
  if (depth <= MAX_CANVAS_DEPTH) return;
  throw new InvalidOptionError("tasks", `are nested more than ${MAX_CANVAS_DEPTH} deep.`);
}

/** Whether a canvas fits into what keeps it. @throws InvalidOptionError */
export function checkSize(plan: Plan, tree: CanvasTree | undefined): void {
  if (isLargerThan(JSON.stringify(plan), MAX_CANVAS_BYTES)) {
    throw new InvalidOptionError("tasks", `may have ${MAX_CANVAS_BYTES} bytes of JSON.`);
  }
  if (isLargerThan(JSON.stringify(tree), MAX_TREE_BYTES)) {
    throw new InvalidOptionError("tasks", "are too many different ones for one canvas.");
  }
}
