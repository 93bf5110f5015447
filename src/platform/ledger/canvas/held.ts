import { isLargerThan, MAX_TREE_BYTES, sizeOf, treeOf, type Plan, type RunOptions } from "#engine";
import type { SqlPort } from "../ports.ts";
import { optionsOf, type Suspension, type TaskRow } from "../rows.ts";
import { consume } from "../schema.ts";

/** A task that waits for nothing but an event is due then: never. 9999-12-31. */
export const NEVER = 253_402_214_400_000;

/** The options of a task that becomes a canvas: both have their callbacks. */
export function heldOptions(options: RunOptions, plan: Plan, base: string): RunOptions {
  const [root] = plan.nodes;
  const { link = [], link_error: errbacks = [] } =
    root === undefined || root.kind === "task" || root.kind === "undo" ? {} : root;
  const links = [...(options.link ?? []), ...link];
  const linkErrors = [...(options.link_error ?? []), ...errbacks];
  return {
    ...options,
    ...(links.length > 0 && { link: links }),
    ...(linkErrors.length > 0 && { link_error: linkErrors }),
    base,
    tree: treeOf(plan),
  };
}

/**
 * The row of a canvas that ends: its outline with the members that were added to it.
 * @param isJoined its result is a list that stays with its members
 */
export function asEnded(row: TaskRow, plan: Plan, isJoined: boolean): TaskRow {
  const options = optionsOf(row);
  const size = options.tree === undefined ? plan.nodes.length : sizeOf(options.tree);
  if (plan.nodes.length === size && !isJoined) return row;
  const grown = treeOf(plan);
  // Members that are too many different ones are not shown.
  const tree = isLargerThan(JSON.stringify(grown), MAX_TREE_BYTES) ? options.tree : grown;
  const ended = { ...options, tree, ...(isJoined && { joined: true }) };
  return { ...row, options: JSON.stringify(ended) };
}

/** Parks a task that runs as the canvas that it becomes. Rows written: 2. Returns the row as it is then. */
export function holdTask(sql: SqlPort, task: TaskRow, token: number): TaskRow {
  const suspension: Suspension = { waiting: { reason: "members" }, events: [] };
  const held: TaskRow = {
    ...task,
    parked: 1,
    due_at: NEVER,
    expires_at: null,
    is_suspect: 0,
    suspension: JSON.stringify(suspension),
    token,
  };
  consume(
    sql.exec(
      `UPDATE tasks SET parked = 1, due_at = ?, expires_at = NULL, is_suspect = 0, suspension = ?,
         attempts = ?, options = ?, token = ? WHERE parked = ? AND id = ? AND token < ?`,
      held.due_at,
      held.suspension,
      held.attempts,
      held.options,
      token,
      task.parked,
      task.id,
      token,
    ),
  );
  return held;
}
