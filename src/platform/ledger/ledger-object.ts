import { DurableObject } from "cloudflare:workers";
import type { SubmitAnswer, TaskRecord, TaskSpec } from "#engine";
import type { LedgerDoor } from "../consumer/drain.ts";
import { ring } from "../doorbell.ts";
import type { Env } from "../env.ts";
import { History } from "../history/history.ts";
import { log } from "../log.ts";
import { systemClock, systemTimers } from "../system.ts";
import {
  TaskLedger,
  type Exchange,
  type ExchangeAnswer,
  type GoneTask,
  type LedgerStats,
} from "./ledger.ts";
import { ObjectAlarm, ObjectSql } from "./object-ports.ts";
import { SocketWatchers } from "./socket-watchers.ts";

/** After an alarm that failed, the next one. */
const ALARM_RETRY_MS = 5_000;

/** What a ledger calls to have a queue's work done without a doorbell: this Worker's own entrypoint. */
interface ConsumerExport {
  Consumer: { drain(shard: number, queue: string): Promise<number> };
}

/** The Durable Object of one ledger shard: binds the platform to the ledger's ports, and nothing else. */
export class LedgerObject extends DurableObject<Env> implements LedgerDoor {
  readonly #shard: number;
  readonly #ledger: TaskLedger;
  readonly #watchers: SocketWatchers;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shard = shardOfName(ctx.id.name);
    this.#watchers = new SocketWatchers(ctx);
    const sql = new ObjectSql(ctx.storage);
    this.#ledger = new TaskLedger({
      clock: systemClock,
      timers: systemTimers,
      sql,
      alarm: new ObjectAlarm(ctx.storage, sql),
      history: new History(env.DB),
      ring: (queue) => ring(env, { shard: this.#shard, queue }),
      runDirectly: async (queue) => {
        const { Consumer } = ctx.exports as unknown as ConsumerExport;
        await Consumer.drain(this.#shard, queue);
      },
      watchers: this.#watchers,
      background: (work) => {
        ctx.waitUntil(work);
      },
      log: (event, fields) => {
        log(event, { shard: this.#shard, ...fields });
      },
    });
  }

  submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    return this.#ledger.submit(specs);
  }

  async exchange(request: Exchange): Promise<ExchangeAnswer> {
    return this.#ledger.exchange(request);
  }

  async heartbeat(held: ReadonlyMap<number, readonly string[]>): Promise<GoneTask[]> {
    return this.#ledger.heartbeat(held);
  }

  async read(taskId: string): Promise<TaskRecord | null> {
    return this.#ledger.get(taskId);
  }

  async revoke(taskId: string, terminate: boolean): Promise<TaskRecord | null> {
    return this.#ledger.revoke(taskId, terminate);
  }

  async stats(): Promise<LedgerStats> {
    return this.#ledger.stats();
  }

  /** The watchdog's call: does what the alarm does, and sets it again should it be lost. */
  async tick(): Promise<void> {
    this.#ledger.tick();
  }

  /** Never throws: an alarm that threw seven times would be dropped for ever. */
  override async alarm(): Promise<void> {
    try {
      this.#ledger.tick();
    } catch (error) {
      log("alarm_failed", { shard: this.#shard, error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  /** Opens a watch of one task (the last part of the path). 404: not here, ask the history. */
  override async fetch(request: Request): Promise<Response> {
    const taskId = new URL(request.url).pathname.slice(1);
    const task = this.#ledger.get(taskId);
    return task === null ? new Response(null, { status: 404 }) : this.#watchers.open(task);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#watchers.closed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#watchers.closed(socket);
  }
}

/** The name under which the directory addresses a shard. */
export function nameOfShard(shard: number): string {
  return `shard-${shard}`;
}

function shardOfName(name: string | undefined): number {
  const shard = Number(name?.slice("shard-".length));
  if (!Number.isInteger(shard)) throw new Error(`'${name}' is not the name of a ledger shard.`);
  return shard;
}
