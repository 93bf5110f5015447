import {
  mintTaskId,
  NO_CONTROLS,
  Registry,
  type AnyTaskDefinition,
  type FinishedTask,
  type Lovage,
  type TaskSpec,
} from "#engine";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { drain } from "#platform/consumer/drain.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import type { LedgerPorts } from "#platform/ledger/ports.ts";
import {
  DEFAULT_LEDGER_SETTINGS,
  type Exchange,
  type ExchangeAnswer,
} from "#platform/ledger/protocol.ts";
import type { TaskLimiter } from "#platform/limiter/limiter.ts";
import type { Nudge } from "#platform/limiter/protocol.ts";
import { Chaos } from "./chaos.ts";
import { Limiters, type LimiterFaults } from "./limiters.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";
import { WorldAlarm } from "../../src/testing/world-alarm.ts";
import { never, World } from "../../src/testing/world.ts";
import { NO_LARGE_RESULTS } from "../no-large.ts";
import { UNWATCHED } from "../../src/testing/unwatched.ts";

/** What goes wrong, as probabilities. */
export interface DeploymentFaults extends LimiterFaults {
  readonly bellLost: number;
  /** It rings twice, the second time much later. */
  readonly bellDoubled: number;
  /** The object starts again at a command. */
  readonly ledgerDies: number;
  /** A consumer dies at an exchange. */
  readonly consumerDies: number;
  /** It stands still at a call for longer than its lease, and goes on then as if nothing had been. */
  readonly consumerFreezes: number;
  /** D1 can't be written. */
  readonly historyFails: number;
}

export const NO_DEPLOYMENT_FAULTS: DeploymentFaults = {
  messageLost: 0,
  messageLate: 0,
  bellLost: 0,
  bellDoubled: 0,
  ledgerDies: 0,
  limiterDies: 0,
  consumerDies: 0,
  consumerFreezes: 0,
  historyFails: 0,
};

/** Leases last for 30 s: by then the tasks of a consumer that stands still run elsewhere, or have run. */
const MIN_FREEZE_MS = 31_000;
const MAX_FREEZE_MS = 75_000;

/** One start of a task as its ledger recorded it. */
export interface Start {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly at: number;
}

/**
 * Several ledgers, their limiters and their consumers in one simulated world: the real code, with time
 * and faults from a seed.
 */
export class Deployment<Services> {
  readonly world: World;
  readonly registry: Registry<Services>;
  readonly history = new Map<string, FinishedTask>();
  readonly starts: Start[] = [];
  readonly shards: Shard<Services>[];
  readonly limiters: Limiters;
  readonly #chaos: Chaos<DeploymentFaults>;
  readonly #services: Services;
  /** How far the consumers are from their shards: at least this long each way. */
  readonly consumerMs: number;
  /** Called after every command of a ledger. */
  afterCommand: () => void = () => undefined;
  bells = 0;
  /** Calls of consumers. */
  commands = 0;
  /** Starts that came while their queue was paused. */
  startsInPause = 0;
  #controls = NO_CONTROLS;

