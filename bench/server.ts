import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const DIR = ".wrangler/bench";
const CONFIG = `${DIR}/wrangler.toml`;
const ENV = {
  ...process.env,
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  // The local server's own tracing halves its speed, and there is none of it in production.
  X_LOCAL_OBSERVABILITY: "false",
  X_LOCAL_EXPLORER: "false",
};

/** A `wrangler dev` of its own, with the bench's Worker and an empty database. */
export class BenchServer {
  readonly url: string;
  readonly #port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = child;
  }

  static async start(port: number): Promise<BenchServer> {
    rmSync(DIR, { recursive: true, force: true });
    mkdirSync(DIR, { recursive: true });
    const config = readFileSync("wrangler.toml", "utf8")
      .replace('main = "src/worker.ts"', 'main = "../../bench/worker.ts"')
      .replace('migrations_dir = "migrations"', 'migrations_dir = "../../migrations"');
    writeFileSync(CONFIG, config);
    const state = ["--config", CONFIG, "--persist-to", `${DIR}/state`];
    await finished(wrangler(["d1", "migrations", "apply", "lovage", "--local", ...state]));
    const vars = ["--var", "OPEN_ACCESS:true", "--var", `ID_SECRET:${"bench".repeat(8)}`];
    const child = wrangler(
      ["dev", "--port", String(port), "--ip", "127.0.0.1", "--log-level", "error", ...vars, ...state],
      true,
    );
    const server = new BenchServer(port, child);
    await server.#ready();
    return server;
  }

  /** Kills the server with everything it started, and waits until its port is closed. */
  async stop(): Promise<void> {
    if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGKILL");
    while (await isOpen(this.#port)) await pause(50);
  }

  /** Memory of the server's processes together, MiB. */
  memoryMiB(): number {
    const group = this.#process.pid;
    const rows = readProcesses().filter((row) => row.group === group);
    return Math.round(rows.reduce((sum, row) => sum + row.rssKiB, 0) / 1_024);
  }

  async #ready(): Promise<void> {
    const until = Date.now() + 60_000;
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/healthz`).catch(() => null);
      if (answer?.ok === true) return;
      await pause(100);
    }
    await this.stop();
    throw new Error("The bench's server did not start.");
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function wrangler(args: readonly string[], isDetached = false): ChildProcess {
  return spawn("node_modules/.bin/wrangler", args, {
    env: ENV,
    stdio: ["ignore", "ignore", "inherit"],
    detached: isDetached,
  });
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`wrangler ended with ${code}.`));
    });
  });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => {
      resolve(false);
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
