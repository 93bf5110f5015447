import type { FinishedTask, Lovage, Registry, TaskRecord } from "#engine";
import { drain } from "#platform/consumer/drain.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import { DEFAULT_LEDGER_SETTINGS } from "#platform/ledger/protocol.ts";
import type { LimitsPort } from "#platform/limiter/protocol.ts";
import type { ResultTexts } from "./settings.ts";
import { SimSql } from "./sim-sql.ts";
import type { World } from "./world.ts";
import { UNWATCHED } from "./unwatched.ts";
import { WorldAlarm } from "./world-alarm.ts";

/** What the shards of one test deployment have in common. */
export interface TestParts<Services> {
  readonly world: World;
  readonly registry: Registry<Services>;
  readonly services: Services;
  readonly lovageFor: (owner: string, trace: string) => Lovage;
  readonly results: ResultTexts;
  readonly history: Map<string, FinishedTask>;
  readonly limits: LimitsPort;
  /** Lets work go on by itself; what it fails with ends the test. */
  readonly background: (work: Promise<unknown>) => void;
}

/** One shard: the real ledger and the real consumer, next to each other and without faults. */
export class TestShard<Services> {
  readonly ledger: TaskLedger;
  readonly #parts: TestParts<Services>;

  constructor(shard: number, parts: TestParts<Services>) {
    this.#parts = parts;
    const { world, registry, history, limits, background } = parts;
    this.ledger = new TaskLedger(
      {
        shard,
        clock: world,
        timers: world,
        sql: new SimSql(),
        alarm: new WorldAlarm(world, () => {
          this.ledger.tick();
        }),
        history: {
          write: async (tasks) => {
            for (const task of tasks) history.set(task.id, task);
          },
          fingerprints: async (ids) =>
            new Map(ids.flatMap((id) => pairOf(id, history.get(id)?.fingerprint))),
        },
        limits,
        limitsOf: (name) => registry.find(name)?.limits ?? null,
        keyOf: (name, kwargs) => {
          try {
            return registry.keyOf(name, kwargs);
          } catch {
            // As deployed: arguments that don't fit fail at the run.
            return null;
          }
        },
        ring: async (queue) => {
          world.after(0, () => {
            background(this.#consume(queue, 1));
          });
        },
        runDirectly: async (queue) => {
          await this.#consume(queue, 0);
        },
        ...UNWATCHED,
        background,
        log: () => undefined,
      },
      DEFAULT_LEDGER_SETTINGS,
    );
  }

  /** A live task, and why it waits; null: it is none of this shard's live ones. */
  read(taskId: string): TaskRecord | null {
    const task = this.ledger.get(taskId);
    const waiting = task === null ? null : this.ledger.questions.whyWaiting(taskId);
    return task === null || waiting === null ? task : { ...task, waiting };
  }

  #consume(queue: string, bells: number): Promise<number> {
    const { ledger } = this;
    const { world, registry, services, lovageFor, results } = this.#parts;
    return drain(
      {
        ledger: {
          exchange: async (request) => ledger.exchange(request),
          heartbeat: async (held, reports) => ledger.heartbeat(held, reports),
          report: async (reports) => {
            ledger.report(reports);
          },
          durable: async (id, token) => ledger.durable(id, token),
          input: async (at) => ledger.input(at),
          recordSteps: async (entries) => ledger.recordSteps(entries),
        },
        registry,
        supplies: { services, lovageFor, largeResults: results },
        clock: world,
        random: world,
        timers: world,
        log: () => undefined,
      },
      queue,
      bells,
    );
  }
}

function pairOf<T>(id: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[id, value]];
}
