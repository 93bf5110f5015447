import { z } from "zod";
import {
  createTaskDefiner,
  isTerminal,
  mintTaskId,
  Registry,
  type FinishedTask,
  type TaskSpec,
} from "#engine";
import { drain, type LedgerDoor } from "#platform/consumer/drain.ts";
import { NO_FAULTS, type Faults } from "./faults.ts";
import { LedgerHost } from "./host.ts";
import { Oracle } from "./oracle.ts";
import { World } from "./world.ts";

const QUEUES = ["default", "emails"];
const never = () => new Promise<never>(() => undefined);

interface SimServices {
  readonly world: World;
  /** Kills the consumer that runs the handler. */
  readonly die: () => void;
}

const KINDS = ["succeed", "fail", "flaky", "exhaust", "slow", "poison"] as const;
const params = z.object({ kind: z.enum(KINDS), n: z.number() });
type Params = z.output<typeof params>;

async function behave({ kind, n }: Params, retries: number, { world, die }: SimServices) {
  await world.sleep(world.between(0, 40));
  switch (kind) {
    case "succeed":
      return n;
    case "slow":
      // Longer than a lease: heartbeats have to keep it.
      await world.sleep(45_000);
      return n;
    case "fail":
      throw new TypeError("not retried");
    case "flaky":
      if (retries < 2) throw new RangeError("retried");
      return n;
    case "exhaust":
      throw new RangeError("retried until no retry is left");
    case "poison":
      die();
      return never();
  }
}

const define = createTaskDefiner<SimServices>();
const policy = { autoretryFor: [RangeError], retryBackoff: true, maxRetries: 3 };
const tasks = [
  define({
    name: "single",
    params,
    ...policy,
    handler: (given, ctx) => behave(given, ctx.retries, ctx.services),
  }),
  define({
    name: "batch",
    params,
    ...policy,
    batch: {
      size: 3,
      handler: (calls, services) =>
        Promise.allSettled(
          calls.map(({ params: given, ctx }) => behave(given, ctx.retries, services)),
        ),
    },
  }),
];

/** One history: a ledger, consumers, a queue and clients, all of them real or simulated from one seed. */
export class Simulation {
  readonly world: World;
  readonly oracle: Oracle;
  readonly host: LedgerHost;
  readonly #isOnlyPoisonDeadly: boolean;

  constructor(seed: number, faults: Faults) {
    this.#isOnlyPoisonDeadly =
      faults.poison > 0 && Object.values(faults).filter((chance) => chance > 0).length === 1;
    this.world = new World(seed);
    this.oracle = new Oracle(faults.clockJumps === 0);
    this.host = new LedgerHost(this.world, faults, this.oracle, {
      ring: (queue) => this.#ring(queue),
      runDirectly: (queue) => this.#consume(queue, 0),
    });
    this.#plan();
    if (faults.alarmDropped > 0) this.#watchdog();
  }

  /** Runs the history, then calm, and checks that everything came to its end. */
  async run(): Promise<void> {
    const start = this.world.now();
    await this.#until(start + 120_000);
    this.host.faults = {
      ...NO_FAULTS,
      alarmDropped: this.host.faults.alarmDropped > 0 ? 1e-12 : 0,
    };
    // Far more than leases, backoffs and lost bells need; clocks that went back make tasks due hours later.
    for (let minute = 0; minute < 1_440 && !this.#isQuiet(); minute += 1) {
      await this.#until(this.world.now() + 60_000);
    }
    this.#checkEnd();
  }

