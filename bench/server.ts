import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalServer } from "../scripts/local-server.ts";
import { ROOT } from "../scripts/wrangler.ts";

const PORT = Number(process.env["BENCH_PORT"] ?? 8790);
const DIR = ".wrangler/bench";

/**
 * Writes the deployment's own configuration with the bench's Worker into a folder, and without static files: the
 * local server has a router of its own before the Worker for them.
 * @returns the file
 */
export function writeConfig(dir: string): string {
  const config = readFileSync(join(ROOT, "wrangler.toml"), "utf8")
    .replace('main = "src/worker.ts"', `main = "${ROOT}/bench/worker.ts"`)
    .replace('migrations_dir = "migrations"', `migrations_dir = "${ROOT}/migrations"`)
    .replace(/^\[assets\]\n(?:\w.*\n)*/m, "");
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "wrangler.toml");
  writeFileSync(file, config);
  return file;
}

/** The bench's own deployment, with an empty database. */
export function startServer(vars: Readonly<Record<string, string>>): Promise<LocalServer> {
  rmSync(DIR, { recursive: true, force: true });
  const place = { port: PORT, config: writeConfig(DIR), state: `${DIR}/state` };
  return LocalServer.start({ ...place, isDirect: true, vars });
}
