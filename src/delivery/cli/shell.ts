import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import type { ReadStream, WriteStream } from "node:tty";
import type { Command } from "commander";
import { Deployment, TIMEOUT_MS } from "./deployment.ts";
import { UsageError } from "./failures.ts";
import { Output } from "./output.ts";

/** Options that every command takes, wherever they stand. */
interface CommonOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const DEFAULT_URL = "http://localhost:8787";

/** What the commands work with: where they talk to, and the terminal they were called on. */
export class Shell {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** What stands behind `lovage`. */
  readonly argv: readonly string[];
  /** Aborts with an `InterruptedError` when a signal asks for the end. */
  readonly signal: AbortSignal;
  readonly #program: Command;
  #timeoutMs = TIMEOUT_MS;

  constructor(
    process: Pick<NodeJS.Process, "stdin" | "stdout" | "stderr" | "env" | "argv">,
    program: Command,
    signal: AbortSignal,
  ) {
    this.stdin = process.stdin;
    this.stdout = process.stdout;
    this.stderr = process.stderr;
    this.env = process.env;
    this.argv = process.argv.slice(2);
    this.#program = program;
    this.signal = signal;
  }

  get #options(): CommonOptions {
    return this.#program.opts<CommonOptions>();
  }

  get url(): string {
    return this.#options.url ?? (this.env["LOVAGE_URL"] || DEFAULT_URL);
  }

  /** Null: access is open, or the deployment says what is missing. */
  get token(): string | null {
    return this.#options.token ?? (this.env["LOVAGE_TOKEN"] || null);
  }

  get deployment(): Deployment {
    return this.connect(this.signal);
  }

  /** The deployment, for whoever stops sooner than the command. */
  connect(signal: AbortSignal): Deployment {
    return new Deployment({ url: this.url, token: this.token, signal, timeoutMs: this.#timeoutMs });
  }

  /** How long an answer may take from now on, where a command doesn't know better. */
  answerWithin(seconds: number): void {
    // Timers count no further than 24 days.
    this.#timeoutMs = Math.min(seconds, 86_400) * 1_000;
  }

  get output(): Output {
    const { json = false, color } = this.#options;
    const hasNoColor = (this.env["NO_COLOR"] ?? "") !== "" || this.env["TERM"] === "dumb";
    const isColoured = color && !hasNoColor;
    return new Output({ isJson: json, isColoured, stdout: this.stdout, stderr: this.stderr });
  }

  /**
   * Asks before what can't be undone.
   * @param warning what will happen
   * @throws UsageError where nobody can be asked
   */
  async confirm(warning: string, question: string): Promise<boolean> {
    if (!this.stdin.isTTY || !this.stderr.isTTY) {
      throw new UsageError("Nobody can be asked here: say -f to do it without asking.");
    }
    this.stderr.write(`${warning}\n`);
    const lines = createInterface({ input: this.stdin, output: this.stderr });
    // Where Ctrl-C is pressed at a question, it is the question that hears of it.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      const answer = await lines.question(`${question} [y/N]: `, { signal: this.signal });
      return /^y(es)?$/i.test(answer.trim());
    } catch (error) {
      this.signal.throwIfAborted();
      throw error;
    } finally {
      lines.close();
    }
  }

  /** The JSON of a file, or of what comes in where the file is `-`. @throws UsageError */
  readJson(file: string): unknown {
    let text: string;
    try {
      text = readFileSync(file === "-" ? 0 : file, "utf8");
    } catch (error) {
      throw new UsageError(`${file} can't be read: ${(error as Error).message}.`);
    }
    return jsonOf(text, file);
  }
}

/** @throws UsageError naming what is no JSON */
function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${what}: not JSON (${(error as Error).message}).`);
  }
}
