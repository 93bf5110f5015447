import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NO_PROVIDERS } from "./no-providers.ts";
import { isPortTaken, ROOT } from "./wrangler.ts";

const START_TIMEOUT_MS = 90_000;

export interface LocalServerOptions {
  readonly port: number;
  /** wrangler's configuration file. */
  readonly config: string;
  /** Where the local data lives; kept over restarts. */
  readonly state: string;
  /** Settings besides the server's own. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Certificates that it trusts besides the usual ones: a PEM file. */
  readonly certificates?: string;
}

/**
 * A `wrangler dev` for tests and benches: in a process group of its own, so that it can be killed with
 * everything it started, as a machine that loses power would.
 */
export class LocalServer {
  readonly url: string;
  readonly #port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = child;
  }

  /** Brings the local database up to date, starts the server and waits until it answers. */
  static async start(options: LocalServerOptions): Promise<LocalServer> {
    const { port, config, state, certificates } = options;
    const place = ["--config", config, "--persist-to", state];
    await finished(run(["d1", "migrations", "apply", "lovage", "--local", ...place]));
    const own = { ...NO_PROVIDERS, OPEN_ACCESS: "true", ID_SECRET: "local".repeat(8) };
    const settings = { ...own, ...options.vars };
    const vars = Object.entries(settings).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
    const address = ["--port", String(port), "--ip", "127.0.0.1", "--log-level", "error"];
    const trust = certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates };
    const server = new LocalServer(port, run(["dev", ...address, ...vars, ...place], trust));
    await server.#ready();
    return server;
  }

  /** Kills the server at once (SIGKILL to its whole group) and waits until its port is closed. */
  async kill(): Promise<void> {
    if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGKILL");
    while (await isPortTaken(this.#port)) await pause(50);
  }

  /** Memory of the server's processes together, MiB. */
  memoryMiB(): number {
    const mine = readProcesses().filter((row) => row.group === this.#process.pid);
    return Math.round(mine.reduce((sum, row) => sum + row.rssKiB, 0) / 1_024);
  }

  async #ready(): Promise<void> {
    const until = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/healthz`).catch(() => null);
      if (answer?.ok === true) return;
      await pause(100);
    }
    await this.kill();
    throw new Error("The local server did not start.");
  }
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      CI: "1",
      WRANGLER_SEND_METRICS: "false",
      // The local server's own tracing halves its speed, and there is none of it in production.
      X_LOCAL_OBSERVABILITY: "false",
      X_LOCAL_EXPLORER: "false",
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

/** Process group and resident memory of every process, from /proc. */
function readProcesses(): { group: number; rssKiB: number }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return [{ group: Number(fields[2]), rssKiB: Number(fields[21]) * 4 }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}
