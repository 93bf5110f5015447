import { Option, type Command } from "commander";
import type { Deployment } from "../deployment.ts";
import { UsageError } from "../failures.ts";
import { instant, jsonObject, limitOption, list, named, queueOption } from "../options.ts";
import type { Column } from "../output.ts";
import { Progress } from "../progress.ts";
import { SilentFailure } from "../reply.ts";
import type { Shell } from "../shell.ts";
import { errorOf, type Task } from "../tasks.ts";
import { counted } from "../text.ts";

interface Filter {
  readonly name?: string;
  readonly queue?: string;
  readonly excType?: string;
  readonly label?: string[];
  readonly failedAfter?: string;
  readonly failedBefore?: string;
}

interface Group {
  readonly name: string;
  readonly exc_type: string;
  readonly count: number;
  readonly first_at: string;
  readonly last_at: string;
}

interface Answer {
  readonly id: string;
  readonly status: string;
  readonly task_id?: string;
  readonly detail?: string;
}

interface Page {
  readonly tasks: readonly Task[];
  readonly next_cursor: string | null;
}

/** Dead letters that one request deals with. */
const PAGE = 100;

const COLUMNS: readonly Column<Task>[] = [
  { title: "id", of: ({ task_id: id }) => id },
  { title: "name", of: ({ name }) => name },
  { title: "queue", of: ({ queue }) => queue },
  { title: "retries", of: ({ retries }) => String(retries), align: "right" },
  { title: "ended", of: ({ finished_at: at }) => at ?? "" },
  { title: "error", of: errorOf, paint: (paint, text) => paint("red", text) },
];

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { title: "task", of: ({ name }) => name },
  { title: "error", of: ({ exc_type: type }) => type },
  { title: "count", of: ({ count }) => String(count), align: "right" },
  { title: "first", of: ({ first_at: at }) => at },
  { title: "last", of: ({ last_at: at }) => at },
];

const ANSWER_COLUMNS: readonly Column<Answer>[] = [
  { title: "id", of: ({ id }) => id },
  { title: "status", of: ({ status }) => status },
  { title: "new task", of: ({ task_id: id = "", detail = "" }) => id || detail },
];

function filtered(command: Command): Command {
  return command
    .addOption(
      named("tasks", new Option("--name <glob>", "a task's name; * and ? stand for others")),
    )
    .addOption(queueOption("only of this queue"))
    .option("--exc-type <type>", "only with this error")
    .option("--label <name:value>", "only with this label, as often as wanted", list)
    .option("--failed-after <time>", "failed then or later", instant)
    .option("--failed-before <time>", "failed before", instant);
}

function queryOf({ name, queue, excType, label, failedAfter, failedBefore }: Filter) {
  return {
    name,
    queue,
    exc_type: excType,
    label,
    failed_after: failedAfter,
    failed_before: failedBefore,
  };
}

/** Dead letters: tasks that ran out of attempts. */
export function addDead(program: Command, shell: Shell): void {
  const dead = program
    .command("dead")
    .summary("dead letters: list, summary, replay, discard")
    .description("Deals with dead letters: tasks that ran out of attempts.");
  filtered(dead.command("list").description("lists them, newest first"))
    .addOption(limitOption(50, 10_000))
    .action(async ({ limit, ...filter }: Filter & { limit: number }) => {
      const { deployment, output } = shell;
      const tasks: Task[] = [];
      for await (const page of pagesOf(deployment, filter, limit)) tasks.push(...page);
      output.answer({ tasks }, () => {
        output.table(COLUMNS, tasks);
      });
    });
  filtered(dead.command("summary").description("counts them by task and error")).action(
    async (filter: Filter) => {
      const { deployment, output } = shell;
      const groups = await groupsOf(deployment, filter);
      output.answer({ groups }, () => {
        output.table(GROUP_COLUMNS, groups);
      });
    },
  );
  filtered(
    dead
      .command("replay")
      .description("runs them again as new tasks: some by id, or --all that fit")
      .argument("[id...]", "their ids")
      .option("--all", "all that fit the filter")
      .option("-k, --kwargs <json>", "other arguments; for one id", jsonObject),
  ).action((ids: string[], options: BulkOptions) => bulk(shell, "replay", ids, options));
  filtered(
    dead
      .command("discard")
      .description("takes them off the list: some by id, or --all that fit")
      .argument("[id...]", "their ids")
      .option("--all", "all that fit the filter")
      .option("-f, --force", "don't ask"),
  ).action((ids: string[], options: BulkOptions) => bulk(shell, "discard", ids, options));
}

