import type { Command } from "commander";
import { now } from "../clock.ts";
import { CommandError, EXIT } from "../failures.ts";
import { limitOption } from "../options.ts";
import type { Column } from "../output.ts";
import { Progress } from "../progress.ts";
import type { Shell } from "../shell.ts";
import { awaitTask, errorOf, getTask, type Task } from "../tasks.ts";

/** A backup as `GET /api/backups/` shows it; one that is not finished has an id and a beginning alone. */
interface Backup {
  readonly backup_id: string;
  readonly started_at: string;
  readonly finished: boolean;
  readonly finished_at?: string;
  readonly rows?: number;
  readonly bytes?: number;
  readonly encrypted?: boolean;
}

interface RestoredTable {
  readonly table: string;
  readonly backed_up: number;
  readonly now: number;
  readonly differing: number;
  readonly matches: boolean;
}

interface Restored {
  readonly matches: boolean;
  readonly left_out: readonly string[];
  readonly tables: readonly RestoredTable[];
}

const COLUMNS: readonly Column<Backup>[] = [
  { title: "backup", of: ({ backup_id: id }) => id },
  { title: "started", of: ({ started_at: at }) => at },
  { title: "finished", of: ({ finished_at: at }) => at ?? "no" },
  { title: "rows", of: ({ rows = "" }) => String(rows), align: "right" },
  { title: "bytes", of: ({ bytes = "" }) => String(bytes), align: "right" },
  { title: "encrypted", of: ({ encrypted }) => (encrypted === true ? "yes" : "no") },
];

const TABLE_COLUMNS: readonly Column<RestoredTable>[] = [
  { title: "table", of: ({ table }) => table },
  { title: "backed up", of: ({ backed_up: rows }) => String(rows), align: "right" },
  { title: "now", of: ({ now: rows }) => String(rows), align: "right" },
  { title: "differing", of: ({ differing }) => String(differing), align: "right" },
  {
    title: "matches",
    of: ({ matches }) => (matches ? "yes" : "no"),
    paint: (paint, text) => paint(text.startsWith("yes") ? "green" : "red", text),
  },
];

/** Backups of the shop's database, and what brings one back. */
export function addBackup(program: Command, shell: Shell): void {
  const backup = program
    .command("backup")
    .summary("backups: create, list, show, restore")
    .description(
      "Makes backups of the database, lists them, brings one back. Needs the scope admin.",
    );
  backup
    .command("create")
    .description("makes a backup and waits until it is there")
    .option("--no-wait", "print the task's id at once")
    .action(({ wait }: { wait: boolean }) => create(shell, wait));
  backup
    .command("list")
    .description("lists backups, the newest first")
    .addOption(limitOption(20, 100))
    .action(({ limit }: { limit: number }) => list(shell, limit));
  backup
    .command("show")
    .description("shows a backup with its tables")
    .argument("<backup>", "its id")
    .action(async (id: string) => {
      const { deployment, output } = shell;
      const path = `/api/backups/${encodeURIComponent(id)}/`;
      const found = await deployment.get<Backup>(path);
      output.answer(found, () => {
        for (const [name, value] of Object.entries(found)) {
          output.line(
            `${name.padEnd(12)} ${typeof value === "string" ? value : JSON.stringify(value)}`,
          );
        }
      });
    });
  addRestore(backup, shell);
  // By its own name too, as the shop's guide has it.
  addRestore(program, shell);
}

function addRestore(parent: Command, shell: Shell): void {
  parent
    .command("restore")
    .summary("bring a backup back into an empty shop")
    .description("Brings a backup back into an empty shop and shows what its tables had and have.")
    .argument("<backup>", "its id, or list")
    .action((id: string) => (id === "list" ? list(shell, 100) : restore(shell, id)));
}

async function list({ deployment, output }: Shell, limit: number): Promise<void> {
  const query = { limit };
  const { backups } = await deployment.get<{ backups: Backup[] }>("/api/backups/", { query });
  output.answer({ backups }, () => {
    output.table(COLUMNS, backups);
  });
}

async function create(shell: Shell, isAwaited: boolean): Promise<void> {
  const { deployment, output } = shell;
  const { task_id: id } = await deployment.post<{ task_id: string }>("/api/backups/", {});
  if (!isAwaited) {
    output.answer({ task_id: id }, () => {
      output.line(id);
    });
    return;
  }
  const task = await follow(shell, id, "Backing up");
  output.answer(task.result, () => {
    const { backup_id: made = "", rows = 0 } = task.result as { backup_id?: string; rows?: number };
    output.line(made);
    output.note(`${rows} rows.`);
  });
}

async function restore(shell: Shell, id: string): Promise<void> {
  const { deployment, output } = shell;
  const path = `/api/backups/${encodeURIComponent(id)}/restore/`;
  const { task_id: taskId } = await deployment.post<{ task_id: string }>(path, {});
  output.note(`Task ${taskId} restores ${id}.`);
  const restored = (await follow(shell, taskId, "Restoring")).result as Restored;
  output.answer(restored, () => {
    output.table(TABLE_COLUMNS, restored.tables);
    output.line(`Not in the backup: ${restored.left_out.join("; ")}.`);
    if (restored.matches)
      output.line(output.paint("green", "Every table has what the backup had."));
  });
  if (!restored.matches) {
    throw new CommandError("Some tables are not as they were in the backup.", EXIT.failed);
  }
}

/** Waits for the end of long work and shows how far it is. @throws CommandError when it failed */
async function follow({ deployment, output }: Shell, id: string, label: string): Promise<Task> {
  const { waiting } = await getTask(deployment, id);
  if (waiting?.reason === "shutdown" || waiting?.reason === "paused") {
    output.note(`Task ${id} waits: its queue is not consumed.`);
  }
  const progress = new Progress(output, label, "part");
  progress.show(0, null);
  let task: Task;
  try {
    task = await awaitTask(deployment, id, {
      timeoutSeconds: null,
      now,
      onLook: ({ meta }) => {
        const { current, total, table } = (meta ?? {}) as Readonly<Record<string, unknown>>;
        if (typeof current !== "number" || typeof total !== "number") return;
        progress.show(current, total, typeof table === "string" ? table : "");
      },
    });
  } finally {
    progress.clear();
  }
  if (task.state === "SUCCESS") return task;
  throw new CommandError(`Task ${id} is ${task.state}. ${errorOf(task)}`, EXIT.failed);
}
