import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { QueueOnRedis, type RedisOptions } from "./queue-on-redis.ts";
import type { System } from "./system.ts";

/** Debian's own, that its packages are for. */
const PYTHON = "/usr/bin/python3";
/** Processes of the worker: one for each core of the machine that the table was made on. */
const CONCURRENCY = 2;
const DIR = join(import.meta.dirname, "celery");

export interface CeleryOptions extends RedisOptions {
  /** Whether a message is taken out after its task, and given back when a process dies: off by default. */
  readonly acksLate?: boolean;
}

/** Celery with Redis for broker and results, and the prefork worker: what its documentation begins with. */
export function celery(
  name: string,
  title: string,
  { acksLate = false, ...redis }: CeleryOptions = {},
): System {
  const parts = {
    ...redis,
    worker: () => {
      const args = ["--concurrency", String(CONCURRENCY), "--loglevel", "ERROR"];
      return [PYTHON, "-W", "ignore", "-m", "celery", "-A", "tasks", "worker", ...args];
    },
    client: () => [PYTHON, "client.py"],
    options: (port: number) => ({
      dir: DIR,
      env: {
        PEER_REDIS: `redis://127.0.0.1:${port}`,
        PEER_ACKS_LATE: acksLate ? "1" : "0",
        PYTHONDONTWRITEBYTECODE: "1",
      },
    }),
  };
  return {
    name,
    title,
    sizes: { bulk: 3_000, single: 2_000, http: 600 },
    missing() {
      const python = spawnSync(PYTHON, ["-c", "import celery, redis"]);
      const server = spawnSync("redis-server", ["--version"]);
      if (python.status === 0 && server.status === 0) return null;
      return "apt-get install celery python3-redis redis-server";
    },
    start: (place) => QueueOnRedis.start(parts, place),
  };
}
