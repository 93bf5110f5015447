import * as z from "zod";
import { STATES } from "#engine";
import { anyJson, isoTime, isoTimeOrNull, taskError, taskId } from "../http/answers.ts";

/** A task's state: one of Celery's, or one that its handler gave it (`PROGRESS`). */
export const taskState = z
  .string()
  .describe(`${STATES.join(", ")}; or one that the running task gave itself, as PROGRESS.`);

/** Where a result is that is not in the answer. */
export const elsewhereFields = {
  result_expired: z.boolean().optional().describe("The result is not kept any longer."),
  result_size: z.int().optional().describe("Of a large result, bytes."),
  result_url: z.string().optional().describe("Where a large result is to be had."),
};

export const statusAnswer = z
  .strictObject({ task_id: taskId, status: taskState, result: anyJson, ...elsewhereFields })
  .meta({ id: "TaskStatus" });

/** Whom a task's end is told. */
export const toldAnswer = z.strictObject({ host: z.string(), task_id: taskId });

const linked = z.array(z.strictObject({ task: z.string(), task_id: taskId }));

const optionsAnswer = z
  .strictObject({
    max_retries: z.int().nullable().optional(),
    soft_time_limit: z.number().optional(),
    time_limit: z.number().optional(),
    ignore_result: z.boolean().optional(),
    key: z.string().optional(),
    result_expires: z.number().optional(),
    slot: z.string().optional().describe("The slot of the schedule that called it."),
    labels: z.record(z.string(), z.string()).readonly().optional(),
    replay_of: z.string().optional().describe("The dead letter that it replays."),
    link: linked.optional(),
    link_error: linked.optional(),
    callback: toldAnswer.optional(),
    canvas_id: z.string().optional().describe("The canvas that it is a member of."),
  })
  .meta({ id: "TaskOptions" });

const failure = z.strictObject({
  exc_type: z.string(),
  exc_message: z.string(),
  traceback: z.string().nullable().optional().describe("For those who operate the deployment."),
});

const logLine = z.strictObject({
  at: isoTimeOrNull,
  level: z.string(),
  message: z.string(),
  fields: anyJson.optional(),
});

const attemptAnswer = z
  .strictObject({
    attempt: z.int().min(1),
    started_at: isoTimeOrNull,
    finished_at: isoTimeOrNull,
    outcome: z
      .enum(["success", "retry", "failure", "lost", "revoked", "suspended", "ignored"])
      .nullable()
      .describe("Null: it runs."),
    error: failure.nullable(),
    logs: z.array(logLine).optional(),
  })
  .meta({ id: "TaskAttempt" });

export const stepAnswer = z
  .strictObject({
    kind: z.string(),
    name: z.string(),
    state: z.string(),
    tries: z.int(),
    until: isoTimeOrNull,
    error: taskError.nullable(),
    started_at: isoTimeOrNull,
    finished_at: isoTimeOrNull,
  })
  .meta({ id: "TaskStep" });

/** Why a task has not started; which fields there are, its reason says. */
export const waitingAnswer = z
  .strictObject({
    reason: z.enum([
      ...(["sleep", "step_retry", "event", "members", "eta", "paused", "shutdown"] as const),
      ...(["history_behind", "rate_limit", "concurrency", "suspect", "backlog"] as const),
    ]),
    name: z.string().optional(),
    until: isoTimeOrNull.optional(),
    queue: z.string().optional(),
    key: z.string().nullable().optional(),
    limit: z.number().optional(),
    holders: z
      .union([z.array(z.string()).readonly(), z.int()])
      .optional()
      .describe("Who runs; how many do, for those who don't operate the deployment."),
    ahead: z.int().optional(),
  })
  .meta({ id: "TaskWaiting" });

/** Everything known about a task. */
export const taskAnswer = z
  .strictObject({
    task_id: taskId,
    name: z.string(),
    state: taskState,
    queue: z.string(),
    priority: z.int().min(0).max(9),
    args: z.array(anyJson).describe("Empty: arguments are kept by name."),
    kwargs: anyJson.describe("The arguments by name; secret ones read `[secret]`."),
    options: optionsAnswer,
    result: anyJson.describe("Null: none yet, or elsewhere."),
    ...elsewhereFields,
    meta: anyJson.describe("Of a state that the task gave itself."),
    error: taskError.nullable(),
    traceback: z.string().nullable().describe("Null for those who don't operate the deployment."),
    retries: z.int().min(0),
    attempts: z.array(attemptAnswer),
    steps: z.array(stepAnswer).optional(),
    submitted_at: isoTime.nullable(),
    eta: isoTimeOrNull,
    expires: isoTimeOrNull,
    finished_at: isoTimeOrNull,
    dead_lettered: z.boolean(),
    trace_id: z.string().describe("Of all tasks that came of one request: 32 hex digits."),
    resolution: z.string().nullable().describe("What became of a dead letter."),
    waiting: waitingAnswer.nullable(),
  })
  .meta({ id: "Task" });