  constructor(
    tasks: readonly AnyTaskDefinition<Services>[],
    options: {
      seed?: number;
      shards?: number;
      services: (world: World) => Services;
      faults?: DeploymentFaults;
      /** How far the shards are from their limiters: at least this long each way. */
      limiterMs?: number;
      /** And the consumers from their shards. */
      consumerMs?: number;
    },
  ) {
    this.world = new World(options.seed ?? 1);
    this.registry = new Registry(tasks);
    this.#chaos = new Chaos(this.world, options.faults ?? NO_DEPLOYMENT_FAULTS);
    const nudge = (shard: number, name: string, nudged: Nudge) => {
      this.shards[shard]?.ledger.nudge(name, nudged);
    };
    this.limiters = new Limiters(this.world, this.#chaos, nudge, options.limiterMs);
    this.#services = options.services(this.world);
    this.consumerMs = options.consumerMs ?? 0;
    this.shards = Array.from({ length: options.shards ?? 4 }, (_, shard) => new Shard(shard, this));
  }

  get faults(): DeploymentFaults {
    return this.#chaos.faults;
  }

  set faults(faults: DeploymentFaults) {
    this.#chaos.faults = faults;
  }

  get asks(): number {
    return this.limiters.asks;
  }

  get services(): Services {
    return this.#services;
  }

  spec(shard: number, name: string, over: Partial<TaskSpec> = {}): TaskSpec {
    return {
      id: mintTaskId(this.world.now(), shard, this.world.bytes(8)),
      name,
      queue: "default",
      priority: 0,
      kwargs: "{}",
      owner: "o",
      key: null,
      dueAt: null,
      expiresAt: null,
      options: {},
      fingerprint: null,
      ...over,
    };
  }

  /** Submits so many tasks, spread over the shards; those of one shard a millisecond apart. */
  async submit(count: number, name: string, over: (n: number) => Partial<TaskSpec> = () => ({})) {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const shard = n % this.shards.length;
      const spec = this.spec(shard, name, over(n));
      await this.shards[shard]?.ledger.submit([spec]);
      ids.push(spec.id);
      if (shard === this.shards.length - 1) await this.pass(1);
    }
    return ids;
  }

  shardOf(taskId: string): Shard<Services> {
    const shard = this.shards[Number.parseInt(taskId.slice(15, 18), 16)];
    if (shard === undefined) throw new Error(`no shard of ${taskId}`);
    return shard;
  }

  limiter(name: string): TaskLimiter {
    return this.limiters.of(name);
  }

  /** From now on these queues are paused, and no others, in every shard. */
  pause(...pausedQueues: string[]): void {
    this.#controls = { ...this.#controls, version: this.#controls.version + 1, pausedQueues };
    for (const shard of this.shards) shard.ledger.configure(this.#controls);
  }

  started(start: Start): void {
    this.starts.push(start);
    if (this.#controls.pausedQueues.includes(start.queue)) this.startsInPause += 1;
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.run(this.world.now() + ms);
  }

  /** Runs until all of these have ended. @returns the time that took, ms */
  async untilEnded(count: number, atMostMs: number): Promise<number> {
    const begin = this.world.now();
    while (this.history.size < count) {
      if (this.world.now() - begin > atMostMs) {
        throw new Error(`${this.history.size} of ${count} have ended after ${atMostMs} ms`);
      }
      await this.pass(50);
    }
    return this.world.now() - begin;
  }
}

class Shard<Services> {
  readonly sql = new SimSql();
  /** Alarms that went off. */
  ticks = 0;
  readonly #shard: number;
  readonly #deployment: Deployment<Services>;
  #ledger: TaskLedger;
  #epoch = 0;
  #usedAt = 0;
  readonly #alarm: WorldAlarm;

  constructor(shard: number, deployment: Deployment<Services>) {
    this.#shard = shard;
    this.#deployment = deployment;
    this.#alarm = new WorldAlarm(deployment.world, () => {
      this.ticks += 1;
      this.ledger.tick();
    });
    this.#ledger = this.#create();
  }

  /** The ledger, or a new one on the same storage if the object dies now or was out of memory. */
  get ledger(): TaskLedger {
    const { world, faults } = this.#deployment;
    const isForgotten = world.now() - this.#usedAt >= HIBERNATES_AFTER_MS;
    if (isForgotten || world.chance(faults.ledgerDies)) this.restart();
    this.#usedAt = world.now();
    return this.#ledger;
  }

  restart(): void {
    this.#epoch += 1;
    this.#ledger = this.#create();
  }

