import { Argument, type Command } from "commander";
import { fileURLToPath } from "node:url";
import { bashScript, zshScript, type Place } from "../completion-scripts.ts";
import { namesOf, type Names } from "../options.ts";
import type { Shell } from "../shell.ts";

/** Whoever presses Tab waits this long for names, and goes without. */
const PATIENCE_MS = 1_500;
const LAUNCHER = fileURLToPath(new URL("../lovage.mjs", import.meta.url));

/** Completion for bash and zsh, made of the tree of commands as it is; called when the tree is complete. */
export function addCompletion(program: Command, shell: Shell): void {
  program
    .command("completion")
    .summary("print completion for bash or zsh")
    .description(
      'Prints a script that completes commands, options, and the names of tasks, queues and schedules:\n\n  eval "$(npx lovage completion bash)"\n\nIt is called as lovage: alias lovage="npx lovage".',
    )
    .addArgument(new Argument("<shell>", "which one").choices(["bash", "zsh"]))
    .action((name: string) => {
      const call = [process.execPath, LAUNCHER];
      const places = placesOf(program, "");
      shell.output.line(name === "bash" ? bashScript(places, call) : zshScript(places, call));
    });
  program
    .command("names", { hidden: true })
    .description(
      "prints names that the deployment knows, for completion; nothing when it is not there",
    )
    .addArgument(new Argument("<kind>", "which").choices(["tasks", "queues", "schedules"]))
    .action(async (kind: Names) => {
      for (const name of await namesIn(shell, kind)) shell.output.line(name);
    });
}

async function namesIn({ deployment }: Shell, kind: Names): Promise<string[]> {
  const path = {
    tasks: "/api/inspect/registered/",
    queues: "/api/queues/",
    schedules: "/api/schedules/",
  };
  const request = {
    timeoutMs: PATIENCE_MS,
    ...(kind === "schedules" && { query: { limit: 1_000 } }),
  };
  try {
    const answer = await deployment.get<Record<string, { name: string }[]>>(path[kind], request);
    return (answer[kind] ?? []).map(({ name }) => name).filter((name) => /^[!-~]+$/.test(name));
  } catch {
    // At a prompt nobody wants to read why there are no names.
    return [];
  }
}

/** Every command with what may follow it. */
function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
  const below = command.commands
    .filter((each) => subcommands.includes(each))
    .flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim()));
  const place: Place = {
    path,
    words: [...subcommands.map((each) => each.name()), ...(argument?.argChoices ?? [])],
    flags: options.flatMap(({ long }) => long ?? []),
    names: (argument && namesOf(argument)) ?? null,
    options: options.flatMap((option) => {
      const flags = [option.short, option.long].flatMap((flag) => flag ?? []);
      if (!option.required) return [];
      return [{ flags, names: namesOf(option) ?? null, choices: option.argChoices ?? [] }];
    }),
  };
  return [place, ...below];
}
