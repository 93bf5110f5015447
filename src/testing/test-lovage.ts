import {
  InvalidOptionError,
  Lovage,
  LovageError,
  Registry,
  shardOf,
  type AnyTaskDefinition,
  type CallbackTo,
  type Clock,
  type EventAnswer,
  type FinishedTask,
  type SubmitAnswer,
  type TaskPage,
  type TaskQuery,
  type TaskRecord,
  type TaskRoutes,
  type TaskSpec,
} from "#engine";
import { fits } from "#platform/history/search.ts";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import { ResultTexts, TEST_OWNER, testSettings } from "./settings.ts";
import { SimSql } from "./sim-sql.ts";
import { TestShard, type TestParts } from "./test-shard.ts";
import { World } from "./world.ts";

/** A limited task starts this long after it is due at the latest, if it may. */
const ASKING_MS = 20;

/** Taken once: a test may put fake timers in its place later. */
const { setTimeout: afterRealMs } = globalThis;

/** A handler that waits for something real is given this many turns of a millisecond or more. */
const MAX_REAL_TURNS = 1_000;

export interface TestLovageOptions<Services> {
  readonly tasks: readonly AnyTaskDefinition<Services>[];
  /** What handlers find under `ctx.services`; a function gets the clock of the test. */
  readonly services: Services | ((clock: Clock) => Services);
  /** Default 1. Uniqueness, rates and concurrency hold over all of them. */
  readonly shards?: number;
  readonly routes?: TaskRoutes;
  /** What a `callbackUrl` calls; absent: such calls are refused. */
  readonly callbackTo?: CallbackTo;
  /** The time at the beginning. Default: 2027-01-15T08:00:00Z. */
  readonly now?: Date;
  /** Of the jitter of retries and the like: one seed is one history. Default 1. */
  readonly seed?: number;
}

export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

/**
 * A deployment for tests: the real client, ledger, limiters and consumer, in memory and with a time that
 * only passes when the test says so. Nothing runs until then.
 */
export function createTestLovage<Services>(
  options: TestLovageOptions<Services>,
): TestLovage<Services> {
  return new TestLovage(options);
}

