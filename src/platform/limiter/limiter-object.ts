import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { ObjectSql } from "../ledger/object-ports.ts";
import { nameOfShard } from "../ledger/shard-name.ts";
import { log } from "../log.ts";
import { systemClock } from "../system.ts";
import { TaskLimiter } from "./limiter.ts";
import type { Holder, LimitAnswer, LimitRequest } from "./protocol.ts";

/** The Durable Object that limits the tasks of one name: binds the platform to the limiter's ports. */
export class LimiterObject extends DurableObject<Env> {
  readonly #limiter: TaskLimiter;
  readonly #sql: ObjectSql;
  #requests = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const name = ctx.id.name ?? "";
    this.#sql = new ObjectSql(ctx.storage);
    this.#limiter = new TaskLimiter({
      clock: systemClock,
      sql: this.#sql,
      nudge: (shard, nudge) => env.LEDGER.getByName(nameOfShard(shard)).nudge(name, nudge),
      background: (work) => {
        ctx.waitUntil(work);
      },
      log: (event, fields) => {
        log(event, { limiter: name, ...fields });
      },
    });
  }

  async ask(request: LimitRequest): Promise<LimitAnswer> {
    this.#requests += 1;
    return this.#limiter.ask(request);
  }

  /** The tasks that hold places of this key, or of all keys. */
  async holders(key: string | null): Promise<Holder[]> {
    this.#requests += 1;
    return this.#limiter.holders(key);
  }

  /** What it has cost since its object started, in the units the platform bills, and the tasks that hold places. */
  async stats(): Promise<{ rows: number; requests: number; running: number }> {
    const running = this.#limiter.holders(null).length;
    return { rows: this.#sql.rowsWritten(), requests: this.#requests, running };
  }
}
