import type { Timers } from "#engine";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import type { LedgerPorts, SqlPort } from "#platform/ledger/ports.ts";
import type { LedgerSettings } from "#platform/ledger/protocol.ts";
import { SimAlarm } from "./alarm.ts";
import type { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import type { SimHistory } from "./history.ts";
import type { Overseer } from "./overseer.ts";
import type { Command } from "./oracle.ts";
import type { SimSql } from "../../src/testing/sim-sql.ts";
import { BLOWS, Crash, PortFailure, UNDONE, type Blow, type Tripwire } from "./tripwire.ts";
import type { World } from "../../src/testing/world.ts";
import { never } from "../../src/testing/world.ts";

export interface HostParts {
  readonly world: World;
  readonly chaos: Chaos<Faults>;
  readonly settings: LedgerSettings;
  readonly sql: SimSql;
  readonly history: SimHistory;
  readonly overseer: Overseer;
  /** The number of its shard, and what limits its tasks. */
  readonly limiting: Pick<LedgerPorts, "shard" | "limits" | "limitsOf" | "keyOf">;
  readonly tripwire: Tripwire;
  readonly ring: (queue: string) => Promise<void>;
  readonly runDirectly: (queue: string) => Promise<void>;
  /** Runs what the oracle looks at; the first promise that was broken ends the simulation. */
  readonly watched: <T>(look: () => T) => T;
  /** A promise was broken. */
  readonly fail: (what: string) => void;
}

/** Nothing is older than that in a simulation. */
export const KEPT_DAYS = 30;
/** After an alarm that threw (object-ports.ts), and after one whose object died (the platform). */
const ALARM_RETRY_MS = 5_000;
const PLATFORM_RETRY_MS = 2_000;

/**
 * The Durable Object around the ledger: storage and alarm outlive it, all else dies with it, and what a
 * dead one still waits for never comes. Runs commands one after the other and tells the oracle of each.
 * As on the platform, what a command writes without waiting in between is durable as a whole or not at
 * all: it dies before a commit or after its turn, not between the commit and the alarm that follows it.
 */
export class LedgerHost {
  readonly #parts: HostParts;
  readonly #alarm: SimAlarm;
  #ledger: TaskLedger;
  /** When the object believes that its alarm goes off, as `ObjectAlarm` does. */
  #knownAlarm: { at: number | null } = { at: null };
  /** Alarms that went off. */
  alarms = 0;
  #epoch = 0;
  #died = Promise.withResolvers<never>();
  #clockOffset = 0;
  #isQuiet = false;
  #isMigration = false;
  /** What it waits for: timers, and work in the background. */
  #waits = 0;
  #usedAt = 0;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#alarm = new SimAlarm(
      parts.world,
      () => this.clock(),
      parts.chaos,
      () => {
        void this.#tick();
      },
    );
    this.#died.promise.catch(() => undefined);
    this.#ledger = this.#create();
    parts.sql.setHooks({
      around: (sql, run) => this.#aroundStatement(sql, run),
      committed: () => {
        this.#committed();
      },
    });
  }

  get alarm(): SimAlarm {
    return this.#alarm;
  }

  /** The time that the object's machine shows. */
  clock(): number {
    return this.#parts.world.now() + this.#clockOffset;
  }

  /** Runs one command in the object as it is now. Rejects when it throws, or the object dies over it. */
  async execute<T>(command: Command, run: (ledger: TaskLedger) => T | Promise<T>): Promise<T> {
    const { chaos, overseer } = this.#parts;
    if (chaos.strikes("clockJumps")) this.#jump();
    const idleMs = this.#parts.world.now() - this.#usedAt;
    const isForgotten = this.#waits === 0 && idleMs >= HIBERNATES_AFTER_MS;
    if (isForgotten || chaos.strikes("ledgerDies")) this.die();
    this.#usedAt = this.#parts.world.now();
    const died = this.#died.promise;
    try {
      overseer.begin(command);
      let running: T | Promise<T>;
      try {
        running = run(this.#ledger);
      } finally {
        overseer.end();
      }
      const answer = running instanceof Promise ? await Promise.race([running, died]) : running;
      this.#parts.watched(() => {
        overseer.answered(command, answer);
        this.check();
      });
      if (chaos.strikes("ledgerDies")) {
        this.die();
        throw new Error("the object died before it could answer");
      }
      return answer;
    } catch (error) {
      overseer.failed();
      if (error instanceof Crash) this.die();
      if (/constraint|no such/.test(String(error))) this.#parts.fail(String(error));
      throw error;
    }
  }

  /** Evicts the object: a new one begins on the same storage. */
  die(): void {
    this.#parts.world.note("the object dies");
    this.#epoch += 1;
    this.#waits = 0;
    this.#died.reject(new Error("the object died"));
    this.#died = Promise.withResolvers<never>();
    this.#died.promise.catch(() => undefined);
    this.#parts.overseer.restarted();
    this.#ledger = this.#create();
  }

  /** Looks at everything. */
  check(): void {
    this.quietly((ledger) => {
      this.#parts.overseer.check(ledger, this.#alarm);
    });
  }

  /** Asks the ledger without faults. */
  quietly<T>(look: (ledger: TaskLedger) => T): T {
    this.#isQuiet = true;
    try {
      return look(this.#ledger);
    } finally {
      this.#isQuiet = false;
    }
  }

  /** The clock goes on by so much, for good. */
  leap(ms: number): void {
    this.#clockOffset += ms;
    this.#parts.world.note(`the clock is off by ${this.#clockOffset}`);
    this.#alarm.clockChanged();
  }

  #jump(): void {
    const { world } = this.#parts;
    const offset = this.#clockOffset + world.between(-600_000, 600_000);
    this.#clockOffset = Math.max(-600_000, Math.min(600_000, offset));
    world.note(`the clock is off by ${this.#clockOffset}`);
    this.#alarm.clockChanged();
  }

  #aroundStatement<T>(sql: string, run: () => T): T {
    if (sql.includes("schema_version")) this.#isMigration = true;
    if (this.#isQuiet) return run();
    const { chaos, tripwire } = this.#parts;
    if (chaos.strikes("diesAtStatement")) throw new Crash(sql.slice(0, 40));
    if (chaos.strikes("statementFails")) throw new Error("the disk failed");
    // Nothing comes between a commit and the end of its turn: on the platform they are one.
    return sql === "COMMIT" ? tripwire.uncommitted(run) : tripwire.sync(run, this.#differing(sql));
  }

  /** The blows at a statement that lead to different histories. */
  #differing(sql: string): readonly Blow[] {
    // A migration that fails has changed nothing, in memory neither: all its statements are like the first.
    if (this.#isMigration && !sql.startsWith("CREATE TABLE IF NOT EXISTS")) return [];
    return this.#parts.sql.isInTransaction ? UNDONE : BLOWS;
  }

  #committed(): void {
    const isMigration = this.#isMigration;
    this.#isMigration = false;
    if (isMigration) {
      this.#parts.overseer.migrated();
      // A look at a new object has it load its tables, and tells it the time.
      if (this.#isQuiet) this.#parts.overseer.woke(this.clock());
      return;
    }
    this.#parts.watched(() => {
      this.#parts.overseer.committed(this.clock());
    });
  }

  #create(): TaskLedger {
    const epoch = this.#epoch;
    const isAlive = () => epoch === this.#epoch;
    const { world, sql, history, tripwire, settings } = this.#parts;
    const isOver = () => {
      if (!isAlive()) return;
      this.#waits -= 1;
      this.#usedAt = world.now();
    };
    const timers: Timers = {
      after: (ms, fn) => {
        this.#waits += 1;
        let isWaiting = true;
        const ended = () => {
          if (isWaiting) isOver();
          isWaiting = false;
        };
        const cancel = world.after(ms, () => {
          ended();
          if (isAlive()) fn();
        });
        return () => {
          ended();
          cancel();
        };
      },
    };
    const untilDeath = async (call: () => Promise<void>): Promise<void> => {
      try {
        await tripwire.async(call, () => {
          this.die();
        });
      } catch (error) {
        if (isAlive()) throw error;
      }
      if (!isAlive()) await never();
    };
    const known = { at: this.#alarm.at };
    this.#knownAlarm = known;
    const ports: LedgerPorts = {
      ...this.#parts.limiting,
      limits: {
        ask: async (name, request) => {
          const answer = await this.#parts.limiting.limits.ask(name, request);
          return isAlive() ? answer : never();
        },
      },
      clock: {
        now: () => {
          const now = this.clock();
          this.#parts.overseer.sawClock(now);
          return now;
        },
      },
      timers,
      sql: this.#guarded(sql, isAlive),
      alarm: {
        get at() {
          return known.at;
        },
        set: (at) => {
          // In the turn of a commit, and part of it: it may be refused, but nobody dies over it.
          if (!isAlive()) return;
          if (sql.isInTransaction) this.#parts.fail("an alarm is set in a transaction");
          try {
            if (this.#isQuiet) this.#alarm.set(at);
            else tripwire.survived(() => this.#alarm.set(at));
            known.at = at;
          } catch (error) {
            this.#alarm.refused();
            throw error;
          }
        },
      },
      history: history.portOf(isAlive, () => {
        this.die();
      }),
      ring: (queue) => {
        this.#parts.overseer.rang(queue);
        return untilDeath(() => this.#parts.ring(queue));
      },
      runDirectly: (queue) => untilDeath(() => this.#parts.runDirectly(queue)),
      watchers: {
        isWatched: (id) => this.#parts.overseer.watchers.isWatched(id),
        notify: (task) => {
          this.#parts.watched(() => this.#parts.overseer.watchers.notify(task));
        },
      },
      events: this.#parts.overseer.eventsOf(timers),
      background: (work) => {
        this.#waits += 1;
        void work.then(isOver, isOver);
        work.catch((error: unknown) => {
          // Two failures in a row may end it; that it fails by itself is a bug.
          if (error instanceof PortFailure) return;
          this.#parts.fail(`work in the background failed: ${String(error)}`);
        });
      },
      log: (event) => {
        world.note(event);
      },
    };
    return new TaskLedger(ports, settings);
  }

  /** The dead have no storage. */
  #guarded(sql: SimSql, isAlive: () => boolean): SqlPort {
    const check = () => {
      if (isAlive()) return;
      this.#parts.fail("a dead object reached its storage");
    };
    return {
      exec: (statement, ...params) => {
        check();
        return sql.exec(statement, ...params);
      },
      transaction: (fn) => {
        check();
        return sql.transaction(fn);
      },
    };
  }

  /**
   * The alarm's handler, as ledger-object.ts has it, and what the watchdog asks for besides; a dead object's alarm
   * is run again.
   */
  async #tick(): Promise<void> {
    this.alarms += 1;
    const epoch = this.#epoch;
    try {
      await this.execute({ kind: "tick" }, (ledger) => {
        this.#knownAlarm.at = null;
        ledger.tick();
        this.#alarm.ticked();
        ledger.tidy(KEPT_DAYS);
      });
    } catch {
      if (epoch === this.#epoch) this.#alarm.retry(ALARM_RETRY_MS);
      else this.#alarm.retry(PLATFORM_RETRY_MS);
    }
  }
}
