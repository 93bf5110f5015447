import type { Command } from "commander";
import type { Deployment } from "../deployment.ts";
import { queueColumns, type Queue } from "../queues.ts";
import { NODE, sayCount, sayNode } from "../reply.ts";
import type { Shell } from "../shell.ts";
import { addNodeOptions } from "../nodes.ts";
import { printable } from "../text.ts";

interface Stats {
  readonly is_shut_down: boolean;
  readonly queues: readonly Queue[];
}

/** `GET /api/system`, as far as it is shown. */
interface SystemReport {
  readonly agents: readonly { readonly name: string; readonly problem: string | null }[];
  readonly findings: readonly {
    readonly name: string;
    readonly level: string;
    readonly message: string;
  }[];
}

export function addStatus(program: Command, shell: Shell): void {
  const status = program
    .command("status")
    .summary("whether the deployment is online, its queues and what is wrong")
    .description("Says whether the deployment is online, what its queues hold, and what is wrong.")
    .action(async () => {
      const { deployment, output } = shell;
      const [stats, problems] = await Promise.all([
        deployment.get<Stats>("/api/inspect/stats/"),
        problemsOf(deployment),
      ]);
      const { is_shut_down: isShutDown, queues } = stats;
      const all = isShutDown ? ["shut down: no queue is consumed", ...problems] : problems;
      output.answer({ [NODE]: { ok: "pong", queues, problems: all } }, () => {
        sayNode(output, "OK");
        sayCount(output);
        output.line();
        output.table(queueColumns, queues);
        if (all.length > 0) output.line();
        for (const problem of all) output.line(output.paint("yellow", `! ${printable(problem)}`));
      });
    });
  addNodeOptions(status, shell);
}

/** What is wrong, or may become so, for people. */
async function problemsOf(deployment: Deployment): Promise<string[]> {
  const { agents, findings } = await deployment.get<SystemReport>("/api/system/");
  return [
    ...agents.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])),
    ...findings.map(({ name, level, message }) => `${level}: ${name}: ${message}`),
  ];
}