export class TestLovage<Services> {
  /** Calls tasks, as handlers and an API do. */
  readonly lovage: Lovage;
  readonly #world: World;
  readonly #history = new Map<string, FinishedTask>();
  readonly #results = new ResultTexts();
  readonly #limiters = new Map<string, TaskLimiter>();
  readonly #shards: readonly TestShard<Services>[];
  /** Handlers that were waited for in vain: they are not waited for again. */
  #stuck = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: TestLovageOptions<Services>) {
    const { tasks, services, shards = 1, routes, now, seed = 1 } = options;
    this.#world = new World(seed, now?.getTime());
    const world = this.#world;
    const registry = new Registry<Services>(tasks);
    const { callbackTo } = options;
    const settings = { ...testSettings(shards, routes), ...(callbackTo && { callbackTo }) };
    const submitter = { submit: (specs: readonly TaskSpec[]) => this.#submit(specs) };
    const lovageFor = (owner: string, trace: string | null = null) =>
      new Lovage({ registry, submitter, settings, clock: world, random: world, owner, trace });
    const parts: TestParts<Services> = {
      world,
      registry,
      services:
        typeof services === "function" ? (services as (clock: Clock) => Services)(world) : services,
      lovageFor,
      results: this.#results,
      history: this.#history,
      limits: { ask: async (name, request) => this.#limiter(name).ask(request) },
      background: (work) => {
        this.#background(work);
      },
    };
    this.#shards = Array.from({ length: shards }, (_, shard) => new TestShard(shard, parts));
    this.lovage = lovageFor(TEST_OWNER);
  }

  /** The time of the test. */
  now(): Date {
    return new Date(this.#world.now());
  }

  /**
   * Runs everything that is due now until nothing is; handlers that wait for something real are waited for.
   * Where due tasks wait for leave to start, a few milliseconds pass: as deployed, it takes that to ask.
   * @throws LovageError `still_running` when one of them does not end
   */
  async runDue(): Promise<void> {
    await this.advance({});
    const isWaiting = this.#shards.some(({ ledger }) =>
      ledger.questions.survey().some(({ waiting }) => waiting > 0),
    );
    if (isWaiting) await this.advance({ milliseconds: ASKING_MS });
  }

  /** Lets time pass and runs what becomes due, in its order and at its time. @throws as `runDue` */
  advance(duration: Duration): Promise<void> {
    const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = duration;
    const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds;
    return this.advanceTo(new Date(this.#world.now() + ms));
  }

  /** The same up to a time. @throws InvalidOptionError for one that has passed */
  async advanceTo(time: Date): Promise<void> {
    const until = time.getTime();
    if (!(until >= this.#world.now())) {
      throw new InvalidOptionError("time", "only passes forward.");
    }
    do await this.#runDue();
    while (await this.#world.step(until));
    await this.#runDue();
    if (this.#running() > 0) throw this.#stillRunning();
  }

  /** A task wherever it is kept, with the reason why it waits; null: there is none with this id. */
  task(taskId: string): TaskRecord | null {
    return this.#shardOf(taskId)?.read(taskId) ?? this.#history.get(taskId) ?? null;
  }

  /** What a task ended with, as JSON carries it; null without a result. */
  result(taskId: string): unknown {
    const task = this.task(taskId);
    return task === null ? null : this.#results.resultOf(task);
  }

  /** All tasks that fit, in the order of their submission. `name` may be a glob. */
  tasks(query: Pick<TaskQuery, "name" | "state" | "queue" | "labels"> = {}): TaskRecord[] {
    const range = { from: "", to: "g" };
    const found = new Map<string, TaskRecord>();
    for (const task of this.#history.values()) if (fits(task, query)) found.set(task.id, task);
    for (const { ledger } of this.#shards) {
      for (let to: string | null = range.to; to !== null;) {
        const page: TaskPage = ledger.questions.find(query, { ...range, to }, Infinity);
        for (const task of page.tasks) found.set(task.id, task);
        to = page.next;
      }
    }
    return [...found.values()].sort(
      (a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1),
    );
  }

  /** See `TaskControl.revoke`. */
  revoke(taskId: string, { terminate = false } = {}): TaskRecord | null {
    return this.#shardOf(taskId)?.ledger.revoke(taskId, terminate) ?? this.task(taskId);
  }

  /** See `TaskControl.sendEvent`. */
  sendEvent(taskId: string, name: string, payload: unknown = null): EventAnswer {
    const event = { name, payload: JSON.stringify(payload), key: null };
    return this.#shardOf(taskId)?.ledger.sendEvent(taskId, event) ?? "ended";
  }

  async #runDue(): Promise<void> {
    for (let turns = 0; ; turns += 1) {
      // What handlers and limiters do by microtasks goes on between two steps, and before the first.
      await new Promise((resolve) => afterRealMs(resolve, turns === 0 ? 0 : 1));
      while (await this.#world.step(this.#world.now()));
      if (this.#failure !== null) throw this.#failure.error;
      const running = this.#running();
      this.#stuck = Math.min(this.#stuck, running);
      if (running === this.#stuck) return;
      if (turns >= MAX_REAL_TURNS) {
        this.#stuck = running;
        return;
      }
    }
  }

  #running(): number {
    return this.#shards.reduce((sum, { ledger }) => sum + ledger.stats().running, 0);
  }

  #stillRunning(): LovageError {
    const names = this.tasks({ state: "STARTED" }).map(({ name, id }) => `${name}[${id}]`);
    return new LovageError(
      "still_running",
      `${names.join(", ")}: still at it after ${MAX_REAL_TURNS} turns of the event loop. What a handler waits for has to come by itself or from the test's time; its time limits pass when time is advanced.`,
    );
  }

  #shardOf(taskId: string): TestShard<Services> | undefined {
    return this.#shards[shardOf(taskId) ?? -1];
  }

  async #submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    const answers = new Map<string, SubmitAnswer>();
    for (const [shard, group] of Map.groupBy(specs, ({ id }) => shardOf(id) ?? 0)) {
      const given = (await this.#shards[shard]?.ledger.submit(group)) ?? [];
      for (const [index, { id }] of group.entries()) answers.set(id, given[index] ?? "busy");
    }
    return specs.map(({ id }) => answers.get(id) ?? "busy");
  }

  #limiter(name: string): TaskLimiter {
    let limiter = this.#limiters.get(name);
    if (limiter === undefined) {
      limiter = new TaskLimiter({
        clock: this.#world,
        sql: new SimSql(),
        nudge: async (shard, nudge) => {
          this.#shards[shard]?.ledger.nudge(name, nudge);
        },
        background: (work) => {
          this.#background(work);
        },
        log: () => undefined,
      });
      this.#limiters.set(name, limiter);
    }
    return limiter;
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
