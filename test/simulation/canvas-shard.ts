import * as z from "zod";
import {
  createTaskDefiner,
  Lovage,
  Registry,
  type AnySignature,
  type FinishedTask,
  type Signature,
} from "#engine";
import { drain } from "#platform/consumer/drain.ts";
import { TaskLedger } from "#platform/ledger/ledger.ts";
import { DEFAULT_LEDGER_SETTINGS } from "#platform/ledger/protocol.ts";
import { ResultTexts, testSettings } from "../../src/testing/settings.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";
import { WorldAlarm } from "../../src/testing/world-alarm.ts";
import { World } from "../../src/testing/world.ts";
import { UNWATCHED } from "../../src/testing/unwatched.ts";

/** What handlers of these tests find. */
export interface Services {
  readonly calls: string[];
  /** What `become` becomes. */
  readonly make: Readonly<Record<string, () => AnySignature>>;
}
const define = createTaskDefiner<Services>();

/** Text of so many kilobytes. */
export const blob = define({
  name: "blob",
  params: z.object({ kb: z.number(), letter: z.string() }),
  handler: ({ kb, letter }) => letter.repeat(kb * 1_024),
});
export const same = define({
  name: "same",
  params: z.object({ value: z.unknown() }),
  handler: ({ value }) => value,
});
export const note = define({
  name: "note",
  params: z.object({ value: z.unknown(), as: z.string() }),
  handler: ({ value, as }, { services }) => {
    services.calls.push(`${as} ${JSON.stringify(value).slice(0, 20)}`);
  },
});
export const fail = define({
  name: "fail",
  params: z.object({ value: z.unknown().optional() }),
  handler: () => {
    throw new TypeError("boom");
  },
});
/** The lengths of texts, in lists of any depth. */
export const sizes = define({
  name: "sizes",
  params: z.object({ value: z.unknown() }),
  handler: ({ value }) => {
    const sizeOf = (each: unknown): unknown =>
      Array.isArray(each) ? each.map(sizeOf) : typeof each === "string" ? each.length : each;
    return sizeOf(value);
  },
});
export const become = define({
  name: "become",
  params: z.object({ what: z.string(), value: z.unknown().optional() }),
  handler: ({ what }, ctx): unknown => ctx.replace(ctx.services.make[what]?.() as Signature),
});
export const adder = define({
  name: "adder",
  params: z.object({ what: z.string() }),
  handler: ({ what }, ctx) => {
    ctx.addToGroup(ctx.services.make[what]?.() as Signature);
    return what;
  },
});
const tasks = [blob, same, note, fail, sizes, become, adder];

/** One shard with its client and consumer, and an alarm that can be held back. */
export class CanvasShard {
  readonly world = new World(1);
  readonly sql = new SimSql();
  readonly history = new Map<string, FinishedTask>();
  /** Ends of tasks that had ended before. */
  readonly endedTwice: FinishedTask[] = [];
  readonly services: Services;
  readonly starts: string[] = [];
  isAlarmOn = true;
  beforeExchange: () => void = () => undefined;
  readonly #results = new ResultTexts();
  readonly #registry = new Registry(tasks);
  readonly #lovage: Lovage;
  readonly #alarm = new WorldAlarm(this.world, () => {
    if (this.isAlarmOn) this.#ledger.tick();
  });
  #ledger: TaskLedger;

  constructor(make: Services["make"] = {}) {
    this.services = { calls: [], make };
    this.#lovage = new Lovage({
      registry: this.#registry,
      owner: "o",
      settings: testSettings(1),
      clock: this.world,
      random: this.world,
      submitter: { submit: (specs) => this.#ledger.submit(specs) },
    });
    this.#ledger = this.#create();
  }

  get ledger(): TaskLedger {
    return this.#ledger;
  }

  /** The object is evicted. */
  restart(): void {
    this.#ledger = this.#create();
  }

  async send(call: AnySignature): Promise<string> {
    return (await this.#lovage.send(call as Signature)).taskId;
  }

  /** Lets time pass; large results take real turns. */
  async pass(ms: number): Promise<void> {
    const until = this.world.now() + ms;
    for (let turn = 0; turn < 5; turn += 1) {
      await this.world.run(this.world.now());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await this.world.run(until);
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await this.world.run(until);
    }
  }

  /** Rows that are left of tasks and canvases. */
  get rows(): number {
    return ["tasks", "canvas_parts", "canvas_members", "canvas_values"].reduce((sum, table) => {
      const [row] = [...this.sql.exec<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)];
      return sum + (row?.count ?? 0);
    }, 0);
  }

  #create(): TaskLedger {
    const { world } = this;
    return new TaskLedger(
      {
        shard: 0,
        clock: world,
        timers: world,
        sql: this.sql,
        alarm: this.#alarm,
        history: {
          write: async (ended) => {
            for (const task of ended) {
              if (this.history.has(task.id)) this.endedTwice.push(task);
              this.history.set(task.id, task);
            }
          },
          fingerprints: async () => new Map(),
        },
        limits: { ask: () => Promise.reject(new Error("nothing is limited here")) },
        limitsOf: () => null,
        keyOf: () => null,
        ring: async (queue) => {
          world.after(0, () => void this.#consume(queue));
        },
        runDirectly: (queue) => this.#consume(queue),
        ...UNWATCHED,
        background: (work) => void work,
        log: () => undefined,
      },
      DEFAULT_LEDGER_SETTINGS,
    );
  }

  async #consume(queue: string): Promise<void> {
    const ledger = () => this.#ledger;
    await drain(
      {
        ledger: {
          exchange: async (request) => {
            this.beforeExchange();
            const answer = ledger().exchange(request);
            this.starts.push(...answer.tasks.map(({ name }) => name));
            return answer;
          },
          heartbeat: async (held, reports) => ledger().heartbeat(held, reports),
          report: async (reports) => {
            ledger().report(reports);
          },
          durable: async (id, token) => ledger().durable(id, token),
          input: async (at) => ledger().input(at),
          recordSteps: async (entries) => ledger().recordSteps(entries),
        },
        registry: this.#registry,
        supplies: {
          services: this.services,
          lovageFor: () => this.#lovage,
          largeResults: this.#results,
        },
        clock: this.world,
        random: this.world,
        timers: this.world,
        log: () => undefined,
      },
      queue,
      1,
    );
  }
}
