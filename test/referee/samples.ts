import { appendFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { BUSY_MS } from "./checker.ts";
import { sizeOf } from "./deployment.ts";
import { liveHeapMiB } from "./live-heap.ts";
import { driftsOf } from "./schedules.ts";
import type { Session } from "./session.ts";

const MIB = 1_048_576;
const PROBE_EVERY_MS = 500;
/** The heap is collected and looked at every so many samples. */
const HEAP_EVERY = 3;
/** Slots that are younger than the server by less than this are late because it was not there. */
const RECOVERY_MS = 15_000;

/** One look at everything that must not grow. */
export interface Sample {
  /** Seconds since the steady load began. */
  readonly at: number;
  /** Kills so far: between two of them is a life of the server. */
  readonly life: number;
  /** Resident, of the runtime's processes. */
  readonly memoryMiB: number;
  /** What they hold after a collection; null: not looked at this time. */
  readonly heapMiB: number | null;
  /** Bytes that the shards use, without the figures of each minute, which are kept by design. */
  readonly shardBytes: number;
  /** Bytes of the database, and tasks that have ended since the beginning, by which it grows by design. */
  readonly databaseBytes: number;
  readonly tasksEnded: number;
  readonly backlog: number;
  /** How long lone tasks took, submit to result, since the last look, ms. */
  readonly probesMs: readonly number[];
  /** How late slots were fired since the last look, ms. */
  readonly driftsMs: readonly number[];
  /** Of this very process. */
  readonly harnessMiB: number;
}

/** Looks at a session, and at lone tasks in it all the time. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #session: Session;
  readonly #startedAt = Date.now();
  #probes: number[] = [];
  #isOver = false;
  #driftsSince = Date.now();

  constructor(session: Session) {
    this.#session = session;
    session.loop(PROBE_EVERY_MS, async () => {
      const ms = session.deployment.isUp && !this.#isOver ? await session.workload.probe() : null;
      if (ms !== null) this.#probes.push(ms);
    });
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Nothing is looked at while the server is away. */
  async look(): Promise<void> {
    const { deployment, client, kills, tickers } = this.#session;
    if (!deployment.isUp || this.#isOver) return;
    const since = Math.max(this.#driftsSince, this.#session.startedAt + RECOVERY_MS);
    const until = Date.now();
    const metrics = await client.get("/metrics");
    const drifts = await driftsOf(client, tickers[0]?.name ?? "", since);
    if (metrics.outcome !== "ok" || !deployment.isUp) return;
    this.#driftsSince = until;
    const isHeapDue = this.samples.length % HEAP_EVERY === 0;
    const ended = metrics.text.matchAll(/^lovage_tasks_ended_total\{.*\} (\d+)$/gm);
    const sample: Sample = {
      at: Math.round((until - this.#startedAt) / 1_000),
      life: kills,
      memoryMiB: deployment.memoryMiB,
      heapMiB: isHeapDue ? await liveHeapMiB(deployment.inspectorPort) : null,
      shardBytes: deployment.shards.reduce((sum, path) => sum + usedBytes(path), 0),
      databaseBytes: sizeOf(deployment.database),
      tasksEnded: [...ended].reduce((sum, [, count]) => sum + Number(count), 0),
      backlog: this.#session.backlog(),
      probesMs: this.#probes,
      driftsMs: drifts,
      harnessMiB: Math.round(process.memoryUsage().rss / MIB),
    };
    this.#probes = [];
    this.samples.push(sample);
    appendFileSync(join(deployment.folder, "samples.jsonl"), `${JSON.stringify(sample)}\n`);
  }
}

/** Bytes of the pages of a shard's tables. */
function usedBytes(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    const one = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
    return one("SELECT sum(pgsize) FROM dbstat WHERE name <> 'figures'");
  } finally {
    db.close();
  }
}
