import { spawn } from "node:child_process";
import { join } from "node:path";

export const LAUNCHER = join(import.meta.dirname, "../../src/delivery/cli/lovage.mjs");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** As soon as stdout or stderr has that text. */
  said(text: string): Promise<void>;
  type(keys: string): void;
  signal(name: NodeJS.Signals): void;
}

/** Starts a program with this project's Node, and gives it up after a minute. */
export function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const { LOVAGE_URL: _url, LOVAGE_TOKEN: _token, NO_COLOR: _color, ...inherited } = process.env;
  const child = spawn(program, args, {
    env: { ...inherited, ...env },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  let stdout = "";
  let stderr = "";
  let look = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    look();
  });
  return {
    ended,
    said: (text) =>
      Promise.race([
        new Promise<void>((resolve) => {
          look = () => {
            if ((stdout + stderr).includes(text)) resolve();
          };
          look();
        }),
        ended.then(() => {
          if (!(stdout + stderr).includes(text))
            throw new Error(`It ended and had said: ${stdout}${stderr}`);
        }),
      ]),
    type: (keys) => child.stdin.write(keys),
    signal: (name) => child.kill(name),
  };
}

/** What `script` of util-linux runs a command on: a terminal of 120 columns and 24 lines. */
export function onTerminal(command: string, env: Readonly<Record<string, string>> = {}): Running {
  const call = `stty rows 24 cols 120; ${command}`;
  return start("script", ["-qefc", call, "/dev/null"], { TERM: "xterm-256color", ...env });
}
