import type { Command } from "commander";
import { now } from "../clock.ts";
import { CommandError, EXIT, UsageError } from "../failures.ts";
import { instant, integer, limitOption, namedArgument } from "../options.ts";
import type { Column } from "../output.ts";
import { Progress } from "../progress.ts";
import { fieldsOf, scheduleOptions, type ScheduleOptions } from "../schedule-options.ts";
import type { Shell } from "../shell.ts";
import { awaitTask } from "../tasks.ts";
import { counted, printable, styleOf } from "../text.ts";

/** A schedule as the API shows it, as far as the table looks. */
interface Schedule {
  readonly name: string;
  readonly task: string;
  readonly in_words: string;
  readonly enabled: boolean;
  readonly next_run_at: string | null;
  readonly last_run_at: string | null;
  readonly total_run_count: number;
}

interface Run {
  readonly slot: string;
  readonly kind: string;
  readonly fired_at: string;
  readonly drift_ms: number | null;
  readonly task_id: string | null;
  readonly state: string | null;
  readonly duration_ms: number | null;
  readonly note: string | null;
}

const PATH = "/api/schedules/";

const COLUMNS: readonly Column<Schedule>[] = [
  { title: "schedule", of: ({ name }) => name },
  { title: "task", of: ({ task }) => task },
  {
    title: "enabled",
    of: ({ enabled }) => (enabled ? "yes" : "no"),
    paint: (paint, text) => paint(text.startsWith("yes") ? "green" : "gray", text),
  },
  { title: "next", of: ({ next_run_at: at }) => at ?? "" },
  { title: "last", of: ({ last_run_at: at }) => at ?? "" },
  { title: "runs", of: ({ total_run_count: count }) => String(count), align: "right" },
  { title: "when", of: ({ in_words: words }) => words },
];

const RUN_COLUMNS: readonly Column<Run>[] = [
  { title: "slot", of: ({ slot }) => slot },
  { title: "kind", of: ({ kind }) => kind },
  { title: "fired", of: ({ fired_at: at }) => at },
  { title: "drift ms", of: ({ drift_ms: ms }) => String(ms ?? ""), align: "right" },
  { title: "task", of: ({ task_id: id }) => id ?? "" },
  {
    title: "state",
    of: ({ state }) => state ?? "",
    paint: (paint, text) => paint(styleOf(text.trim()), text),
  },
  { title: "ms", of: ({ duration_ms: ms }) => String(ms ?? ""), align: "right" },
  { title: "note", of: ({ note }) => note ?? "" },
];

function pathOf(name: string, what = ""): string {
  return `${PATH}${encodeURIComponent(name)}/${what === "" ? "" : `${what}/`}`;
}

/** The schedules of a deployment. */
export function addBeat(program: Command, shell: Shell): void {
  const beat = program
    .command("beat")
    .summary("schedules: list, show, create, update, enable, run, backfill, …")
    .description("Manages schedules.");
  beat
    .command("list")
    .description("lists schedules by name")
    .addOption(limitOption(1_000, 100_000))
    .action(({ limit }: { limit: number }) => list(shell, limit));

  /** A command on one schedule. */
  function one(name: string, about: string): Command {
    return beat
      .command(name)
      .description(about)
      .addArgument(namedArgument("schedules", "<name>", "the schedule's name"));
  }

  one("show", "shows a schedule with all its fields").action(async (name: string) => {
    show(shell, await shell.deployment.get(pathOf(name)));
  });
  scheduleOptions(
    beat
      .command("create")
      .description("makes a schedule")
      .argument("<name>", "its name")
      .addArgument(namedArgument("tasks", "[task]", "the task's name (or --file has it)")),
  ).action(async (name: string, task: string | undefined, options: ScheduleOptions) => {
    const fields = { name, ...(task !== undefined && { task }), ...fieldsOf(shell, options) };
    show(shell, await shell.deployment.post(PATH, fields));
  });
  scheduleOptions(one("update", "changes some fields of a schedule"))
    .option("--task <task>", "another task")
    .action(async (name: string, { task, ...options }: ScheduleOptions & { task?: string }) => {
      const fields = { ...fieldsOf(shell, options), ...(task !== undefined && { task }) };
      if (Object.keys(fields).length === 0) throw new UsageError("Say what is to change.");
      show(shell, await shell.deployment.patch(pathOf(name), fields));
    });
  for (const [kind, about] of [
    ["enable", "fires again, from now on"],
    ["disable", "fires no more"],
  ] as const) {
    one(kind, about).action(async (name: string) => {
      show(shell, await shell.deployment.post(pathOf(name, kind), {}));
    });
  }
  one("run", "fires once more, now").action(async (name: string) => {
    const run = await shell.deployment.post<Run>(pathOf(name, "run"), {});
    shell.output.answer(run, () => {
      shell.output.line(run.task_id ?? run.note ?? "");
    });
  });
  one("next", "shows its next slots")
    .option("-c, --count <count>", "how many", integer(1, 100), 10)
    .action((name: string, { count }: { count: number }) => next(shell, name, count));
  one("runs", "shows its last runs")
    .addOption(limitOption(20, 100))
    .action(async (name: string, { limit }: { limit: number }) => {
      const { deployment, output } = shell;
      const { runs } = await deployment.get<{ runs: Run[] }>(pathOf(name, "runs"), {
        query: { limit },
      });
      output.answer({ runs }, () => {
        output.table(RUN_COLUMNS, runs);
      });
    });
  one("backfill", "fires the slots of a past time that were not fired")
    .argument("<from>", "ISO 8601; UTC unless it says otherwise", instant)
    .argument("<until>", "the end, past too", instant)
    .option("-w, --wait", "wait until all their tasks have ended")
    .action((name: string, from: string, until: string, { wait = false }: { wait?: boolean }) =>
      backfill(shell, name, { from, until }, wait),
    );
  one("delete", "deletes a schedule").action(async (name: string) => {
    await shell.deployment.delete(pathOf(name));
    shell.output.answer({ deleted: name }, () => {
      shell.output.line(`Deleted ${name}.`);
    });
  });
}

