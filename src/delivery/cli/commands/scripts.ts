import { existsSync } from "node:fs";
import { Option, type Command } from "commander";
import { CommandError, EXIT } from "../failures.ts";
import { integer } from "../options.ts";
import { Progress } from "../progress.ts";
import type { Shell } from "../shell.ts";

const SCRIPTS = new URL("../../../../scripts/", import.meta.url);

/** What `scripts/seed.ts` is. */
interface SeedScript {
  seed(options: {
    readonly orders: number;
    readonly days: number;
    readonly seed: number;
    readonly env: string | undefined;
    readonly onProgress: (orders: number) => void;
  }): Promise<ReadonlyMap<string, number>>;
}

/**
 * What needs the project itself: wrangler and its configuration, as the owner of the deployment has them.
 * With an installed package alone these say so.
 */
export function addScripts(program: Command, shell: Shell): void {
  program
    .command("seed")
    .summary("fill the database with a shop's past")
    .description(
      "Fills the database with a realistic shop, for trying reports and lists. Adds rows and changes none; " +
        "again with the same options it adds nothing. No mail is sent and no task runs. Goes to the database " +
        "itself by wrangler, not to --url.",
    )
    .addOption(
      new Option("--orders <n>", "so many orders").argParser(integer(1, 1_000_000)).default(10_000),
    )
    .addOption(
      new Option("--days <n>", "over so many days").argParser(integer(1, 3_650)).default(60),
    )
    .addOption(
      new Option("--seed <n>", "the same seed is the same shop")
        .argParser(integer(0, 4_294_967_295))
        .default(1),
    )
    .addOption(
      new Option("--env <name>", "the database of a deployment; without it the local one").choices([
        "staging",
        "production",
      ]),
    )
    .action((options: SeedOptions) => seed(shell, options));
  program
    .command("demo")
    .summary("give a server a shop's work and show what becomes of it")
    .description(
      "Gives a running server a shop's work, all that a shop has, and shows what becomes of it.",
    )
    .action(() => {
      shell.env["LOVAGE_URL"] = shell.url;
      if (shell.token !== null) shell.env["LOVAGE_TOKEN"] = shell.token;
      return run("demo", []);
    });
  for (const [name, summary, usage] of [
    [
      "keys",
      "API keys: create, list, revoke",
      "create --name shop --owner shop --scopes tasks:write,tasks:read [--expires-days 90]\nlist\nrevoke <id>",
    ],
    [
      "admin",
      "accounts of a deployment: create, link, role, list",
      "create --username ada --email ada@example.com [--url https://shop.example.com]\nlink <username>\nrole <username> <role>\nlist",
    ],
  ] as const) {
    program
      .command(name)
      .summary(summary)
      .description(
        `${usage}\n\nGoes to the database itself by wrangler. Add --env staging or --env production for that of a deployment; without it the local one is meant.`,
      )
      .argument("[anything...]", "as above")
      .allowUnknownOption()
      .action(() => run(name, shell.argv.slice(shell.argv.indexOf(name) + 1)));
  }
}

interface SeedOptions {
  readonly orders: number;
  readonly days: number;
  readonly seed: number;
  readonly env?: string;
}

async function seed(shell: Shell, { env, ...options }: SeedOptions): Promise<void> {
  const { output } = shell;
  const script = (await import(scriptOf("seed"))) as SeedScript;
  const progress = new Progress(output, "Seeding", "order");
  progress.show(0, options.orders);
  let rows: ReadonlyMap<string, number>;
  try {
    rows = await script.seed({
      ...options,
      env,
      onProgress: (orders) => {
        shell.signal.throwIfAborted();
        progress.show(orders, options.orders);
      },
    });
  } finally {
    progress.clear();
  }
  output.answer(Object.fromEntries(rows), () => {
    output.table(
      [
        { title: "table", of: ([table]) => table },
        { title: "rows", of: ([, count]) => String(count), align: "right" },
      ],
      [...rows],
    );
  });
}

/** Runs a script in this process, as if it had been called with these arguments. */
async function run(name: string, args: readonly string[]): Promise<void> {
  const script = scriptOf(name);
  // It ends by signals as any script does.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  process.argv.splice(2, Infinity, ...args);
  await import(script);
}

/** @throws CommandError where there is no project around the command line */
function scriptOf(name: string): string {
  const wrangler = new URL("../node_modules/wrangler/package.json", SCRIPTS);
  const script = new URL(`${name}.ts`, SCRIPTS);
  if (existsSync(script) && (name === "demo" || existsSync(wrangler))) return script.href;
  throw new CommandError(
    `${name} works in the project itself: clone it, run npm ci, and call it there.`,
    EXIT.failed,
  );
}
