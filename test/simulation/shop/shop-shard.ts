import type { FinishedTask, Registry } from "#engine";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { History } from "#platform/history/history.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import { DEFAULT_LEDGER_SETTINGS } from "#platform/ledger/protocol.ts";
import type { TaskLimiter } from "#platform/limiter/limiter.ts";
import { UNWATCHED } from "../../../src/testing/unwatched.ts";
import { WorldAlarm } from "../../../src/testing/world-alarm.ts";
import type { World } from "../../../src/testing/world.ts";
import { borrowLedgerStorage, giveLedgerStorageBack } from "../ledger-storage.ts";
import type { Chaos } from "./chaos.ts";
import { ShopProcess } from "./shop-process.ts";
import type { SimD1 } from "./sim-d1.ts";

export interface ShardParts<Services> {
  readonly world: World;
  readonly chaos: Chaos;
  readonly d1: SimD1;
  readonly registry: Registry<Services>;
  /** The limiter of a task's name. */
  readonly limiterOf: (name: string) => TaskLimiter;
  /** A consumer comes for a queue of this shard. */
  readonly consume: (shard: number, queue: string, bells: number) => Promise<void>;
}

/** One ledger with its object: storage and alarm outlive it, what it waits for dies with it. */
export class ShopShard<Services> {
  readonly #shard: number;
  readonly #parts: ShardParts<Services>;
  readonly #sql = borrowLedgerStorage();
  #life: ShopProcess;
  #ledger: TaskLedger;
  readonly #alarm: WorldAlarm;
  /** What the object waits for: timers, and work in the background. */
  #waits = 0;
  #usedAt = 0;
  /** Tasks that their ledger wrote to the history, by id; the first time. */
  readonly ended = new Map<string, FinishedTask>();

  constructor(shard: number, parts: ShardParts<Services>) {
    this.#shard = shard;
    this.#parts = parts;
    this.#alarm = new WorldAlarm(parts.world, () => {
      this.#use();
      this.#ledger.tick();
    });
    this.#life = this.#begin();
    this.#ledger = this.#create(this.#life);
  }

  /** A command, as a caller sends it: it or its answer may get lost, and the object may die before or after it. */
  async call<T>(caller: ShopProcess, run: (ledger: TaskLedger) => T | Promise<T>): Promise<T> {
    const { chaos } = this.#parts;
    return caller.call(3, async () => {
      if (chaos.happens("call lost")) throw new Error("the call was lost");
      const answer = await this.#execute(run);
      if (chaos.happens("answer lost")) throw new Error("the answer was lost");
      return answer;
    });
  }

  /** Asks the ledger from outside. */
  look<T>(look: (ledger: TaskLedger) => T): T {
    return look(this.#ledger);
  }

  /** Rows of its tables. */
  peek<Row>(sql: string): Row[] {
    // A new object makes its tables when it is first asked for anything.
    this.#ledger.stats();
    return this.#sql.peek<Row>(sql);
  }

  /** Empties its storage for the next one. */
  close(): void {
    giveLedgerStorageBack(this.#sql);
  }

  async #execute<T>(run: (ledger: TaskLedger) => T | Promise<T>): Promise<T> {
    this.#use();
    this.#life.mayDie();
    const life = this.#life;
    const died = new Promise<never>((_resolve, reject) => {
      life.onDeath(() => {
        reject(new Error("the object died"));
      });
    });
    died.catch(() => undefined);
    const answer = await Promise.race([run(this.#ledger), died]);
    life.mayDie();
    if (life.isDead) throw new Error("the object died before it could answer");
    return answer;
  }

  /** An object that was idle for long is out of memory. */
  #use(): void {
    const { world } = this.#parts;
    const isForgotten = this.#waits === 0 && world.now() - this.#usedAt >= HIBERNATES_AFTER_MS;
    if (isForgotten) this.#life.die();
    this.#usedAt = world.now();
  }

  #begin(): ShopProcess {
    const { world, chaos } = this.#parts;
    const life = new ShopProcess(world, chaos, "ledger");
    life.onDeath(() => {
      this.#waits = 0;
      this.#life = this.#begin();
      this.#ledger = this.#create(this.#life);
    });
    return life;
  }

  #create(life: ShopProcess): TaskLedger {
    const { world, registry, d1, consume, chaos } = this.#parts;
    const history = new History(d1.connect(life));
    const wait = () => {
      this.#waits += 1;
      let isWaiting = true;
      return () => {
        if (life.isDead || !isWaiting) return;
        isWaiting = false;
        this.#waits -= 1;
        this.#usedAt = world.now();
      };
    };
    return new TaskLedger(
      {
        shard: this.#shard,
        clock: world,
        timers: {
          after: (ms, fn) => {
            const isOver = wait();
            const cancel = life.after(ms, () => {
              isOver();
              fn();
            });
            return () => {
              isOver();
              cancel();
            };
          },
        },
        sql: this.#sql,
        alarm: this.#alarm,
        history: {
          write: async (tasks) => {
            for (const task of tasks) if (!this.ended.has(task.id)) this.ended.set(task.id, task);
            await history.write(tasks);
          },
          fingerprints: (ids) => history.fingerprints(ids),
        },
        limits: {
          ask: (name, request) => life.call(4, () => this.#parts.limiterOf(name).ask(request)),
        },
        limitsOf: (name) => registry.find(name)?.limits ?? null,
        keyOf: (name, kwargs) => registry.keyOf(name, kwargs),
        ring: (queue) =>
          life.call(5, () => {
            if (chaos.happens("bell lost")) return;
            world.after(world.between(1, 20), () => void consume(this.#shard, queue, 1));
            if (!chaos.happens("bell doubled")) return;
            world.after(world.between(1, 20_000), () => void consume(this.#shard, queue, 1));
          }),
        runDirectly: (queue) => life.call(5, () => consume(this.#shard, queue, 0)),
        ...UNWATCHED,
        background: (work) => {
          const isOver = wait();
          void work.then(isOver, isOver);
        },
        log: () => undefined,
      },
      DEFAULT_LEDGER_SETTINGS,
    );
  }
}
