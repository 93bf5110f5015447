import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { killGroup, spawnGroup } from "../../scripts/process-group.ts";

const ANSWER_TIMEOUT_MS = 180_000;
const PORT_TIMEOUT_MS = 10_000;
const PORT_PAUSE_MS = 5;

export interface ProgramOptions {
  /** The folder that it runs in. */
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process in a group of its own, so that it can be killed with everything it started. */
export class Program {
  readonly child: ChildProcess;

  constructor(command: readonly string[], { dir, env = {} }: ProgramOptions) {
    const [file = "", ...args] = command;
    this.child = spawnGroup(file, args, {
      cwd: dir,
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    // Kept from ending us: who asks it something is told.
    this.child.on("error", () => undefined);
    this.child.stdin?.on("error", () => undefined);
  }

  /** The process group; undefined: it could not be started. */
  get group(): number | undefined {
    return this.child.pid;
  }

  kill(): void {
    if (this.group !== undefined) killGroup(this.group);
  }
}

/** A program that does what it is told, one line of JSON for another, one at a time. */
export class Client {
  readonly #program: Program;
  readonly #lines: AsyncIterator<string>;

  constructor(command: readonly string[], options: ProgramOptions) {
    this.#program = new Program(command, options);
    const { stdout } = this.#program.child;
    if (stdout === null) throw new Error(`${command.join(" ")} can't be asked anything.`);
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error if it ends or takes too long */
  async ask<Answer>(what: string, given: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    this.#program.child.stdin?.write(`${JSON.stringify({ do: what, ...given })}\n`);
    const late = new AbortController();
    const answer = await Promise.race([
      this.#lines.next(),
      pause(ANSWER_TIMEOUT_MS, null, { signal: late.signal }),
    ]).finally(() => {
      late.abort();
    });
    if (answer === null || answer.done === true) {
      throw new Error(
        `No answer to '${what}': ${answer === null ? "it takes too long" : "it ended"}.`,
      );
    }
    return JSON.parse(answer.value) as Answer;
  }

  kill(): void {
    this.#program.kill();
  }
}

/** A Redis of our own, on its own port, with its file in its own folder. */
export class Redis {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /**
   * @param isSynced whether what is accepted is on the disk before the answer; otherwise as Debian configures
   *   it: snapshots now and then
   */
  static async start(dir: string, port: number, isSynced: boolean): Promise<Redis> {
    const file = isSynced ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
    const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir];
    const redis = new Redis(new Program(["redis-server", ...address, ...file], { dir }));
    const until = Date.now() + PORT_TIMEOUT_MS;
    // After a kill it loads what it had first, and refuses everything meanwhile.
    while (!(await isReady(port))) {
      if (Date.now() > until) throw new Error("Redis did not start.");
      await pause(PORT_PAUSE_MS);
    }
    return redis;
  }

  get group(): number | undefined {
    return this.#program.group;
  }

  kill(): void {
    this.#program.kill();
  }
}

/** Whether a Redis answers a PING. */
function isReady(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => {
    socket.write("PING\r\n");
  });
  socket.once("data", (answer) => {
    resolve(answer.toString().startsWith("+PONG"));
  });
  socket.once("error", () => {
    resolve(false);
  });
  return promise.finally(() => {
    socket.destroy();
  });
}
