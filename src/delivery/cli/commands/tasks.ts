import type { Command } from "commander";
import { now } from "../clock.ts";
import { CommandError, EXIT, RefusedError } from "../failures.ts";
import { integer, instant, limitOption, list, named, queueOption, seconds } from "../options.ts";
import { Option } from "commander";
import type { Column, Output } from "../output.ts";
import { SilentFailure } from "../reply.ts";
import type { Shell } from "../shell.ts";
import { sayTask } from "../task-page.ts";
import { awaitTask, errorOf, getTask, sayResult, taskPath, type Task } from "../tasks.ts";
import { styleOf } from "../text.ts";

const PAGE = 200;

interface SearchOptions {
  readonly name?: string;
  readonly state?: string;
  readonly queue?: string;
  readonly label?: string[];
  readonly text?: string;
  readonly oldest?: boolean;
  readonly after?: string;
  readonly before?: string;
  readonly limit: number;
}

const COLUMNS: readonly Column<Task>[] = [
  { title: "id", of: ({ task_id: id }) => id },
  { title: "name", of: ({ name }) => name },
  {
    title: "state",
    of: ({ state }) => state,
    paint: (paint, text) => paint(styleOf(text.trim()), text),
  },
  { title: "queue", of: ({ queue }) => queue },
  { title: "retries", of: ({ retries }) => String(retries), align: "right" },
  { title: "submitted", of: ({ submitted_at: at }) => at },
  {
    title: "result",
    of: (task) =>
      task.error === null
        ? task.result === null
          ? ""
          : JSON.stringify(task.result)
        : errorOf(task),
  },
];

/** What is done with single tasks, and the list of them. */
export function addTasks(program: Command, shell: Shell): void {
  program
    .command("result")
    .summary("print a task's result, as soon as it is there")
    .description(
      "Waits until a task has ended and prints its result: a text as it is, anything else as JSON.",
    )
    .argument("<id>", "the task's id")
    .option("-t, --timeout <seconds>", "wait no longer than that", seconds)
    .option("--traceback", "print the traceback instead")
    .action((id: string, options: { timeout?: number; traceback?: boolean }) =>
      result(shell, id, options),
    );
  program
    .command("task")
    .summary("show everything known of a task")
    .description("Shows everything known of a task: arguments, attempts, log lines, why it waits.")
    .argument("<id>", "the task's id")
    .action(async (id: string) => {
      const task = await getTask(shell.deployment, id);
      shell.output.answer(task, () => {
        sayTask(shell.output, task);
      });
    });
  program
    .command("search")
    .summary("list tasks by name, state, queue, label, time and text")
    .description("Lists live and finished tasks, newest first.")
    .addOption(
      named("tasks", new Option("--name <glob>", "a task's name; * and ? stand for others")),
    )
    .addOption(
      new Option("--state <state>", "PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, …"),
    )
    .addOption(queueOption("only of this queue"))
    .option("--label <name:value>", "only with this label, as often as wanted", list)
    .option("--text <text>", "in the arguments or in the error")
    .option("--oldest", "the oldest first")
    .option("--after <time>", "submitted then or later", instant)
    .option("--before <time>", "submitted before", instant)
    .addOption(limitOption(50, 10_000))
    .action((options: SearchOptions) => search(shell, options));
  program
    .command("revoke")
    .summary("revoke tasks of one's own")
    .description("Revokes tasks by id: one's own, or with the scope control anybody's.")
    .argument("<id...>", "the tasks' ids")
    .option("--terminate", "stop a running attempt too (scope control)")
    .action((ids: string[], { terminate = false }: { terminate?: boolean }) =>
      revoke(shell, ids, terminate),
    );
  program
    .command("reschedule")
    .summary("give a waiting task another time, queue or priority")
    .description("Changes when, where or how urgently a task runs that has not begun.")
    .argument("<id>", "the task's id")
    .option("--eta <time>", "not before then", instant)
    .option("--countdown <seconds>", "not before so many seconds from now", seconds)
    .addOption(queueOption("its queue"))
    .option("--priority <n>", "0 to 9, 9 first", integer(0, 9))
    .action(async (id: string, change: Record<string, unknown>) => {
      const { deployment, output } = shell;
      const task = await deployment.change<Task>(`${taskPath(id)}reschedule/`, change);
      if (task === null) noteUnread(output, id);
      output.answer(task, () => {
        if (task !== null) sayTask(output, task);
      });
    });
}

/** A task was changed that the token may not read. */
function noteUnread(output: Output, id: string): void {
  output.note(`${id}: done. To see the task takes the scope tasks:read.`);
}

/** One that is unknown keeps no other back. */
async function revoke(
  { deployment, output }: Shell,
  ids: readonly string[],
  terminate: boolean,
): Promise<void> {
  const tasks: Task[] = [];
  const unknown: string[] = [];
  for (const id of ids) {
    try {
      const task = await deployment.change<Task>(`${taskPath(id)}revoke/`, { terminate });
      if (task === null) noteUnread(output, id);
      else tasks.push(task);
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
      unknown.push(id);
    }
  }
  output.answer({ tasks }, () => {
    if (tasks.length > 0) output.table(COLUMNS, tasks);
  });
  if (unknown.length === 0) return;
  output.note(`tasks unknown: ${unknown.join(", ")}`);
  throw new SilentFailure();
}

async function result(
  { deployment, output }: Shell,
  id: string,
  { timeout = null, traceback = false }: { timeout?: number | null; traceback?: boolean },
): Promise<void> {
  const task = await awaitTask(deployment, id, { timeoutSeconds: timeout, now });
  if (!traceback) {
    await sayResult(deployment, output, task);
    return;
  }
  output.answer(task, () => {
    output.raw(task.traceback ?? (errorOf(task) || "None"));
  });
  if (task.state !== "SUCCESS") throw new CommandError(`Task ${id} is ${task.state}.`, EXIT.failed);
}

async function search({ deployment, output }: Shell, options: SearchOptions): Promise<void> {
  const { name, state, queue, label, text, oldest, after, before, limit } = options;
  const tasks: Task[] = [];
  let cursor: string | null = null;
  do {
    const page: { tasks: Task[]; next_cursor: string | null } = await deployment.get(
      "/api/tasks/search/",
      {
        query: {
          name,
          state,
          queue,
          label,
          text,
          order: oldest === true ? "oldest" : undefined,
          submitted_after: after,
          submitted_before: before,
          limit: Math.min(PAGE, limit - tasks.length),
          cursor: cursor ?? undefined,
        },
      },
    );
    tasks.push(...page.tasks);
    cursor = page.next_cursor;
  } while (cursor !== null && tasks.length < limit);
  output.answer({ tasks, next_cursor: cursor }, () => {
    output.table(COLUMNS, tasks);
    if (cursor !== null) output.note(`There are more: --limit ${limit * 2} shows them.`);
  });
}
