import { mintTaskId, type FinishedTask, type Settlement, type TaskSpec } from "#engine";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import type { AlarmPort, LedgerPorts } from "#platform/ledger/ports.ts";
import { DEFAULT_LEDGER_SETTINGS, type Exchange } from "#platform/ledger/protocol.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { World } from "../../../src/testing/world.ts";
import { UNWATCHED } from "../../../src/testing/unwatched.ts";

/** A ledger under Node, its storage and time simulated; everything else is as a test sets it up. */
export class Rig {
  readonly world = new World(1);
  readonly sql = new SimSql();
  readonly history = new Map<string, FinishedTask>();
  readonly rung: string[] = [];
  armedAt: number | null = null;
  ledger: TaskLedger;

  constructor(over: Partial<LedgerPorts> = {}) {
    this.ledger = this.create(over);
  }

  get now(): number {
    return this.world.now();
  }

  /** A new object on the same storage. */
  create(over: Partial<LedgerPorts> = {}): TaskLedger {
    // What the object knows of it: not that it was lost.
    let alarmAt = this.armedAt;
    return new TaskLedger(
      {
        shard: 0,
        clock: this.world,
        timers: this.world,
        sql: this.sql,
        alarm: {
          get at() {
            return alarmAt;
          },
          set: (at) => {
            alarmAt = at;
            this.armedAt = at;
          },
        },
        history: {
          write: async (tasks) => {
            for (const task of tasks) this.history.set(task.id, task);
          },
          fingerprints: async () => new Map(),
        },
        limits: { ask: () => Promise.reject(new Error("no limiter")) },
        limitsOf: () => null,
        keyOf: () => null,
        ring: async (queue) => {
          this.rung.push(queue);
        },
        runDirectly: async () => undefined,
        ...UNWATCHED,
        background: (work) => void work,
        log: () => undefined,
        ...over,
      },
      DEFAULT_LEDGER_SETTINGS,
    );
  }

  /** The alarm, and who is told whenever it is set; what that throws is why it can't be. */
  alarmTold(set: () => void): AlarmPort {
    const armedAt = () => this.armedAt;
    return {
      get at() {
        return armedAt();
      },
      set: (at) => {
        set();
        this.armedAt = at;
      },
    };
  }

  /** Lets time pass, and with it whatever waits. */
  async pass(ms: number): Promise<void> {
    // Before, what was begun goes on as far as it can.
    this.world.after(0, () => undefined);
    await this.world.run(this.world.now() + ms);
  }

  spec(over: Partial<TaskSpec> = {}): TaskSpec {
    return {
      id: mintTaskId(this.world.now(), 0, this.world.bytes(8)),
      name: "task",
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

  /** An idle consumer's claim. */
  claim(limit = 10, over: Partial<Exchange> = {}) {
    return this.ledger.exchange({
      queue: "default",
      settlements: [],
      claim: limit,
      isIdle: true,
      bells: 0,
      ...over,
    });
  }
}

export function success(id: string, token: number, result = "1"): Settlement {
  return { id, token, outcome: { kind: "success", result }, runtimeMs: 1 };
}

/** A D1 that takes nothing until it is up. */
export class DownHistory {
  isUp = false;
  /** Ids of tasks, in the order in which it took them. */
  readonly taken: string[] = [];

  async write(tasks: readonly FinishedTask[]): Promise<void> {
    if (!this.isUp) throw new Error("D1 is down");
    this.taken.push(...tasks.map(({ id }) => id));
  }

  async fingerprints(): Promise<Map<string, string>> {
    return new Map();
  }
}

/** Ends tasks with more characters than a ledger has memory for; its D1 is down. */
export async function fill(rig: Rig): Promise<void> {
  await rig.ledger.submit(Array.from({ length: 140 }, () => rig.spec({ priority: 9 })));
  const { tasks, token } = rig.claim(140);
  const result = JSON.stringify("x".repeat(250_000));
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token, result)) });
}
