import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/wrangler.ts";

/** The deployment's configuration with the Worker of these tests, which has tasks to look at. */
export function ownWorkerConfig(): string {
  const folder = join(ROOT, ".wrangler/browser");
  mkdirSync(folder, { recursive: true });
  const config = readFileSync(join(ROOT, "wrangler.toml"), "utf8")
    .replace('main = "src/worker.ts"', 'main = "../../test/browser-worker/worker.ts"')
    .replace('directory = "public"', 'directory = "../../public"')
    .replace('migrations_dir = "migrations"', 'migrations_dir = "../../migrations"');
  const path = join(folder, "wrangler.toml");
  writeFileSync(path, config);
  return path;
}