  async #until(time: number): Promise<void> {
    while (this.world.now() < time) {
      await this.world.run(Math.min(time, this.world.now() + 1_000));
      if (this.host.violation !== null) throw this.host.violation;
    }
  }

  #isQuiet(): boolean {
    return (
      this.host.history.size >= this.oracle.accepted.size &&
      this.host.ledger.stats().unflushed === 0
    );
  }

  #checkEnd(): void {
    this.host.check();
    const left = this.host.sql.peek<{ id: string }>("SELECT id FROM tasks");
    if (left.length > 0) this.oracle.fail(`${left.length} tasks never ended: ${left[0]?.id}`);
    const { ready, running, unflushed } = this.host.ledger.stats();
    if (running + unflushed > 0) this.oracle.fail(`${ready}/${running}/${unflushed} are left`);
    for (const id of this.oracle.accepted) {
      const text = this.host.history.get(id);
      if (text === undefined) return this.oracle.fail(`${id} is not in the history`);
      this.#checkFinished(JSON.parse(text) as FinishedTask);
    }
    this.host.sql.close();
  }

  #checkFinished(task: FinishedTask): void {
    const claims = this.oracle.claims.get(task.id) ?? 0;
    if (!isTerminal(task.state)) this.oracle.fail(`${task.id} is not terminal`);
    if (claims !== task.attempts.length) {
      this.oracle.fail(`${task.id}: ${claims} claims, ${task.attempts.length} attempts`);
    }
    if (task.retries > 3) this.oracle.fail(`${task.id} was retried ${task.retries} times`);
    const { kind } = JSON.parse(task.kwargs) as Params;
    const wasLost = task.error?.exc_type === "WorkerLostError";
    // Where nothing else kills a consumer, exactly the poison tasks are convicted.
    if (this.#isOnlyPoisonDeadly && task.state !== "REVOKED" && wasLost !== (kind === "poison")) {
      this.oracle.fail(`${task.id} (${kind}) ended as ${task.error?.exc_type}`);
    }
    if (wasLost && (this.oracle.soloClaims.get(task.id) ?? 0) < 3) {
      this.oracle.fail(`${task.id} was given up too early`);
    }
    if (kind === "poison" && task.state === "SUCCESS") this.oracle.fail(`${task.id} can't succeed`);
  }

  /** Clients: submits of one or several tasks, some under a key and repeated, and revokes. */
  #plan(): void {
    const { world } = this;
    const submits = world.between(3, 6);
    for (let index = 0; index < submits; index += 1) {
      const isKeyed = world.chance(0.4);
      const specs = Array.from({ length: world.between(1, 4) }, () => this.#spec(isKeyed));
      const first = world.between(0, 60_000);
      world.after(first, () => void this.#submit(specs, isKeyed));
      if (isKeyed) this.#planRepeats(specs, first);
      const [victim] = specs;
      if (victim !== undefined && world.chance(0.3)) {
        world.after(first + world.between(0, 20_000), () => void this.#revoke(victim.id));
      }
    }
  }

  /** The same call again, at once and much later, and another call under the same id. */
  #planRepeats(specs: readonly TaskSpec[], first: number): void {
    const { world } = this;
    for (let repeat = world.between(1, 3); repeat > 0; repeat -= 1) {
      const later = first + world.between(0, world.chance(0.5) ? 10 : 100_000);
      world.after(later, () => void this.#submit(specs, true));
    }
    const others = specs.map((spec) => ({ ...spec, fingerprint: `${spec.fingerprint} other` }));
    world.after(first + world.between(20_000, 100_000), () => void this.#submit(others, true));
  }

  #spec(isKeyed: boolean): TaskSpec {
    const { world } = this;
    const isPoison = world.chance(this.host.faults.poison);
    const kind = isPoison ? "poison" : (KINDS[world.between(0, KINDS.length - 2)] ?? "succeed");
    const now = world.now();
    const dueAt = world.chance(0.3) ? now + world.between(0, 90_000) : null;
    const kwargs = JSON.stringify({ kind, n: world.between(0, 99) });
    const id = mintTaskId(now + world.between(0, 1_000), 0, world.bytes(8));
    return {
      id,
      name: world.chance(0.4) ? "batch" : "single",
      queue: QUEUES[world.between(0, 1)] ?? "default",
      priority: world.between(0, 2),
      kwargs,
      owner: "client",
      dueAt,
      expiresAt: world.chance(0.15) ? (dueAt ?? now) + world.between(1, 60_000) : null,
      options: {},
      fingerprint: isKeyed ? id : null,
    };
  }

  async #submit(specs: readonly TaskSpec[], mayDouble: boolean): Promise<void> {
    const run = async (ledger: LedgerHost["ledger"]) => {
      const answers = await ledger.submit(specs);
      this.oracle.submitted(specs, answers);
      this.world.note(`submit ${answers.join()}`);
    };
    await this.host.call(run, mayDouble).catch(() => undefined);
  }

  async #revoke(taskId: string): Promise<void> {
    const terminate = this.world.chance(0.5);
    await this.host.call((ledger) => ledger.revoke(taskId, terminate), true).catch(() => undefined);
  }

  async #ring(queue: string): Promise<void> {
    const { world } = this;
    const { faults } = this.host;
    const throws = world.chance(faults.ringThrows);
    if (throws && world.chance(0.5)) throw new Error("the queue did not take the bell");
    const copies = world.chance(faults.bellDoubled) ? world.between(2, 5) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (world.chance(faults.bellLost)) continue;
      const delay = world.chance(faults.bellLate)
        ? world.between(0, 120_000)
        : world.between(1, 20);
      world.after(delay, () => void this.#consume(queue, 1).catch(() => undefined));
    }
    if (throws) throw new Error("the queue took the bell and said it did not");
  }

  /** One consumer, from its first claim until it is done or dies. */
  async #consume(queue: string, bells: number): Promise<void> {
    const { world, host } = this;
    let isAlive = true;
    const die = () => {
      isAlive = false;
      world.note("a consumer dies");
    };
    const alive = async <T>(call: () => Promise<T>): Promise<T> => {
      if (world.chance(host.faults.consumerDies)) die();
      if (!isAlive) return never();
      const answer = await call();
      if (world.chance(host.faults.consumerDies)) die();
      return isAlive ? answer : never();
    };
    await drain(
      {
        ledger: this.#door(alive),
        registry: new Registry<SimServices>(tasks),
        supplies: {
          services: { world, die },
          lovageFor: () => {
            throw new Error("These tasks call no others.");
          },
        },
        clock: world,
        random: world,
        timers: {
          after: (ms, fn) =>
            world.after(ms, () => {
              if (isAlive) fn();
            }),
        },
        log: (event) => {
          world.note(event);
        },
      },
      queue,
      bells,
      // Few at a time, so that some are left and their order shows.
      { maxRunning: world.between(1, 4), budgetMs: 1_000 },
    );
  }

  #door(alive: <T>(call: () => Promise<T>) => Promise<T>): LedgerDoor {
    const { host, oracle, world } = this;
    return {
      exchange: (request) =>
        alive(() =>
          host.call((ledger) => {
            const answer = ledger.exchange(request);
            oracle.exchanged(request, answer, host.clock());
            oracle.checkOrder(host.sql, ledger, request.queue, answer, host.clock());
            world.note(`claim ${answer.tasks.length} settle ${request.settlements.length}`);
            return answer;
          }, true),
        ),
      heartbeat: (held) =>
        alive(() =>
          host.call((ledger) => {
            const gone = ledger.heartbeat(held);
            const lost = new Set(gone.map(({ id }) => id));
            for (const [token, ids] of held) {
              if (ids.some((id) => !lost.has(id))) oracle.extended(token, host.clock() + 30_000);
            }
            return gone;
          }, true),
        ),
    };
  }

  /** Beat, which ticks every ledger: needed only where alarms are dropped for good. */
  #watchdog(): void {
    this.world.after(30_000, () => {
      const tick = this.host.call((ledger) => {
        ledger.tick();
      }, true);
      tick.catch(() => undefined);
      this.#watchdog();
    });
  }
}