  #create(): TaskLedger {
    const { world, registry, history } = this.#deployment;
    const epoch = this.#epoch;
    const alive = async <T>(work: Promise<T>): Promise<T> => {
      try {
        const value = await work;
        return epoch === this.#epoch ? value : await never<T>();
      } catch (error) {
        if (epoch === this.#epoch) throw error;
        return never<T>();
      }
    };
    const ports: LedgerPorts = {
      shard: this.#shard,
      clock: world,
      timers: {
        after: (ms, fn) =>
          world.after(ms, () => {
            if (epoch === this.#epoch) fn();
          }),
      },
      sql: this.sql,
      alarm: this.#alarm,
      history: {
        write: async (tasks) => {
          if (world.chance(this.#deployment.faults.historyFails)) throw new Error("D1 is down");
          for (const task of tasks) history.set(task.id, task);
        },
        fingerprints: async () => new Map(),
      },
      limits: { ask: (name, request) => alive(this.#deployment.limiters.ask(name, request)) },
      limitsOf: (name) => registry.find(name)?.limits ?? null,
      keyOf: (name, kwargs) => registry.keyOf(name, kwargs),
      ring: async (queue) => {
        this.#deployment.bells += 1;
        if (world.chance(this.#deployment.faults.bellLost)) return;
        world.after(world.between(1, 20), () => void this.#consume(queue, 1));
        if (world.chance(this.#deployment.faults.bellDoubled)) {
          world.after(world.between(1, 20_000), () => void this.#consume(queue, 1));
        }
      },
      runDirectly: (queue) => alive(this.#consume(queue, 0)),
      ...UNWATCHED,
      background: (work) => void work,
      log: () => undefined,
    };
    return new TaskLedger(ports, DEFAULT_LEDGER_SETTINGS);
  }

  async #consume(queue: string, bells: number): Promise<void> {
    const deployment = this.#deployment;
    const { world, registry } = deployment;
    let isDead = false;
    let frozenUntil = 0;
    const remote = async <T>(call: () => T): Promise<T> => {
      if (isDead || world.chance(deployment.faults.consumerDies)) {
        isDead = true;
        return never<T>();
      }
      if (world.chance(deployment.faults.consumerFreezes)) {
        frozenUntil = world.now() + world.between(MIN_FREEZE_MS, MAX_FREEZE_MS);
      }
      const wayMs = deployment.consumerMs + world.between(0, 2);
      await world.sleep(Math.max(wayMs, frozenUntil - world.now()));
      const answer = call();
      deployment.commands += 1;
      deployment.afterCommand();
      await world.sleep(deployment.consumerMs + world.between(0, 2));
      return isDead ? never<T>() : answer;
    };
    await drain(
      {
        ledger: {
          exchange: (request) => remote(() => this.#exchange(request)),
          heartbeat: (held) => remote(() => this.ledger.heartbeat(held)),
          report: (reports) => remote(() => this.ledger.report(reports)),
          input: (at) => remote(() => this.ledger.input(at)),
          durable: (id, token) => remote(() => this.ledger.durable(id, token)),
          recordSteps: (entries) => remote(() => this.ledger.recordSteps(entries)),
        },
        registry,
        supplies: {
          services: deployment.services,
          largeResults: NO_LARGE_RESULTS,
          lovageFor: () => undefined as unknown as Lovage,
        },
        clock: world,
        random: world,
        timers: {
          after: (ms, fn) =>
            world.after(ms, () => {
              if (!isDead) fn();
            }),
        },
        log: () => undefined,
      },
      queue,
      bells,
    ).catch(() => undefined);
  }

  #exchange(request: Exchange): ExchangeAnswer {
    const answer = this.ledger.exchange(request);
    const at = this.#deployment.world.now();
    const { queue } = request;
    for (const { id, name } of answer.tasks) this.#deployment.started({ id, name, queue, at });
    return answer;
  }
}

/** Tasks of a name that run now, in all shards, as their leases say: their gates. */
export function running<Services>(deployment: Deployment<Services>, name: string): string[] {
  return deployment.shards.flatMap(({ sql }) =>
    sql
      .peek<{ id: string; gate: string }>(
        `SELECT tasks.id, tasks.gate FROM leases, json_each(leases.task_ids) AS held
         JOIN tasks ON tasks.parked = 1 AND tasks.id = held.value AND tasks.token < leases.token
         WHERE tasks.name = ?`,
        name,
      )
      .map(({ gate }) => gate),
  );
}

/** The most starts in any window of this length, its end not included. */
export function mostInWindow(times: readonly number[], windowMs: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  let from = 0;
  for (const [index, at] of sorted.entries()) {
    while ((sorted[from] ?? 0) <= at - windowMs) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
