import {
  changeControls,
  LovageError,
  NO_CONTROLS,
  pauseOf,
  type ControlChange,
  type Controls,
  type DeploymentControl,
  type LiveKind,
  type QueueLength,
  type QueueSurvey,
  type RevokeCount,
  type TaskFilter,
  type TaskRecord,
} from "#engine";
import type { BulkStep } from "../ledger/bulk.ts";
import { FIRST_POSITION, type Position } from "../ledger/selection.ts";

/** Keeps the controls of the deployment: the one place where they change. */
export interface ControlHome {
  controls(): Promise<Controls>;
  control(change: ControlChange): Promise<Controls>;
}

/** One shard, as operators use it. */
export interface ControlledShard {
  configure(controls: Controls): Promise<void>;
  revokeSome(filter: TaskFilter, from: Position, terminate: boolean): Promise<BulkStep>;
  purgeSome(queue: string, from: Position): Promise<BulkStep>;
  survey(): Promise<QueueSurvey[]>;
  list(kind: LiveKind, limit: number): Promise<readonly TaskRecord[]>;
}

/**
 * See `DeploymentControl`. A change is kept before any shard hears of it; a shard that is out of reach
 * gets it with the next round of the watchdog.
 */
export class Control implements DeploymentControl {
  readonly #home: () => ControlHome;
  readonly #shardCount: number;
  readonly #shard: (shard: number) => ControlledShard;
  readonly #queues: ReadonlySet<string>;

  constructor(parts: {
    /** Asked for with every use: what answers belongs to the request. */
    home: () => ControlHome;
    shards: number;
    shard: (shard: number) => ControlledShard;
    queues: ReadonlySet<string>;
  }) {
    this.#home = parts.home;
    this.#shardCount = parts.shards;
    this.#shard = parts.shard;
    this.#queues = parts.queues;
  }

  controls(): Promise<Controls> {
    return this.#home().controls();
  }

  async change(change: ControlChange): Promise<Controls> {
    // Here, because an error that crosses to another object arrives as one of no class.
    changeControls(NO_CONTROLS, change);
    const controls = await this.#home().control(change);
    const told = await Promise.allSettled(this.#shards().map((shard) => shard.configure(controls)));
    const failed = told.find(({ status }) => status === "rejected");
    if (failed !== undefined) {
      throw new LovageError("ledger_unavailable", "A shard will hear of it within a minute.", {
        retryable: true,
        cause: (failed as PromiseRejectedResult).reason,
      });
    }
    return controls;
  }

  async revoke(filter: TaskFilter, terminate: boolean): Promise<RevokeCount> {
    return this.#everywhere((shard, from) => shard.revokeSome(filter, from, terminate));
  }

  async purge(queue: string): Promise<number> {
    return (await this.#everywhere((shard, from) => shard.purgeSome(queue, from))).revoked;
  }

  async queues(): Promise<QueueLength[]> {
    const [controls, ...surveys] = await Promise.all([
      this.controls(),
      ...this.#shards().map((shard) => shard.survey()),
    ]);
    const all = Map.groupBy(surveys.flat(), ({ queue }) => queue);
    return [...new Set([...this.#queues, ...all.keys()])].map((queue) => {
      const parts = all.get(queue) ?? [];
      const sum = (count: (part: QueueSurvey) => number) =>
        parts.reduce((total, part) => total + count(part), 0);
      const oldest = parts.flatMap(({ oldestAt }) => oldestAt ?? []);
      return {
        queue,
        waiting: sum(({ waiting }) => waiting),
        scheduled: sum(({ scheduled }) => scheduled),
        running: sum(({ running }) => running),
        oldestAt: oldest.length === 0 ? null : Math.min(...oldest),
        isPaused: controls.isShutDown || controls.pausedQueues.includes(queue),
        pause: pauseOf(controls, queue),
      };
    });
  }

  async list(kind: LiveKind, limit: number): Promise<TaskRecord[]> {
    const lists = await Promise.all(this.#shards().map((shard) => shard.list(kind, limit)));
    return lists
      .flat()
      .sort((a, b) => (a.dueAt ?? a.submittedAt) - (b.dueAt ?? b.submittedAt))
      .slice(0, limit);
  }

  #shards(): ControlledShard[] {
    return Array.from({ length: this.#shardCount }, (_, shard) => this.#shard(shard));
  }

  async #everywhere(
    step: (shard: ControlledShard, from: Position) => Promise<BulkStep>,
  ): Promise<RevokeCount> {
    const counts = await Promise.all(
      this.#shards().map(async (shard) => {
        const count = { revoked: 0, marked: 0 };
        for (let from: Position | null = FIRST_POSITION; from !== null;) {
          const { revoked, marked, next }: BulkStep = await step(shard, from);
          count.revoked += revoked;
          count.marked += marked;
          from = next;
        }
        return count;
      }),
    );
    return {
      revoked: counts.reduce((sum, { revoked }) => sum + revoked, 0),
      marked: counts.reduce((sum, { marked }) => sum + marked, 0),
    };
  }
}
