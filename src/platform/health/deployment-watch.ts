import type {
  AgentReport,
  Clock,
  Controls,
  Finding,
  SystemFigure,
  SystemReport,
  SystemWatch,
  Timers,
  Usage,
} from "#engine";
import {
  beatReport,
  cronReport,
  relayReport,
  shardReports,
  unreachable,
  watchdogReports,
} from "./agent-reports.ts";
import type { DatabaseLook } from "./database-look.ts";
import { findingsIn } from "./findings.ts";
import type { BeatHealth, ShardHealth, WatchdogHealth } from "./health.ts";
import { within } from "./within.ts";

/** Whoever says nothing for so long counts as out of reach. */
const ANSWER_MS = 3_000;
/** What the platform gives each database, of D1 and of an object: 10 GB. */
const MAX_DATABASE_BYTES = 10_000_000_000;

export interface WatchParts {
  readonly watchdog: () => { health(): Promise<WatchdogHealth>; controls(): Promise<Controls> };
  readonly beat: () => { health(): Promise<BeatHealth> };
  readonly shard: (shard: number) => { health(isCounting: boolean): Promise<ShardHealth> };
  readonly shards: number;
  /** Finished tasks of a shard that may wait for D1. */
  readonly maxUnflushed: number;
  readonly database: () => Promise<DatabaseLook>;
  readonly environment: SystemReport["environment"];
  /** What is risky about the settings. */
  readonly risks: readonly Finding[];
  readonly clock: Clock;
  readonly timers: Timers;
}

const RELAY = "Takes tasks from the outbox in D1 to their ledgers.";

/** What everybody answered; null: nothing in time. */
interface Answers {
  readonly dog: WatchdogHealth | null;
  readonly controls: Controls | null;
  readonly beat: BeatHealth | null;
  readonly database: DatabaseLook | null;
  readonly shards: readonly (ShardHealth | null)[];
}

/** Asks all objects of the deployment, at once, how they are. Rows written: see health.ts. */
export class DeploymentWatch implements SystemWatch {
  readonly #parts: WatchParts;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  report(): Promise<SystemReport> {
    return this.#report(true);
  }

  /** The same without counts of live tasks, so that it reads nothing of single ones. */
  brief(): Promise<SystemReport> {
    return this.#report(false);
  }

  async #report(isCounting: boolean): Promise<SystemReport> {
    const { clock, environment, risks } = this.#parts;
    const answers = await this.#ask(isCounting);
    const at = clock.now();
    return {
      at,
      environment,
      agents: this.#agents(answers, at),
      usage: this.#usage(answers),
      figures: figuresOf(answers),
      findings: [...findingsIn(answers.controls, answers.database), ...risks],
    };
  }

  async #ask(isCounting: boolean): Promise<Answers> {
    const { watchdog, beat, shard, shards, database, timers } = this.#parts;
    const ask = <T>(call: () => Promise<T>) =>
      within(timers, ANSWER_MS, call).catch((): null => null);
    const [dog, controls, clockwork, look, ...all] = await Promise.all([
      ask(() => watchdog().health()),
      ask(() => watchdog().controls()),
      ask(() => beat().health()),
      ask(database),
      ...Array.from({ length: shards }, (_, index) => ask(() => shard(index).health(isCounting))),
    ]);
    return { dog, controls, beat: clockwork, database: look, shards: all };
  }

  #agents({ dog, beat, database, shards }: Answers, now: number): AgentReport[] {
    const isLocal = this.#parts.environment === "development";
    return [
      ...(dog === null
        ? [
            unreachable(
              "watchdog",
              "Does its duties, and sees whether the cron trigger comes.",
              now,
            ),
          ]
        : [cronReport(dog, now, isLocal), ...watchdogReports(dog, now)]),
      database === null ? unreachable("relay", RELAY, now) : relayReport(RELAY, database, dog, now),
      beat === null
        ? unreachable("beat", "Calls the tasks of the schedules.", now)
        : beatReport(beat, now),
      ...shards.flatMap((health, shard) =>
        health === null
          ? [unreachable(`ledger ${shard}`, "Keeps the live tasks of a shard.", now)]
          : shardReports(shard, health, dog, now),
      ),
    ];
  }

  #usage({ database, beat, shards }: Answers): Usage[] {
    const size = (name: string, used: number): Usage => {
      return { name, used, limit: MAX_DATABASE_BYTES, unit: "bytes" };
    };
    const { maxUnflushed } = this.#parts;
    return [
      ...(database === null ? [] : [size("D1", database.bytes)]),
      ...(beat === null ? [] : [size("beat", beat.databaseBytes)]),
      ...shards.flatMap((health, shard) =>
        health === null
          ? []
          : [
              size(`ledger ${shard}`, health.databaseBytes),
              {
                name: `ledger ${shard}: tasks that wait for D1`,
                used: health.unflushed,
                limit: maxUnflushed,
                unit: "tasks",
              },
            ],
      ),
    ];
  }
}

/** Counts of what has no end, and of what is billed. */
function figuresOf({ database, beat, shards }: Answers): SystemFigure[] {
  const now = (name: string, value: number | null, unit: string): SystemFigure[] =>
    value === null ? [] : [{ name, value, unit, since: null }];
  return [
    ...now("schedules", beat?.schedules ?? null, "schedules"),
    ...now("outbox", database?.outbox ?? null, "tasks"),
    ...shards.flatMap((health, shard) => {
      if (health === null) return [];
      const counted = (name: string, value: number, unit: string): SystemFigure => {
        return { name: `ledger ${shard}: ${name}`, value, unit, since: health.startedAt };
      };
      return [
        ...now(`ledger ${shard}: live tasks`, health.live, "tasks"),
        ...now(`ledger ${shard}: running tasks`, health.running, "tasks"),
        counted("rows written in its object", health.ledgerRows, "rows"),
        counted("rows written in D1", health.historyRows, "rows"),
        counted("requests", health.requests, "requests"),
        counted("doorbells", health.bells, "messages"),
      ];
    }),
  ];
}
