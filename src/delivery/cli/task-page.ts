import type { Output } from "./output.ts";
import { errorOf, type Task } from "./tasks.ts";
import { printable } from "./text.ts";

/** Everything known of a task, for people: a line for each thing that there is to say. */
export function sayTask(output: Output, task: Task): void {
  for (const line of linesOf(task)) output.line(line);
}

/** The lines of a task's page; nothing in them does anything to a terminal. */
export function linesOf(task: Task): string[] {
  const facts: readonly (readonly [string, unknown])[] = [
    ["id", task.task_id],
    ["name", task.name],
    ["state", task.state],
    ["queue", task.queue],
    ["priority", task.priority],
    ["args", task.args.length === 0 ? null : task.args],
    ["kwargs", task.kwargs],
    ["submitted", task.submitted_at],
    ["eta", task.eta],
    ["expires", task.expires],
    ["finished", task.finished_at],
    ["retries", task.retries],
    ["waits for", task.waiting],
    ["progress", task.meta],
    ["result", task.result],
    ["result at", task.result_url],
    ["error", errorOf(task) || null],
    ["dead letter", task.dead_lettered ? (task.resolution ?? "yes") : null],
  ];
  return [
    ...facts
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => `${name.padEnd(12)} ${shown(value)}`),
    ...task.attempts.flatMap(attemptLines),
  ];
}

function attemptLines({
  attempt,
  started_at,
  finished_at,
  outcome,
  error,
  logs = [],
}: Task["attempts"][number]): string[] {
  const end = finished_at === null ? "" : ` to ${finished_at}`;
  const why = error === null ? "" : ` ${printable(errorOf({ error }))}`;
  return [
    `attempt ${String(attempt).padEnd(4)} ${started_at ?? ""}${end} ${outcome ?? ""}${why}`.trimEnd(),
    ...logs.map(({ at, level, message }) => `             ${at} ${level} ${printable(message)}`),
  ];
}

function shown(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
