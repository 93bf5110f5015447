import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NO_PROVIDERS } from "./no-providers.ts";
import { killGroup, memoryMiBOf, portsOf, spawnGroup } from "./process-group.ts";
import { isPortTaken, ROOT } from "./wrangler.ts";

const MIGRATIONS = join(ROOT, "migrations/*.sql");
const START_TIMEOUT_MS = 50_000;
/** wrangler finds a free port for the runtime, and lets go of it before the runtime takes it: another may be faster. */
const START_TRIES = 3;

export interface LocalServerOptions {
  readonly port: number;
  /** wrangler's configuration file. */
  readonly config: string;
  /** Where the local data lives; kept over restarts. Where there is none yet, it begins with an empty database. */
  readonly state: string;
  /** Settings besides the server's own. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Certificates that it trusts besides the usual ones: a PEM file. */
  readonly certificates?: string;
  /** Where the runtime lets itself be inspected. Default: the first free port from 9229 on. */
  readonly inspectorPort?: number;
  /**
   * True: `url` is where the Worker itself listens, and not wrangler's proxy before it, which is there to load changed
   * source anew and takes 3 ms of each request. Default false.
   */
  readonly isDirect?: boolean;
  /** A file descriptor that its errors go to. Default: where ours go. */
  readonly errorsTo?: number;
}

/**
 * A `wrangler dev` for tests and benches: in a process group of its own, so that it can be killed with
 * everything it started, as a machine that loses power would.
 */
export class LocalServer {
  readonly #port: number;
  readonly #process: ChildProcess;
  #url: string;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.#url = `http://127.0.0.1:${port}`;
    this.#process = child;
  }

  get url(): string {
    return this.#url;
  }

  /** Starts the server and waits until it answers. */
  static async start(options: LocalServerOptions): Promise<LocalServer> {
    const { port, config, state, certificates } = options;
    const place = ["--config", config, "--persist-to", state];
    const hasDatabase = readFileSync(config, "utf8").includes("d1_databases");
    if (hasDatabase && !existsSync(join(state, "v3"))) {
      cpSync(await emptyState(config), state, { recursive: true });
    }
    const own = { ...NO_PROVIDERS, OPEN_ACCESS: "true", ID_SECRET: "local".repeat(8) };
    const settings = { ...own, ...options.vars };
    const vars = Object.entries(settings).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
    const address = ["--port", String(port), "--ip", "127.0.0.1", "--log-level", "error"];
    const inspector =
      options.inspectorPort === undefined
        ? []
        : ["--inspector-port", String(options.inspectorPort)];
    const trust = certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates };
    const args = ["dev", ...address, ...inspector, ...vars, ...place];
    for (let tries = 1; tries <= START_TRIES; tries += 1) {
      const server = new LocalServer(port, run(args, trust, options.errorsTo));
      if (!(await server.#isReady())) continue;
      if (options.isDirect === true) server.#url = await server.#findRuntime();
      return server;
    }
    throw new Error("The local server did not start.");
  }

  /** Kills the server at once (SIGKILL to its whole group) and waits until its port is closed. */
  async kill(): Promise<void> {
    if (this.#process.pid !== undefined) killGroup(this.#process.pid);
    while (await isPortTaken(this.#port)) await pause(50);
  }

  /** Memory of the server's processes together, MiB; or of those of one name. */
  memoryMiB(program?: string): number {
    return memoryMiBOf([this.#process.pid], program);
  }

  async #findRuntime(): Promise<string> {
    for (const port of portsOf(this.#process.pid)) {
      const url = `http://127.0.0.1:${port}`;
      const answer = port === this.#port ? null : await fetch(`${url}/healthz`).catch(() => null);
      if (answer?.ok === true && (await answer.text()) === (await this.#health())) return url;
    }
    throw new Error("The Worker itself listens nowhere.");
  }

  async #health(): Promise<string> {
    return (await fetch(`${this.#url}/healthz`)).text();
  }

  /** Waits until it answers; if it doesn't, it is killed. */
  async #isReady(): Promise<boolean> {
    const until = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/healthz`).catch(() => null);
      if (answer?.ok === true) return true;
      await pause(100);
    }
    await this.kill();
    return false;
  }
}

/**
 * Local data with an empty database that is up to date. wrangler makes it once for all configurations, whose database
 * is the same: that takes longer than a start.
 */
async function emptyState(config: string): Promise<string> {
  const hash = createHash("sha256");
  // The first says which wrangler it is.
  for (const path of [join(ROOT, "package-lock.json"), ...globSync(MIGRATIONS).toSorted()]) {
    hash.update(readFileSync(path));
  }
  const made = join(ROOT, ".wrangler/empty-states", hash.digest("hex").slice(0, 16));
  if (existsSync(made)) return made;
  // Others may make it too: the first one's stays.
  mkdirSync(dirname(made), { recursive: true });
  const own = mkdtempSync(`${made}-`);
  const place = ["--config", config, "--persist-to", own];
  await finished(run(["d1", "migrations", "apply", "lovage", "--local", ...place]));
  try {
    renameSync(own, made);
  } catch {
    rmSync(own, { recursive: true });
  }
  return made;
}

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  errorsTo: number | "inherit" = "inherit",
): ChildProcess {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  return spawnGroup(process.execPath, [wrangler, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", errorsTo],
    env: {
      ...process.env,
      CI: "1",
      WRANGLER_SEND_METRICS: "false",
      // The local server's own tracing halves its speed, and there is none of it in production.
      X_LOCAL_OBSERVABILITY: "false",
      X_LOCAL_EXPLORER: "false",
      // To compile wrangler is a sixth of its start; what ends by itself (a migration) writes this, all read it.
      NODE_COMPILE_CACHE: join(ROOT, ".wrangler/compile-cache"),
      ...env,
    },
  });
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`wrangler ended with ${code}.`));
    });
  });
}
