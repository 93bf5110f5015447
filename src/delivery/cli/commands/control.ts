import { InvalidArgumentError, type Command } from "commander";
import type { Deployment } from "../deployment.ts";
import { addNodeOptions } from "../nodes.ts";
import { namedArgument, pair, seconds } from "../options.ts";
import { NODE, refuseMeaningless, SilentFailure, sayDone } from "../reply.ts";
import type { Shell } from "../shell.ts";
import { reprOf } from "../python.ts";

/** What `POST /api/control/revoke/` says of ids. */
interface Revoked {
  readonly revoked: number;
  readonly marked: number;
  readonly unknown?: readonly string[];
}

/** Commands of Celery's that change what is not here. */
const MEANINGLESS: Readonly<Record<string, string>> = {
  autoscale: "Cloudflare starts as many consumers as a queue needs, up to its max_concurrency.",
  pool_grow: "There is no pool: Cloudflare starts consumers; see max_concurrency in wrangler.toml.",
  pool_shrink:
    "There is no pool: Cloudflare starts consumers; see max_concurrency in wrangler.toml.",
  pool_restart: "There is no pool: a deploy replaces the code.",
  enable_events: "Events are always there, and cost nothing while nobody watches.",
  disable_events: "Events are always there, and cost nothing while nobody watches.",
  heartbeat: "Leases have heartbeats of their own; see: lovage status.",
  election: "There is one of everything that there must be one of; nothing is elected.",
};

/** `celery control`. */
export function addControl(program: Command, shell: Shell): void {
  const control = program
    .command("control")
    .summary("steer the deployment: rate_limit, revoke, cancel_consumer, shutdown, …")
    .description(
      "Steers the whole deployment, in Celery's words. What is set survives restarts. Needs the scope control.",
    );

  addNodeOptions(control, shell);

  /** Sends one command and shows what was done. */
  async function send(path: string, body: unknown): Promise<void> {
    const { deployment, output } = shell;
    const { ok } = await deployment.post<{ ok: string }>(`/api/control/${path}/`, body);
    output.answer([{ [NODE]: { ok } }], () => {
      sayDone(output, ok);
    });
  }

  function add(usage: string, about: string): Command {
    return control.command(usage).description(about);
  }

  for (const [kind, about] of [
    ["add_consumer", "consumes a queue again"],
    ["cancel_consumer", "consumes a queue no more; its tasks wait"],
  ] as const) {
    add(kind, about)
      .addArgument(namedArgument("queues", "<queue>", "the queue"))
      .action((queue: string) => send(kind, { queue }));
  }
  add("rate_limit", "sets how often a task may start")
    .addArgument(namedArgument("tasks", "<task>", "the task's name"))
    .argument("<rate>", "as 200/m; 0: none; default: the declared one")
    .action((task: string, rate: string) =>
      send("rate_limit", { task, rate_limit: rate === "default" ? null : rate }),
    );
  add("time_limit", "sets how long attempts may take that start from now on, in seconds")
    .addArgument(namedArgument("tasks", "<task>", "the task's name"))
    .argument("<soft>", "the soft limit", seconds)
    .argument("[hard]", "the hard limit", seconds)
    .action((task: string, soft: number, hard: number | undefined) =>
      send("time_limit", { task, soft, hard: hard ?? null }),
    );
  add("shutdown", "consumes nothing any more; what runs goes on").action(() =>
    send("shutdown", {}),
  );
  add("start", "consumes all queues again that are not cancelled").action(() => send("start", {}));
  addRevokes(add, shell);
  for (const [name, why] of Object.entries(MEANINGLESS)) {
    control
      .command(name, { hidden: true })
      .description(`has no meaning here. ${why}`)
      .argument("[anything...]")
      .action(() => refuseMeaningless(shell.output, why));
  }
}

function addRevokes(add: (usage: string, about: string) => Command, shell: Shell): void {
  add("revoke", "revokes tasks by id")
    .argument("<id...>", "the tasks' ids")
    .option("--terminate", "stop running ones too")
    .action((ids: string[], options: { terminate?: boolean }) =>
      revoke(shell, ids, options.terminate === true),
    );
  add("terminate", "revokes tasks by id and stops running ones")
    .argument(
      "<signal>",
      "as with celery: KILL, TERM, …; attempts are aborted whatever it says",
      signalName,
    )
    .argument("<id...>", "the tasks' ids")
    .action((_signal: string, ids: string[]) => revoke(shell, ids, true));
  add(
    "revoke_by_stamped_headers",
    "revokes all live tasks that have these labels (Celery's stamps)",
  )
    .argument("<name=value...>", "labels", pair)
    .option("--terminate", "stop running ones too")
    .action(
      async (labels: Record<string, string>, { terminate = false }: { terminate?: boolean }) => {
        const { deployment, output } = shell;
        const done = await postRevoke(deployment, { labels, terminate });
        output.answer([{ [NODE]: { ok: done } }], () => {
          sayDone(output, `${done.revoked} revoked, ${done.marked} run on and are marked`);
        });
      },
    );
}

async function revoke(
  { deployment, output }: Shell,
  ids: readonly string[],
  terminate: boolean,
): Promise<void> {
  const done = await postRevoke(deployment, { ids, terminate });
  const { unknown = [] } = done;
  const known = ids.filter((id) => !unknown.includes(id));
  output.answer([{ [NODE]: { ok: done } }], () => {
    const names = known.map(reprOf).join(", ");
    if (known.length > 0) {
      const what = terminate
        ? `terminate: tasks {${names}}`
        : `tasks {${names}} flagged as revoked`;
      sayDone(output, what);
    }
  });
  if (unknown.length === 0) return;
  output.note(`${terminate ? "terminate: tasks unknown" : "tasks unknown"}: ${unknown.join(", ")}`);
  throw new SilentFailure();
}

function postRevoke(deployment: Deployment, body: unknown): Promise<Revoked> {
  return deployment.post<Revoked>("/api/control/revoke/", body);
}

function signalName(text: string): string {
  if (/^(SIG)?[A-Z]{2,6}\d*$|^\d{1,2}$/i.test(text)) return text;
  throw new InvalidArgumentError("Must be a signal, as KILL.");
}
