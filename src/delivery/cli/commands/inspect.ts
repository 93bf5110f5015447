import type { Command } from "commander";
import { addNodeOptions } from "../nodes.ts";
import { limitOption } from "../options.ts";
import type { Queue } from "../queues.ts";
import { NODE, refuseMeaningless, sayAnswer, sayCount } from "../reply.ts";
import type { Shell } from "../shell.ts";
import type { Task } from "../tasks.ts";
import { requestOf, scheduledOf } from "../celery-tasks.ts";

interface InspectOptions {
  readonly limit: number;
}

interface Registered {
  readonly name: string;
  readonly rate_limit: string | null;
}

/** Asks the one node there is; the answer in Celery's shape. */
type Question = (shell: Shell, args: readonly string[], limit: number) => Promise<unknown>;

const live =
  (kind: string, view: (task: Task) => unknown): Question =>
  async ({ deployment }, _args, limit) => {
    const query = { limit };
    const { tasks } = await deployment.get<{ tasks: Task[] }>(`/api/inspect/${kind}/`, { query });
    return tasks.map(view);
  };

const conf: Question = ({ deployment }) =>
  deployment.get<Record<string, unknown>>("/api/inspect/conf/");

async function registered({ deployment }: Shell): Promise<unknown> {
  const { tasks } = await deployment.get<{ tasks: Registered[] }>("/api/inspect/registered/");
  return tasks.map(({ name, rate_limit: rate }) =>
    rate === null ? name : `${name} [rate_limit=${rate}]`,
  );
}

async function activeQueues({ deployment }: Shell): Promise<unknown> {
  const { queues } = await deployment.get<{ queues: Queue[] }>("/api/queues/");
  return queues
    .filter(({ is_cancelled: isCancelled }) => !isCancelled)
    .map(({ name }) => ({
      name,
      exchange: { name: "", type: "direct" },
      routing_key: name,
      durable: true,
      exclusive: false,
      auto_delete: false,
    }));
}

async function queryTask({ deployment }: Shell, ids: readonly string[]): Promise<unknown> {
  const query = { id: ids };
  const known = await deployment.get<Record<string, [string, Task]>>("/api/inspect/query_task/", {
    query,
  });
  return Object.fromEntries(
    Object.entries(known).map(([id, [, task]]) => [id, [placeOf(task), requestOf(task)]]),
  );
}

/** Where Celery would say that a task is. */
function placeOf({ state, finished_at: finishedAt }: Task): string {
  if (finishedAt !== null) return "ready";
  return state === "PENDING" || state === "RETRY" ? "reserved" : "active";
}

async function report(shell: Shell): Promise<unknown> {
  const settings = await shell.deployment.get<Record<string, unknown>>("/api/inspect/conf/");
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name}: ${JSON.stringify(value)}`,
  );
  return [
    `software -> lovage node:${process.versions.node}`,
    `platform -> Cloudflare Workers at ${shell.url}`,
    "settings ->",
    ...lines,
  ].join("\n");
}

const QUESTIONS: Readonly<Record<string, readonly [about: string, ask: Question]>> = {
  active: ["tasks that run", live("active", requestOf)],
  active_queues: ["queues that are consumed", activeQueues],
  conf: ["settings that may be shown", conf],
  ping: ["whether it is there", async (shell) => ({ ok: (await conf(shell, [], 0)) && "pong" })],
  registered: ["tasks that are declared, with their rates", registered],
  report: ["what it runs on and its settings", report],
  reserved: ["tasks that are due and wait", live("reserved", requestOf)],
  revoked: ["tasks that run and are marked as revoked", live("revoked", ({ task_id: id }) => id)],
  scheduled: ["tasks that are not due yet", live("scheduled", scheduledOf)],
  stats: [
    "queues, shards and what is switched off",
    ({ deployment }) => deployment.get("/api/inspect/stats/"),
  ],
};

/** Questions of Celery's that nothing here could answer. */
const MEANINGLESS: Readonly<Record<string, string>> = {
  clock: "There is no logical clock: the states of a task are put in order by its ledger.",
  memdump: "There is no process of its own whose memory could be sampled: see Workers' metrics.",
  memsample: "There is no process of its own whose memory could be sampled: see Workers' metrics.",
  objgraph: "There is no Python process whose objects could be drawn.",
  hello: "There are no other nodes to meet.",
};

/** `celery inspect`. */
export function addInspect(program: Command, shell: Shell): void {
  const inspect = program
    .command("inspect")
    .summary("ask the deployment: active, reserved, scheduled, registered, stats, …")
    .description("Asks the deployment, in Celery's words and with its answers.");
  addNodeOptions(inspect, shell);

  function add(name: string, about: string, ask: Question, argument = ""): void {
    inspect
      .command(`${name}${argument}`)
      .description(about)
      .addOption(limitOption(100, 1_000))
      .action(async (...given: unknown[]) => {
        const ids = argument === "" ? [] : (given[0] as string[]);
        const { limit } = given[argument === "" ? 0 : 1] as InspectOptions;
        const { output } = shell;
        const answer = await ask(shell, ids, limit);
        output.answer({ [NODE]: answer }, () => {
          sayAnswer(output, answer);
          sayCount(output);
        });
      });
  }

  for (const [name, [about, ask]] of Object.entries(QUESTIONS)) add(name, about, ask);
  add("query_task", "what is known of tasks, by id", queryTask, " <id...>");
  for (const [name, why] of Object.entries(MEANINGLESS)) {
    inspect
      .command(name, { hidden: true })
      .description(`has no meaning here. ${why}`)
      .action(() => refuseMeaningless(shell.output, why));
  }
}
