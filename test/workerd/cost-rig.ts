import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import {
  Lovage,
  mintTaskId,
  Registry,
  type AnyTaskDefinition,
  type Clock,
  type TaskControl,
  type TaskSpec,
} from "#engine";
import { drain, type DrainParts } from "#platform/consumer/drain.ts";
import { ExpressSubmitter } from "#platform/consumer/express-submitter.ts";
import { runClaim } from "#platform/consumer/run-claim.ts";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { History } from "#platform/history/history.ts";
import { HistoryPruner } from "#platform/history/pruner.ts";
import { SpareRows } from "#platform/history/spare-rows.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import { ObjectSql } from "#platform/ledger/object-ports.ts";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import type { LimitAnswer, LimitRequest } from "#platform/limiter/protocol.ts";
import { noSpans } from "#platform/trace/spans.ts";
import { testSettings } from "../../src/testing/settings.ts";
import { UNWATCHED } from "../../src/testing/unwatched.ts";
import { WorldAlarm } from "../../src/testing/world-alarm.ts";
import { World } from "../../src/testing/world.ts";
import { finishedTask } from "../finished-task.ts";
import { noInput, NO_LARGE_RESULTS } from "../no-large.ts";
import { Meter, meteredDatabase } from "./domain/meter.ts";

const HISTORY_DAYS = 30;
const DAY_MS = 86_400_000;

/** What was billed, by the platform's own counters. Whole units, of all tasks together. */
export interface Units {
  /** Rows of the ledger's tables, as the object's cursors count them. */
  readonly ledger: number;
  /** Alarms that were set: a row each. */
  readonly alarms: number;
  /** Rows of the limiter's tables; absent: none. */
  readonly limiter?: number;
  /** Rows of D1's history, as its statements count them. */
  readonly history: number;
  /** Rows that are written when the history's time is over, besides those of the tasks that come then. */
  readonly purge: number;
  /** Calls and alarms of ledger and limiter. */
  readonly requests: number;
  /** Queue messages; each is three operations. */
  readonly bells: number;
}

/** What a test does with a deployment of one shard. */
export interface Deployment {
  readonly lovage: Lovage;
  readonly ledger: Pick<TaskControl, "sendEvent">;
  /** Lets time pass, and everything happen that it brings. */
  readonly pass: (ms: number) => Promise<void>;
}

let deployments = 0;

/**
 * Runs calls in a deployment of one shard: the real ledger on a Durable Object's storage, the real consumer,
 * the real limiter and the real history in D1, with time and chance of a simulation. So the counts are the
 * platform's, and the same in every run.
 * @param use makes calls and lets time pass until all of them have ended
 */
export async function unitsOf(
  tasks: readonly AnyTaskDefinition<null>[],
  use: (deployment: Deployment) => Promise<void>,
): Promise<Units> {
  deployments += 1;
  const stub = env.LEDGER.getByName(`shard-${2_000 + deployments}`);
  const counted = await runInDurableObject(stub, async (_object, { storage }) => {
    const rig = new CostRig(new ObjectSql(storage), tasks, deployments);
    await use(rig);
    return rig.unitsAtRest();
  });
  return { ...counted, purge: await purge() };
}

/**
 * Lets the history's time pass while as many plain tasks end as it has, as they do in a deployment that goes on:
 * they are written into its rows where that can be. What is left is deleted as the watchdog does.
 */
async function purge(): Promise<number> {
  const meter = new Meter();
  const db = meteredDatabase(env.DB, meter);
  const start = new World(0).now();
  const { results: ended } = await env.DB.prepare("SELECT id FROM tasks").all();
  const nextAt = start + (HISTORY_DAYS + 0.5) * DAY_MS;
  const spare = new SpareRows(db, { now: () => nextAt }, HISTORY_DAYS * DAY_MS);
  const history = new History(db, noSpans, spare);
  const world = new World(2);
  const next = ended.map(() => finishedTask(mintTaskId(nextAt, 0, world.bytes(8)), nextAt));
  await history.write(next);
  const clock: Clock = { now: () => start + 2 * HISTORY_DAYS * DAY_MS };
  const parts = { db, results: env.RESULTS, clock, keptDays: HISTORY_DAYS };
  await new HistoryPruner(parts).run();
  await env.DB.prepare("DELETE FROM tasks").run();
  // Their own rows are paid by themselves.
  return meter.rowsWritten - next.length;
}

class CostRig implements Deployment {
  readonly lovage: Lovage;
  readonly ledger: Deployment["ledger"];
  readonly #world = new World(1);
  readonly #tasks: readonly AnyTaskDefinition<null>[];
  readonly #registry: Registry<null>;
  #own: TaskLedger;
  readonly #sql: ObjectSql;
  readonly #history = new History(env.DB);
  readonly #number: number;
  /** Calls of the platform under way: time stands still for them. */
  readonly #calls = new Set<Promise<unknown>>();
  readonly #limiters = new Map<string, TaskLimiter>();
  #limiterRows: () => number = () => 0;
  #rowsBefore = 0;
  #requests = 0;
  #usedAt = 0;
  #bells = 0;
  #failure: { readonly error: unknown } | null = null;
  readonly #alarm: WorldAlarm;

