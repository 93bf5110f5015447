import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { exitCodeOf, ROOT } from "../wrangler.ts";

/** What wrangler answered. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  /** All that it said. */
  readonly text: string;
}

/** Runs the `wrangler` that is first on PATH, else the project's own; asks nothing. */
export async function wrangler(args: readonly string[]): Promise<Answer> {
  const path = [process.env["PATH"] ?? "", join(ROOT, "node_modules/.bin")].join(delimiter);
  const child = spawn("wrangler", args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PATH: path,
      CI: "1",
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_SEND_ERROR_REPORTS: "false",
    },
  });
  let out = "";
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    out += part;
    text += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return { code: await exitCodeOf(child), out, text };
}
