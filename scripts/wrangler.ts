import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";

/** The project's folder. */
export const ROOT = join(import.meta.dirname, "..");

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const STOP_WITH_PARENT = new URL("stop-with-parent.ts", import.meta.url).href;

/**
 * Starts wrangler so that it asks nothing, reports nothing to anybody and does not outlive this process,
 * however that ends.
 * @param output where what it says goes: where ours goes, or into `stdout` and `stderr`
 */
export function startWrangler(args: readonly string[], output: "inherit" | "pipe"): ChildProcess {
  const options = [process.env["NODE_OPTIONS"] ?? "", `--import=${STOP_WITH_PARENT}`];
  return spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    stdio: ["ignore", output, output],
    env: {
      ...process.env,
      NODE_OPTIONS: options.join(" ").trim(),
      CI: "1",
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_SEND_ERROR_REPORTS: "false",
      // The local server's own tracing halves its speed; Lovage shows its tasks itself.
      X_LOCAL_OBSERVABILITY: "false",
    },
  });
}

/** Waits until a process has ended. @returns its exit code; 1 if a signal ended it */
export function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

/** Runs wrangler to its end. @returns its exit code and all it said */
export async function runWrangler(
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string }> {
  const child = startWrangler(args, "pipe");
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  return { code: await exitCodeOf(child), text };
}

/** Whether something accepts connections on this port of localhost. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "localhost" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