  constructor(sql: ObjectSql, tasks: readonly AnyTaskDefinition<null>[], number: number) {
    this.#sql = sql;
    this.#tasks = tasks;
    this.#number = number;
    this.#registry = new Registry<null>(tasks);
    this.#alarm = new WorldAlarm(this.#world, () => {
      this.#used();
      this.#own.tick();
    });
    this.#own = this.#createLedger();
    // Tables are made once in a shard's life.
    this.#own.stats();
    this.#rowsBefore = sql.rowsWritten();
    const world = this.#world;
    const submitter = new ExpressSubmitter({
      ledgers: {
        submit: (specs: readonly TaskSpec[]) => this.#request(() => this.#own.submit(specs)),
        submitToRun: (spec, offer) => this.#request(() => this.#own.submitToRun(spec, offer)),
        withdraw: () => Promise.reject(new Error("no answer gets lost here")),
      },
      definitionOf: (name) => tasks.find((task) => task.name === name) ?? null,
      run: ({ queue }, claim) => runClaim(this.#consumer, queue, claim),
      background: (work) => {
        this.#background(work);
      },
      random: world,
      timers: world,
    });
    const parts = { registry: this.#registry, submitter, settings: testSettings(1) };
    this.lovage = new Lovage({ ...parts, clock: world, random: world, owner: "test" });
    this.ledger = {
      sendEvent: (id, { name, payload, key }) =>
        this.#request(() => this.#own.sendEvent(id, { name, payload, key })),
    };
  }

  readonly pass = async (ms: number): Promise<void> => {
    const until = this.#world.now() + ms;
    for (;;) {
      while (this.#calls.size > 0) {
        await Promise.all(this.#calls);
        // And until who called has gone on.
        await scheduler.wait(0);
      }
      if (this.#failure !== null) throw this.#failure.error;
      const hasMore = await this.#world.step(until);
      if (!hasMore && this.#calls.size === 0) return;
    }
  };

  /** Of all until there is nothing more to do: the next hour, in which nobody calls, has to be free. */
  async unitsAtRest(): Promise<Omit<Units, "purge">> {
    await this.pass(60_000);
    const units = this.#units();
    await this.pass(3_600_000);
    expect(this.#units(), "units of an idle hour, too").toEqual(units);
    return units;
  }

  #units(): Omit<Units, "purge"> {
    const limiter = this.#limiterRows();
    return {
      ledger: this.#sql.rowsWritten() - this.#rowsBefore,
      alarms: this.#alarm.sets,
      ...(limiter > 0 && { limiter }),
      history: this.#history.rowsWritten,
      requests: this.#requests,
      bells: this.#bells,
    };
  }

  /** One billed call of an object. */
  async #request<T>(run: () => T | Promise<T>): Promise<T> {
    this.#used();
    return run();
  }

  #used(): void {
    this.#requests += 1;
    const at = this.#world.now();
    this.#usedAt = at;
    this.#world.after(HIBERNATES_AFTER_MS, () => {
      if (this.#usedAt === at && this.#calls.size === 0) this.#own = this.#createLedger();
    });
  }

  /** Time stands still until the platform has answered. */
  #meanwhile<T>(call: Promise<T>): Promise<T> {
    const noted: Promise<void> = call
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        this.#calls.delete(noted);
      });
    this.#calls.add(noted);
    return call;
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  #createLedger(): TaskLedger {
    const world = this.#world;
    return new TaskLedger({
      shard: 0,
      clock: world,
      timers: world,
      sql: this.#sql,
      alarm: this.#alarm,
      history: {
        fingerprints: (ids) => this.#meanwhile(this.#history.fingerprints(ids)),
        write: (tasks) => this.#meanwhile(this.#history.write(tasks)),
      },
      limits: {
        ask: (name, request) => this.#request(() => this.#meanwhile(this.#ask(name, request))),
      },
      limitsOf: (name) => this.#tasks.find((task) => task.name === name)?.limits ?? null,
      keyOf: (name, kwargs) => this.#registry.keyOf(name, kwargs),
      ring: async (queue) => {
        this.#bells += 1;
        world.after(0, () => {
          this.#background(this.#consume(queue));
        });
      },
      runDirectly: () => Promise.reject(new Error("no bell gets lost here")),
      ...UNWATCHED,
      background: (work) => {
        this.#background(work);
      },
      log: (event, { error }) => {
        this.#failure ??= { error: error ?? new Error(event) };
      },
    });
  }

  /** On storage of its own, as deployed. */
  #ask(name: string, request: LimitRequest): Promise<LimitAnswer> {
    const stub = env.LIMITER.getByName(`${name}-${this.#number}`);
    return runInDurableObject(stub, async (_object, { storage }) => {
      let limiter = this.#limiters.get(name);
      if (limiter === undefined) {
        const sql = new ObjectSql(storage);
        limiter = new TaskLimiter({
          clock: this.#world,
          sql,
          // Called in the ledger's own turn.
          nudge: async (_shard, nudge) => {
            this.#world.after(0, () => {
              this.#used();
              this.#own.nudge(name, nudge);
            });
          },
          background: (work) => {
            this.#background(work);
          },
          log: () => undefined,
        });
        this.#limiters.set(name, limiter);
        const before = sql.rowsWritten();
        this.#limiterRows = () => sql.rowsWritten() - before;
      }
      return limiter.ask(request);
    });
  }

  #consume(queue: string): Promise<number> {
    return drain(this.#consumer, queue, 1);
  }

  get #consumer(): DrainParts<null> {
    const own = this.#own;
    const world = this.#world;
    return {
      ledger: {
        exchange: (request) => this.#request(() => own.exchange(request)),
        heartbeat: (held, reports) => this.#request(() => own.heartbeat(held, reports)),
        report: (reports) =>
          this.#request(() => {
            own.report(reports);
          }),
        durable: (id, token) => this.#request(() => own.durable(id, token)),
        input: noInput,
        recordSteps: (entries) => this.#request(() => own.recordSteps(entries)),
      },
      registry: this.#registry,
      supplies: {
        services: null,
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => this.lovage,
      },
      clock: world,
      random: world,
      timers: world,
      log: () => undefined,
    };
  }
}
