import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addBackup } from "./commands/backup.ts";
import { addBeat } from "./commands/beat.ts";
import { addCall } from "./commands/call.ts";
import { addCanvas } from "./commands/canvas.ts";
import { addCompletion } from "./commands/completion.ts";
import { addControl } from "./commands/control.ts";
import { addDead } from "./commands/dead.ts";
import { addEvents } from "./commands/events.ts";
import { addInspect } from "./commands/inspect.ts";
import { addList } from "./commands/list.ts";
import { addPurge } from "./commands/purge.ts";
import { addScripts } from "./commands/scripts.ts";
import { addStatus } from "./commands/status.ts";
import { addTasks } from "./commands/tasks.ts";
import { Shell } from "./shell.ts";

const EXIT_CODES = `
Exit codes:
  0    done
  1    a task failed, or the deployment refused
  2    the command line is wrong
  69   nothing answers, or it is no deployment
  75   a task that was waited for goes on
  77   not allowed: no token, a wrong one, or one without the scope
  130  Ctrl-C

NO_COLOR, and output that is no terminal, have no colours.`;

const ADD = [
  addStatus,
  addInspect,
  addControl,
  addCall,
  addTasks,
  addEvents,
  addPurge,
  addList,
  addBeat,
  addCanvas,
  addDead,
  addBackup,
  addScripts,
];

/** The whole command line, as a tree of commands. */
export function buildProgram(process: NodeJS.Process, signal: AbortSignal): Command {
  const program = new Command("lovage")
    .description("Steers and watches a Lovage deployment, in the words of Celery's command line.")
    .version(versionOf(), "--version", "show the version")
    .helpOption("-h, --help", "show what a command takes")
    .helpCommand("help [command]", "show what a command takes")
    .option(
      "--url <url>",
      "where the deployment is (default: LOVAGE_URL, else http://localhost:8787)",
    )
    .option("--token <token>", "API key or token (default: LOVAGE_TOKEN)")
    .option("-j, --json", "one JSON document on stdout, nothing else")
    .option("--no-color", "no colours")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(add --help to see what it takes)")
    .exitOverride()
    .addHelpText("after", EXIT_CODES);
  const shell = new Shell(process, program, signal);
  for (const add of ADD) add(program, shell);
  addCompletion(program, shell);
  return program;
}

function versionOf(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
