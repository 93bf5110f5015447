import * as z from "zod";
import {
  isTerminal,
  redacted,
  sizeOf,
  tasksOf,
  type CanvasMembers,
  type CanvasTree,
  type Places,
  type TaskRecord,
} from "#engine";
import { anyJson, isoTimeOrNull, taskError } from "../http/answers.ts";
import { TreeView } from "./canvas-tree.ts";
import { elsewhereFields, taskState, toldAnswer } from "../tasks/task-answers.ts";
import { elsewhere, iso, resultOf, toldView } from "../tasks/task-views.ts";

/** Characters of a member's result that its canvas shows; larger ones have an address. */
const MAX_SHOWN_RESULT = 16_384;

const nodeState = z.string().nullable().describe("Null: some of it lies outside of the page.");

/** A task in the tree of a canvas. */
const memberAnswer = z
  .strictObject({
    type: z.literal("task"),
    task: z.string(),
    task_id: z.string(),
    state: taskState,
    kwargs: anyJson.optional(),
    result: anyJson.optional(),
    ...elsewhereFields,
    error: taskError.nullable().optional(),
    retries: z.int().optional(),
    canvas_url: z.string().optional().describe("It was replaced with a canvas: there it is."),
    finished_at: isoTimeOrNull.optional(),
    get undo(): z.ZodOptional<z.ZodType> {
      return memberAnswer.optional().describe("What undoes it, if the canvas fails later.");
    },
  })
  .meta({ id: "CanvasMember" });

/** A part of a canvas, as far as it lies in the page. */
const nodeAnswer: z.ZodType = z
  .union([
    memberAnswer,
    z.strictObject({
      type: z.enum(["chain", "group"]),
      state: nodeState,
      get members() {
        return z.array(nodeAnswer);
      },
      size: z.int(),
    }),
    z.strictObject({
      type: z.literal("chord"),
      state: nodeState,
      get header() {
        return z.array(nodeAnswer);
      },
      header_size: z.int(),
      get body() {
        return nodeAnswer.optional();
      },
    }),
  ])
  .meta({ id: "CanvasNode" });

export const canvasAnswer = z
  .strictObject({
    canvas_id: z.string(),
    name: z.string(),
    state: taskState,
    result: anyJson,
    ...elsewhereFields,
    error: taskError.nullable(),
    counts: z
      .object({ total: z.int(), done: z.int(), not_started: z.int() })
      .catchall(z.int())
      .describe("Tasks: all, ended, not there yet, and those in each state."),
    labels: z.record(z.string(), z.string()).readonly(),
    callback: toldAnswer.optional(),
    tree: nodeAnswer,
    next: z.int().nullable().describe("The `from` of the next page; null: this is the last."),
    submitted_at: isoTimeOrNull,
    expires: isoTimeOrNull,
    finished_at: isoTimeOrNull,
  })
  .meta({ id: "Canvas" });

/** The places of a canvas: its own is the task that stands for it, unless that was replaced. */
export function placesOf({ id, options: { base } }: TaskRecord, tree: CanvasTree): Places {
  return { from: base === undefined || base === id ? 1 : 0, to: Math.max(1, sizeOf(tree)) };
}

/** A canvas: its state, counts and result, and the part of its tree that lies in a page. */
export function canvasView(
  task: TaskRecord,
  tree: CanvasTree,
  { tasks, states, to }: CanvasMembers,
  from: number,
  now: number,
): z.output<typeof canvasAnswer> {
  const { error, options } = task;
  const { callback } = options;
  const total = tasksOf(tree);
  const places = placesOf(task, tree);
  const seen = Object.values(states).reduce((sum, many) => sum + many, 0);
  const done = Object.entries(states).reduce(
    (sum, [state, many]) => (isTerminal(state as TaskRecord["state"]) ? sum + many : sum),
    0,
  );
  const view = new TreeView(task.options.base ?? task.id, { from, to }, (place, taskId, name) =>
    memberView(tasks.get(place), taskId, name, now),
  );
  return {
    canvas_id: task.id,
    name: task.name,
    state: task.state,
    result: resultOf(task, now),
    ...elsewhere(task, now),
    error: error && { exc_type: error.exc_type, exc_message: error.exc_message },
    counts: { total, done, not_started: Math.max(0, total - seen), ...states },
    labels: task.options.labels ?? {},
    ...(callback && { callback: toldView(callback) }),
    // How it ended as a whole is known also where a page shows a part of it, or all members were revoked by themselves.
    tree: { ...view.of(tree, 0), ...(isTerminal(task.state) && { state: task.state }) },
    next: to < places.to ? to : null,
    submitted_at: iso(task.submittedAt),
    expires: iso(task.expiresAt),
    finished_at: iso(task.finishedAt),
  };
}

/** A call alone (a map is one) is a canvas of one task: itself. */
export function aloneView(task: TaskRecord, { from, to }: Places, now: number) {
  const members = { tasks: new Map([[0, task]]), states: { [task.state]: 1 }, to };
  return canvasView(task, task.name, members, from, now);
}

/** A task of a canvas; one that has not been there yet is PENDING. */
function memberView(task: TaskRecord | undefined, taskId: string, name: string, now: number) {
  if (task === undefined) return { type: "task", task: name, task_id: taskId, state: "PENDING" };
  const { error, result } = task;
  const isShown = result === null || result.length <= MAX_SHOWN_RESULT;
  return {
    type: "task",
    task: name,
    task_id: taskId,
    state: task.reported?.state ?? task.state,
    kwargs: redacted(task.kwargs),
    result: isShown ? resultOf(task, now) : null,
    ...(isShown ? elsewhere(task, now) : { result_url: `/api/tasks/${taskId}/result/` }),
    error: error && { exc_type: error.exc_type, exc_message: error.exc_message },
    retries: task.retries,
    ...(task.options.tree !== undefined && { canvas_url: `/api/canvas/${taskId}/` }),
    finished_at: iso(task.finishedAt),
  };
}
