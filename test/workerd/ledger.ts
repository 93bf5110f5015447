import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { mintTaskId, type FinishedTask, type TaskRecord, type TaskSpec } from "#engine";
import { History } from "#platform/history/history.ts";
import { ObjectSql } from "#platform/ledger/object-ports.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import type { SqlValue } from "#platform/ledger/ports.ts";
import type { Exchange } from "#platform/ledger/protocol.ts";
import { UNWATCHED } from "../../src/testing/unwatched.ts";

/** The world around a ledger on real storage: tests break it as they like. */
export class World {
  now = 1_800_000_000_000;
  /** Queues whose bell rang. */
  readonly rung: string[] = [];
  /** Queues that were to be run without a bell. */
  readonly ranDirectly: string[] = [];
  readonly work: Promise<void>[] = [];
  armedAt: number | null = null;
  isRingBroken = false;
  /** Called before and after each write to D1; throw to fail it. */
  beforeWrite: () => void = () => undefined;
  afterWrite: () => void = () => undefined;

  /** Lets what runs in the background end. */
  async settled(): Promise<void> {
    while (this.work.length > 0) await this.work.shift();
  }
}

let shards = 1_000;

/** Runs `test` inside a Durable Object of its own, with a ledger on its storage and a world to break. */
export function withLedger(
  test: (parts: {
    world: World;
    ledger: TaskLedger;
    /** A new ledger on the same storage, as after an eviction. */
    restart: () => TaskLedger;
    /** Rows that all of them have read of its storage. */
    rowsRead: () => number;
    shard: number;
  }) => Promise<void>,
): Promise<void> {
  shards += 1;
  const shard = shards;
  return runInDurableObject(env.LEDGER.getByName(`shard-${shard}`), async (_object, state) => {
    const world = new World();
    const sql = new ReadingSql(state.storage);
    const restart = () => createLedger(world, sql);
    await test({ world, ledger: restart(), restart, rowsRead: () => sql.rowsRead(), shard });
  });
}

/** Counts rows read, too, of statements that have been read to their end or left. */
class ReadingSql extends ObjectSql {
  #read = 0;
  readonly #open = new Set<SqlStorageCursor<Record<string, SqlValue>>>();

  override exec<Row extends Record<string, SqlValue>>(
    sql: string,
    ...params: SqlValue[]
  ): Iterable<Row> {
    const cursor = super.exec<Row>(sql, ...params) as SqlStorageCursor<Row>;
    this.#open.add(cursor);
    return cursor;
  }

  rowsRead(): number {
    for (const { rowsRead } of this.#open) this.#read += rowsRead;
    this.#open.clear();
    return this.#read;
  }
}

function createLedger(world: World, sql: ObjectSql): TaskLedger {
  const history = new History(env.DB);
  return new TaskLedger({
    shard: 0,
    clock: { now: () => world.now },
    timers: {
      after: (_ms, fn) => {
        const timer = setTimeout(fn, 0);
        return () => {
          clearTimeout(timer);
        };
      },
    },
    sql,
    alarm: {
      get at() {
        return world.armedAt;
      },
      set: (at) => {
        world.armedAt = at;
      },
    },
    history: {
      fingerprints: (ids) => history.fingerprints(ids),
      write: async (tasks: readonly FinishedTask[]) => {
        world.beforeWrite();
        await history.write(tasks);
        world.afterWrite();
      },
    },
    limits: { ask: () => Promise.reject(new Error("no limiter")) },
    limitsOf: () => null,
    keyOf: () => null,
    ring: async (queue) => {
      if (world.isRingBroken) throw new Error("10250: queue overloaded");
      world.rung.push(queue);
    },
    runDirectly: async (queue) => {
      world.ranDirectly.push(queue);
    },
    ...UNWATCHED,
    background: (work) => {
      world.work.push(work);
    },
    log: () => undefined,
  });
}

let minted = 0;

/** A task as the client submits it. */
export function spec(shard: number, over: Partial<TaskSpec> = {}): TaskSpec {
  minted += 1;
  const random = new Uint8Array(8);
  new DataView(random.buffer).setUint32(4, minted);
  return {
    id: mintTaskId(1_800_000_000_000, shard, random),
    name: "process_data",
    queue: "default",
    priority: 0,
    kwargs: '{"data":"hello"}',
    owner: "anonymous",
    key: null,
    dueAt: null,
    expiresAt: null,
    options: {},
    fingerprint: null,
    ...over,
  };
}

/** A task from the ledger or, once it left, from the history. */
export async function read(ledger: TaskLedger, taskId: string): Promise<TaskRecord | null> {
  return ledger.get(taskId) ?? (await new History(env.DB).find(taskId));
}

/** A consumer's step that claims up to `claim` tasks. */
export function claiming(claim: number, over: Partial<Exchange> = {}): Exchange {
  return { queue: "default", settlements: [], claim, isIdle: true, bells: 0, ...over };
}

/** A consumer's step that settles tasks with success. */
export function succeeding(token: number, ids: readonly string[], result = "1"): Exchange {
  const settlements = ids.map((id) => ({
    id,
    token,
    outcome: { kind: "success" as const, result },
    runtimeMs: 1,
  }));
  return claiming(0, { settlements });
}
