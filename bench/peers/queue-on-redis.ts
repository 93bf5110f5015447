import { memoryMiBOf } from "../../scripts/process-group.ts";
import { Client, Program, Redis, type ProgramOptions } from "./program.ts";
import type { Place, Running } from "./system.ts";

export interface RedisOptions {
  /** Whether Redis syncs its file before it answers; absent: as Debian configures it. */
  readonly isSynced?: boolean;
  /** Whether Redis is killed with the worker. */
  readonly isKilledWhole?: boolean;
}

/** How the parts of a system on Redis are started. */
export interface RedisParts extends RedisOptions {
  readonly worker: (port: number) => readonly string[];
  readonly client: (port: number) => readonly string[];
  readonly options: (port: number) => ProgramOptions;
}

/** Celery and BullMQ: a Redis, a worker, and an application that calls. */
export class QueueOnRedis implements Running {
  readonly #parts: RedisParts;
  readonly #place: Place;
  #redis: Redis;
  readonly #client: Client;
  #worker: Program;

  private constructor(parts: RedisParts, place: Place, redis: Redis) {
    this.#parts = parts;
    this.#place = place;
    this.#redis = redis;
    this.#worker = this.#startWorker();
    this.#client = new Client(parts.client(place.port), parts.options(place.port));
  }

  static async start(parts: RedisParts, place: Place): Promise<QueueOnRedis> {
    const redis = await Redis.start(place.dir, place.port, parts.isSynced === true);
    const running = new QueueOnRedis(parts, place, redis);
    try {
      await running.latency(1);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  bulk(count: number): Promise<number> {
    return this.#client.ask("bulk", { count });
  }

  single(count: number): Promise<number> {
    return this.#client.ask("single", { count });
  }

  http(count: number, url: string): Promise<number> {
    return this.#client.ask("http", { count, url });
  }

  latency(count: number): Promise<number[]> {
    return this.#client.ask("latency", { count });
  }

  chain(count: number): Promise<number[]> {
    return this.#client.ask("chain", { count });
  }

  chord(count: number): Promise<number[]> {
    return this.#client.ask("chord", { count });
  }

  async effects(count: number, url: string): Promise<void> {
    await this.#client.ask("effects", { count, url });
  }

  held(): Promise<number> {
    return this.#client.ask("held");
  }

  killWorker(): Promise<void> {
    this.#worker.kill();
    if (this.#parts.isKilledWhole === true) this.#redis.kill();
    return Promise.resolve();
  }

  async restartWorker(): Promise<void> {
    const { isKilledWhole, isSynced } = this.#parts;
    if (isKilledWhole === true) {
      this.#redis = await Redis.start(this.#place.dir, this.#place.port, isSynced === true);
    }
    this.#worker = this.#startWorker();
  }

  memoryMiB(): number {
    return memoryMiBOf([this.#redis.group, this.#worker.group]);
  }

  stop(): Promise<void> {
    this.#client.kill();
    this.#worker.kill();
    this.#redis.kill();
    return Promise.resolve();
  }

  #startWorker(): Program {
    return new Program(this.#parts.worker(this.#place.port), this.#parts.options(this.#place.port));
  }
}
