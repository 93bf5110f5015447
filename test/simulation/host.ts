import type { FinishedTask } from "#engine";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import type { LedgerPorts } from "#platform/ledger/ports.ts";
import type { Faults } from "./faults.ts";
import { Crash, SimSql } from "./sim-sql.ts";
import { Violation, type Oracle } from "./oracle.ts";
import type { World } from "./world.ts";

const never = () => new Promise<never>(() => undefined);

/**
 * The Durable Object around the ledger: storage and alarm outlive it, everything else dies with it. What a
 * dead object still waits for never comes.
 */
export class LedgerHost {
  readonly sql = new SimSql();
  /** D1: finished tasks as JSON, by id. */
  readonly history = new Map<string, string>();
  ledger: TaskLedger;
  alarmAt: number | null = null;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #ring: (queue: string) => Promise<void>;
  readonly #runDirectly: (queue: string) => Promise<void>;
  faults: Faults;
  /** The first promise that was broken; ends the simulation. */
  violation: Violation | null = null;
  #epoch = 0;
  #died = Promise.withResolvers<never>();
  #alarmSeq = 0;
  #clockOffset = 0;

  constructor(
    world: World,
    faults: Faults,
    oracle: Oracle,
    outside: {
      ring: (queue: string) => Promise<void>;
      runDirectly: (queue: string) => Promise<void>;
    },
  ) {
    this.#world = world;
    this.faults = faults;
    this.#oracle = oracle;
    this.#ring = outside.ring;
    this.#runDirectly = outside.runDirectly;
    this.#died.promise.catch(() => undefined);
    this.ledger = this.#create();
    this.sql.beforeStatement = () => {
      if (world.chance(this.faults.diesAtStatement)) throw new Crash("here");
      if (world.chance(this.faults.statementFails)) throw new Error("the disk is full");
    };
  }

  clock(): number {
    return this.#world.now() + this.#clockOffset;
  }

  /** A call over the network: it may be late, get lost on either way, run twice, or hit a dying object. */
  async call<T>(
    run: (ledger: TaskLedger) => T | Promise<T>,
    mayDouble: boolean,
  ): Promise<Awaited<T>> {
    const world = this.#world;
    await world.sleep(world.between(0, 3));
    if (world.chance(this.faults.requestLost)) throw new Error("the request was lost");
    let answer = await this.execute(run);
    if (mayDouble && world.chance(this.faults.requestDoubled)) {
      await world.sleep(world.between(0, 50));
      answer = await this.execute(run);
    }
    await world.sleep(world.between(0, 3));
    if (world.chance(this.faults.answerLost)) throw new Error("the answer was lost");
    return answer;
  }

  async execute<T>(run: (ledger: TaskLedger) => T | Promise<T>): Promise<Awaited<T>> {
    const world = this.#world;
    if (world.chance(this.faults.clockJumps)) {
      this.#clockOffset += world.between(-3_600_000, 3_600_000);
    }
    if (world.chance(this.faults.ledgerDies)) this.die();
    const died = this.#died.promise;
    try {
      const answer = await Promise.race([run(this.ledger), died]);
      this.check();
      if (world.chance(this.faults.ledgerDies)) {
        this.die();
        throw new Error("the object died before it could answer");
      }
      return answer;
    } catch (error) {
      if (error instanceof Crash) this.die();
      if (error instanceof Violation) this.violation ??= error;
      if (String(error).includes("constraint")) this.violation ??= new Violation(String(error));
      throw error;
    }
  }

  /** Evicts the object: a new one begins on the same storage. */
  die(): void {
    this.#world.note("the object dies");
    this.#epoch += 1;
    this.#died.reject(new Error("the object died"));
    this.#died = Promise.withResolvers<never>();
    this.#died.promise.catch(() => undefined);
    this.ledger = this.#create();
  }

  /** Looks at everything, without faults. */
  check(): void {
    const { beforeStatement } = this.sql;
    this.sql.beforeStatement = () => undefined;
    try {
      this.#oracle.checkRecords(this.ledger, this.history);
      const live = this.sql.peek<{ n: number }>("SELECT count(*) AS n FROM tasks")[0]?.n ?? 0;
      const hasWork = live > 0 || this.ledger.stats().unflushed > 0;
      if (hasWork && this.alarmAt === null && this.faults.alarmDropped === 0) {
        this.#oracle.fail("there is work, but no alarm");
      }
    } finally {
      this.sql.beforeStatement = beforeStatement;
    }
  }

  #create(): TaskLedger {
    const epoch = this.#epoch;
    const alive = () => epoch === this.#epoch;
    const world = this.#world;
    const ports: LedgerPorts = {
      clock: { now: () => this.clock() },
      timers: {
        after: (ms, fn) =>
          world.after(ms, () => {
            if (alive()) fn();
          }),
      },
      sql: this.sql,
      alarm: {
        set: (at) => {
          this.#setAlarm(at);
        },
      },
      history: {
        write: (tasks) => this.#writeHistory(tasks, alive),
        fingerprints: async (ids) => {
          await world.sleep(world.between(1, 20));
          if (!alive()) return never();
          if (world.chance(this.faults.historyFails)) throw new Error("D1 is overloaded");
          const known = ids.filter((id) => this.history.has(id));
          return new Map(known.map((id) => [id, fingerprintOf(this.history.get(id))]));
        },
      },
      ring: (queue) => this.#ring(queue),
      runDirectly: (queue) => this.#runDirectly(queue),
      watchers: { isWatched: () => false, notify: () => undefined },
      background: (work) => {
        work.catch((error: unknown) => {
          this.violation ??= new Violation(`work in the background failed: ${String(error)}`);
        });
      },
      log: (event) => {
        world.note(event);
      },
    };
    return new TaskLedger(ports);
  }

  async #writeHistory(tasks: readonly FinishedTask[], alive: () => boolean): Promise<void> {
    const world = this.#world;
    await world.sleep(world.between(1, 20));
    if (world.chance(this.faults.historyFails)) {
      if (!alive()) return never();
      throw new Error("D1: network connection lost before the commit");
    }
    for (const task of tasks) {
      const text = JSON.stringify(task);
      const past = this.history.get(task.id);
      if (past !== undefined && past !== text) {
        this.violation ??= new Violation(`${task.id} came to D1 in two versions`);
      }
      this.history.set(task.id, past ?? text);
    }
    if (!alive()) return never();
    if (world.chance(this.faults.historyFails)) {
      throw new Error("D1: network connection lost after the commit");
    }
  }

  #setAlarm(at: number): void {
    this.#alarmSeq += 1;
    this.alarmAt = at;
    const seq = this.#alarmSeq;
    const late = this.#world.chance(this.faults.alarmLate) ? this.#world.between(0, 75_000) : 0;
    const delay = Math.max(0, at - this.clock()) + late;
    this.#world.after(delay, () => {
      if (seq !== this.#alarmSeq) return;
      this.alarmAt = null;
      if (!this.#world.chance(this.faults.alarmDropped)) this.#runAlarm();
    });
  }

  /** As the platform does it: an alarm whose object died is run again. */
  #runAlarm(): void {
    const seq = this.#alarmSeq;
    void this.execute((ledger) => {
      ledger.tick();
    }).catch(() => {
      if (seq !== this.#alarmSeq) return;
      this.alarmAt = this.clock() + 2_000;
      this.#world.after(2_000, () => {
        if (seq === this.#alarmSeq) this.#runAlarm();
      });
    });
  }
}

function fingerprintOf(text: string | undefined): string | null {
  return text === undefined ? null : (JSON.parse(text) as FinishedTask).fingerprint;
}
