import { Option, type Command } from "commander";
import { named, queueOption } from "../options.ts";
import { dumpLine } from "../monitor/dump.ts";
import { monitor } from "../monitor/monitor.ts";
import { watchEvents } from "../monitor/watch-events.ts";
import type { Query } from "../deployment.ts";
import type { Shell } from "../shell.ts";

interface EventsOptions {
  readonly dump?: boolean;
  readonly type?: string;
  readonly task?: string;
  readonly queue?: string;
}

const TYPES = [
  "task-sent",
  "task-started",
  "task-succeeded",
  "task-failed",
  "task-retried",
  "task-revoked",
  "task-rejected",
  "task-custom",
];

/** `celery events`. */
export function addEvents(program: Command, shell: Shell): void {
  program
    .command("events")
    .summary("watch what happens: full-screen, or line by line")
    .description(
      "Shows tasks as they change, full-screen on a terminal: choose one with the cursor keys, see its info, result or traceback, revoke it, limit its rate. With --dump, or where there is no terminal, a line for each event; with --json a JSON document on each line.",
    )
    .option("-d, --dump", "a line for each event, as celery events --dump")
    .addOption(new Option("--type <type>", "only of this type").choices(TYPES))
    .addOption(named("tasks", new Option("--task <glob>", "only of tasks with such a name")))
    .addOption(queueOption("only of this queue"))
    .action(async ({ dump = false, type, task, queue }: EventsOptions) => {
      const query = { type, task, queue };
      const isScreen = shell.stdin.isTTY && shell.stdout.isTTY && !dump && !shell.output.isJson;
      await (isScreen ? monitor(shell, query) : follow(shell, query));
    });
}

async function follow({ deployment, output, signal }: Shell, query: Query): Promise<void> {
  if (!output.isJson) output.note("-> evdump: starting capture...");
  for await (const watched of watchEvents(deployment, query, signal)) {
    if (watched.kind === "lost") output.note(`Connection lost (${watched.why}); trying again.`);
    if (watched.kind !== "events") continue;
    if (watched.missed > 0) output.note(`Missed ${watched.missed} events.`);
    for (const event of watched.events) {
      if (output.isJson) output.jsonLine(event);
      else output.line(dumpLine(event));
    }
  }
}
