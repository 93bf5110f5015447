import type { Command } from "commander";
import { UnreachableError } from "./failures.ts";
import { list, seconds } from "./options.ts";
import { NODE } from "./reply.ts";
import type { Shell } from "./shell.ts";

interface NodeOptions {
  readonly destination?: readonly string[];
  readonly timeout?: number;
}

/** What `celery` takes of whom is meant and how long an answer may take, before the command and behind it. */
export function addNodeOptions(command: Command, shell: Shell): Command {
  return command
    .option("-d, --destination <nodes>", "nodes that are meant, as with celery", list)
    .option("-t, --timeout <seconds>", "how long an answer may take", seconds)
    .hook("preAction", () => {
      const { destination, timeout } = command.opts<NodeOptions>();
      if (timeout !== undefined) shell.answerWithin(timeout);
      checkDestination(destination);
    });
}

/** @throws UnreachableError where none of the nodes that somebody means is this one */
function checkDestination(nodes: readonly string[] | undefined): void {
  if (nodes === undefined || nodes.includes(NODE)) return;
  throw new UnreachableError("No nodes replied within time constraint", [
    `There is one node: ${NODE}.`,
  ]);
}
