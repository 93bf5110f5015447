import { Option, type Command } from "commander";
import { list, named } from "../options.ts";
import { CommandError, EXIT, UsageError } from "../failures.ts";
import { Progress } from "../progress.ts";
import type { Queue } from "../queues.ts";
import type { Shell } from "../shell.ts";
import { counted } from "../text.ts";

interface PurgeOptions {
  readonly force?: boolean;
  readonly queues?: string[];
  readonly excludeQueues?: string[];
}

/** `celery purge`. */
export function addPurge(program: Command, shell: Shell): void {
  program
    .command("purge")
    .summary("revoke all waiting tasks of queues")
    .description(
      "Revokes all tasks that wait in all queues, or in some, also for a time or a retry. There is no undo.",
    )
    .option("-f, --force", "don't ask")
    .addOption(
      named(
        "queues",
        new Option("-Q, --queues <queues>", "these queues alone: a,b").argParser(list),
      ),
    )
    .addOption(
      named(
        "queues",
        new Option("-X, --exclude-queues <queues>", "all queues but these").argParser(list),
      ),
    )
    .action((options: PurgeOptions) => purge(shell, options));
}

async function purge(shell: Shell, options: PurgeOptions): Promise<void> {
  const { deployment, output } = shell;
  const names = await queuesOf(shell, options);
  if (options.force !== true) {
    const warning = `${output.paintError("red", "WARNING")}: This will remove all tasks from ${
      names.length === 1 ? "queue" : "queues"
    }: ${names.join(", ")}.\n         There is no undo for this operation!\n\n(to skip this prompt use the -f option)`;
    if (!(await shell.confirm(warning, "Are you sure you want to delete all tasks?"))) {
      throw new CommandError("Aborted!", EXIT.failed);
    }
  }
  const progress = new Progress(output, "Purging", "queue");
  const purged: Record<string, number> = {};
  try {
    for (const [index, queue] of names.entries()) {
      progress.show(index, names.length, queue);
      const request = { timeoutMs: null };
      const { ok } = await deployment.post<{ ok: number }>(
        "/api/control/purge/",
        { queue },
        request,
      );
      purged[queue] = ok;
    }
  } finally {
    progress.clear();
  }
  const total = Object.values(purged).reduce((sum, count) => sum + count, 0);
  output.answer({ purged, total }, () => {
    output.line(
      total === 0
        ? `No messages purged from ${counted(names.length, "queue")}.`
        : `Purged ${counted(total, "message")} from ${names.length} known task ${names.length === 1 ? "queue" : "queues"}.`,
    );
  });
}

/** @throws UsageError for a queue that there is not, before anything is purged */
async function queuesOf({ deployment }: Shell, options: PurgeOptions): Promise<string[]> {
  const { queues } = await deployment.get<{ queues: Queue[] }>("/api/queues/");
  const known = queues.map(({ name }) => name);
  const { queues: wanted = known, excludeQueues: excluded = [] } = options;
  const unknown = [...wanted, ...excluded].filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`There is no queue ${unknown.join(", ")}.`, [
      `There are: ${known.join(", ")}.`,
    ]);
  }
  const names = [...new Set(wanted)].filter((name) => !excluded.includes(name));
  if (names.length === 0) throw new UsageError("No queue is left.");
  return names.sort();
}
