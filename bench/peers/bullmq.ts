import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { QueueOnRedis, type RedisOptions } from "./queue-on-redis.ts";
import type { System } from "./system.ts";

const DIR = import.meta.dirname;

/** BullMQ with one worker process, as its documentation begins with. */
export function bullmq(name: string, title: string, redis: RedisOptions = {}): System {
  const program = (file: string) => (port: number) => [
    process.execPath,
    join(DIR, "bullmq", file),
    String(port),
  ];
  const parts = {
    ...redis,
    worker: program("worker.ts"),
    client: program("client.ts"),
    options: () => ({ dir: DIR }),
  };
  return {
    name,
    title,
    sizes: { bulk: 20_000, single: 5_000, http: 3_000 },
    missing() {
      if (!existsSync(join(DIR, "node_modules/bullmq")))
        return "npm run bench -- --peers --install";
      const server = spawnSync("redis-server", ["--version"]);
      return server.status === 0 ? null : "apt-get install redis-server";
    },
    start: (place) => QueueOnRedis.start(parts, place),
  };
}

/** Installs what is in bench/peers/package.json. @throws Error if npm can't */
export function installBullmq(): void {
  // Not `npm ci`: a registry may have none of the packages that are for other platforms.
  const args = [
    "install",
    "--no-save",
    "--prefix",
    DIR,
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
  ];
  const { status } = spawnSync("npm", args, { stdio: "inherit" });
  if (status !== 0) throw new Error("npm could not install bench/peers.");
}
