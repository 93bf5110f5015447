import type { Command } from "commander";
import type { Column } from "../output.ts";
import { queueColumns, type Queue } from "../queues.ts";
import type { Shell } from "../shell.ts";

interface Registered {
  readonly name: string;
  readonly params: readonly string[];
  readonly rate_limit: string | null;
  readonly concurrency: number | null;
  readonly soft_time_limit: number | null;
  readonly time_limit: number | null;
  readonly max_retries: number | null;
}

const COLUMNS: readonly Column<Registered>[] = [
  { title: "task", of: ({ name }) => name },
  { title: "rate", of: ({ rate_limit: rate }) => rate ?? "" },
  { title: "at once", of: ({ concurrency }) => text(concurrency), align: "right" },
  { title: "soft", of: ({ soft_time_limit: soft }) => text(soft), align: "right" },
  { title: "hard", of: ({ time_limit: hard }) => text(hard), align: "right" },
  { title: "retries", of: ({ max_retries: retries }) => text(retries), align: "right" },
  { title: "params", of: ({ params }) => params.join(", ") },
];

function text(value: number | null): string {
  return value === null ? "" : String(value);
}

/** `celery list`, and what else there is to list. */
export function addList(program: Command, shell: Shell): void {
  const list = program
    .command("list")
    .summary("list tasks, queues, bindings")
    .description("Lists what a deployment is made of.");
  list
    .command("tasks")
    .description("tasks that are declared, with the limits that hold")
    .action(async () => {
      const { deployment, output } = shell;
      const { tasks } = await deployment.get<{ tasks: Registered[] }>("/api/inspect/registered/");
      output.answer({ tasks }, () => {
        output.table(COLUMNS, tasks);
      });
    });
  list
    .command("queues")
    .description("queues, and what they hold")
    .action(async () => {
      const { deployment, output } = shell;
      const { queues } = await deployment.get<{ queues: Queue[] }>("/api/queues/");
      output.answer({ queues }, () => {
        output.table(queueColumns, queues);
      });
    });
  list
    .command("bindings")
    .description("queues with their exchange and routing key, as celery lists them")
    .action(async () => {
      const { deployment, output } = shell;
      const { queues } = await deployment.get<{ queues: Queue[] }>("/api/queues/");
      const bindings = queues.map(({ name }) => ({ queue: name, exchange: "", routing_key: name }));
      output.answer({ bindings }, () => {
        const lay = (a: string, b: string, c: string) => `${a.padEnd(28)} ${b.padEnd(28)} ${c}`;
        output.line(lay("Queue", "Exchange", "Routing Key"));
        output.line(lay("-".repeat(16), "-".repeat(16), "-".repeat(16)));
        for (const { queue, exchange, routing_key: key } of bindings) {
          output.line(lay(queue, exchange, key));
        }
      });
    });
}