interface BulkOptions extends Filter {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly kwargs?: Record<string, unknown>;
}

async function bulk(
  shell: Shell,
  what: "replay" | "discard",
  ids: readonly string[],
  options: BulkOptions,
): Promise<void> {
  const { all = false, force = false, kwargs, ...filter } = options;
  if (all === ids.length > 0) throw new UsageError("Give either ids or --all.");
  if (!all && Object.keys(filter).length > 0) throw new UsageError("A filter goes with --all.");
  const { deployment, output } = shell;
  if (kwargs !== undefined) {
    const [id] = ids;
    if (id === undefined || ids.length > 1) throw new UsageError("--kwargs goes with one id.");
    const path = `/api/dead-letters/${encodeURIComponent(id)}/replay/`;
    sayAnswers(shell, [await deployment.post<Answer>(path, { kwargs })]);
    return;
  }
  if (!all) {
    sayAnswers(shell, await deal(deployment, what, ids));
    return;
  }
  const groups = await groupsOf(deployment, filter);
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  const warning = `This discards ${counted(total, "dead letter")}.`;
  if (what === "discard" && !force && !(await shell.confirm(warning, "Are you sure?"))) {
    throw new SilentFailure();
  }
  const answers: Answer[] = [];
  const progress = new Progress(
    output,
    what === "replay" ? "Replaying" : "Discarding",
    "dead letter",
  );
  try {
    // Those that come while this runs are not among them.
    for await (const page of pagesOf(deployment, filter, Infinity)) {
      progress.show(answers.length, total);
      answers.push(
        ...(await deal(
          deployment,
          what,
          page.map(({ task_id: id }) => id),
        )),
      );
    }
  } finally {
    progress.clear();
  }
  sayAnswers(shell, answers);
}

async function deal(
  deployment: Deployment,
  what: "replay" | "discard",
  ids: readonly string[],
): Promise<readonly Answer[]> {
  const path = `/api/dead-letters/${what}/`;
  return (await deployment.post<{ tasks: Answer[] }>(path, { ids }, { timeoutMs: 60_000 })).tasks;
}

/** @throws SilentFailure when one of them could not be dealt with */
function sayAnswers({ output }: Shell, answers: readonly Answer[]): void {
  output.answer({ tasks: answers }, () => {
    output.table(ANSWER_COLUMNS, answers);
  });
  if (answers.some(({ status }) => status === "failed" || status === "gone")) {
    throw new SilentFailure();
  }
}

async function groupsOf(deployment: Deployment, filter: Filter): Promise<readonly Group[]> {
  const query = queryOf(filter);
  return (await deployment.get<{ groups: Group[] }>("/api/dead-letters/summary/", { query }))
    .groups;
}

/** Pages of dead letters, the newest first; what is dealt with meanwhile moves none of the others. */
async function* pagesOf(
  deployment: Deployment,
  filter: Filter,
  limit: number,
): AsyncGenerator<readonly Task[]> {
  let left = limit;
  let cursor: string | null = null;
  while (left > 0) {
    const query = {
      ...queryOf(filter),
      limit: Math.min(PAGE, left),
      cursor: cursor ?? undefined,
    };
    const page: Page = await deployment.get<Page>("/api/dead-letters/", { query });
    if (page.tasks.length > 0) yield page.tasks;
    left -= page.tasks.length;
    cursor = page.next_cursor;
    if (cursor === null) return;
  }
}