async function list({ deployment, output }: Shell, limit: number): Promise<void> {
  const schedules: Schedule[] = [];
  let cursor: string | null = null;
  do {
    const query = {
      limit: Math.min(1_000, limit - schedules.length),
      cursor: cursor ?? undefined,
    };
    const page: { schedules: Schedule[]; next_cursor: string | null } = await deployment.get(PATH, {
      query,
    });
    schedules.push(...page.schedules);
    cursor = page.next_cursor;
  } while (cursor !== null && schedules.length < limit);
  output.answer({ schedules }, () => {
    output.table(COLUMNS, schedules);
  });
}

function show({ output }: Shell, schedule: Readonly<Record<string, unknown>>): void {
  output.answer(schedule, () => {
    for (const [name, value] of Object.entries(schedule)) {
      if (value === null) continue;
      output.line(
        `${name.padEnd(16)} ${typeof value === "string" ? printable(value) : JSON.stringify(value)}`,
      );
    }
  });
}

async function next({ deployment, output }: Shell, name: string, count: number): Promise<void> {
  interface Next {
    readonly enabled: boolean;
    readonly timezone: string;
    readonly next: readonly { readonly at: string; readonly local: string }[];
  }
  const slots = await deployment.get<Next>(pathOf(name, "next"), { query: { count } });
  output.answer(slots, () => {
    if (!slots.enabled) output.note("It is disabled.");
    output.table(
      [
        { title: "at", of: ({ at }) => at },
        { title: `in ${slots.timezone}`, of: ({ local }) => local },
      ],
      slots.next,
    );
  });
}

/** @throws CommandError when a task that was waited for did not succeed */
async function backfill(
  { deployment, output }: Shell,
  name: string,
  time: { readonly from: string; readonly until: string },
  isAwaited: boolean,
): Promise<void> {
  const path = pathOf(name, "backfill");
  const { runs } = await deployment.post<{ runs: Run[] }>(path, time, { timeoutMs: null });
  const done: Run[] = [];
  const progress = new Progress(output, "Backfilling", "run");
  try {
    for (const run of runs) {
      if (isAwaited) progress.show(done.length, runs.length, run.slot);
      const isTask = isAwaited && run.task_id !== null;
      const task = isTask
        ? await awaitTask(deployment, run.task_id, { timeoutSeconds: null, now })
        : null;
      done.push({ ...run, state: task?.state ?? run.state });
    }
  } finally {
    progress.clear();
  }
  output.answer({ runs: done }, () => {
    output.table(RUN_COLUMNS, done);
  });
  const failed = done.filter(({ state }) => isAwaited && state !== null && state !== "SUCCESS");
  if (failed.length > 0) {
    throw new CommandError(`${counted(failed.length, "run")} did not succeed.`, EXIT.failed);
  }
}
