import { drizzle } from "drizzle-orm/d1";
import {
  compileRoutes,
  importIdSecret,
  Lovage,
  Registry,
  type LovageSettings,
  type TaskEventCall,
  type TaskSubmitter,
} from "#engine";
import { MailDesk, Unsubscribe } from "#domain/mail";
import type { PaymentEvent, PaymentNotice } from "#domain/payments";
import { drain } from "#platform/consumer/drain.ts";
import { QUEUES } from "#platform/doorbell.ts";
import { DeadLetters } from "#platform/history/dead-letters.ts";
import { History } from "#platform/history/history.ts";
import { LedgerDirectory } from "#platform/ledger/directory.ts";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type { LedgerObject } from "#platform/ledger/ledger-object.ts";
import { nameOfShard, shardOfName } from "#platform/ledger/shard-name.ts";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import type { LimiterObject } from "#platform/limiter/limiter-object.ts";
import { D1Outbox } from "#platform/outbox/outbox.ts";
import { deriveKeys } from "#platform/secrets/derived-keys.ts";
import { shopRoutes, shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import type { CallbackAnswer } from "../../../src/domain/callbacks/callback-sender.ts";
import { createCallbackTo } from "../../../src/domain/callbacks/index.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import type { World } from "../../../src/testing/world.ts";
import { NO_LARGE_RESULTS } from "../../no-large.ts";
import type { Violation } from "../violation.ts";
import type { Chaos } from "./chaos.ts";
import { MailBook } from "./mail-book.ts";
import { ShopProcess } from "./shop-process.ts";
import { ShopShard } from "./shop-shard.ts";
import { SimD1 } from "./sim-d1.ts";
import { SimGateway } from "./sim-gateway.ts";
import { SimHttpMail, SimSmtp, type SimMail } from "./sim-mail.ts";
import { SimStore } from "./sim-store.ts";

const SHARDS = 2;
const SECRET = "of no use outside of tests: 0123456789abcdef";
const PUBLIC_URL = "https://shop.example.com";
export const WEBHOOK_SECRET = "whsec_simulation";
const ADMIN = "admin@example.com";
/** Three minutes, in days: until the customer is asked for a review. */
const REMINDER_DAYS = 3 / 1_440;

const shopRegistry = new Registry<ShopServices>(shopTasks);
const CALLBACKS = { hosts: ["hooks.example.com"], isLocalAllowed: false, publicUrl: PUBLIC_URL };

/** What one process of the shop works with. */
export type ShopParts = ReturnType<ShopDeployment["connect"]>;

/**
 * The shop as it is deployed, on simulated ports: ledgers, consumers, D1, and the outside world with its own
 * books. Every process has connections of its own, which die with it.
 */
export class ShopDeployment {
  readonly world: World;
  readonly chaos: Chaos;
  readonly d1: SimD1;
  readonly mail: SimMail;
  readonly gateway: SimGateway;
  readonly store: SimStore;
  readonly shards: readonly ShopShard<ShopServices>[];
  readonly registry: Registry<ShopServices>;
  /** What receivers of callbacks got: the ids of the messages. */
  readonly posted: string[] = [];
  /** What was seen to be wrong first. */
  violation: Violation | null = null;
  readonly #settings: LovageSettings;
  readonly #limiters = new Map<string, { sql: SimSql; limiter: TaskLimiter; usedAt: number }>();
  readonly #keyFor = deriveKeys(SECRET);

  constructor(parts: {
    world: World;
    chaos: Chaos;
    /** Whether the provider of mail is asked by HTTP, and sends what came under a key once. */
    isMailIdempotent: boolean;
    tell: (event: PaymentEvent | PaymentNotice) => void;
    /** Statements after the migrations. */
    watching?: string;
    /** With more tasks than the shop's. */
    registry?: Registry<ShopServices>;
  }) {
    const { world, chaos, isMailIdempotent, registry = shopRegistry } = parts;
    this.registry = registry;
    this.world = world;
    this.chaos = chaos;
    this.d1 = new SimD1(world, chaos, parts.watching);
    const broken = (violation: Violation) => {
      this.broken(violation);
    };
    const book = new MailBook({
      ...{ world, broken, isIdempotent: isMailIdempotent },
      stateOf: (messageId, to) => this.#stateOfMail(messageId, to),
    });
    const mailParts = { world, chaos, book, broken };
    this.mail = isMailIdempotent ? new SimHttpMail(mailParts) : new SimSmtp(mailParts);
    this.gateway = new SimGateway(world, chaos, parts.tell);
    this.store = new SimStore(chaos);
    this.#settings = {
      shards: SHARDS,
      queues: QUEUES,
      routeOf: compileRoutes(shopRoutes, QUEUES),
      idSecret: importIdSecret(SECRET),
      callbackTo: createCallbackTo(CALLBACKS),
    };
    const limiterOf = (name: string) => this.#limiterOf(name);
    const consume = (shard: number, queue: string, bells: number) =>
      this.#consume(shard, queue, bells);
    this.shards = Array.from(
      { length: SHARDS },
      (_, shard) =>
        new ShopShard(shard, { world, chaos, d1: this.d1, registry, limiterOf, consume }),
    );
  }

  broken(violation: Violation): void {
    this.world.note(`VIOLATION ${violation.message}`);
    this.violation ??= violation;
  }

  /** All that a process of the shop is put together from, as wiring.ts and wiring-shop.ts do it. */
  connect(process: ShopProcess) {
    const binding = this.d1.connect(process);
    const db = drizzle(binding);
    const clock = process;
    const directory = new LedgerDirectory(
      this.#namespace(process),
      {} as DurableObjectNamespace<LimiterObject>,
      new History(binding),
    );
    const log = () => undefined;
    const outbox = new D1Outbox({ db, submitter: this.#relayTo(directory), clock, log });
    const lovageFor = (owner: string, trace: string | null = null) =>
      new Lovage({
        ...{
          registry: this.registry,
          submitter: directory,
          settings: this.#settings,
          clock,
          owner,
          trace,
        },
        random: this.world,
      });
    const shop: ShopServices = {
      ...{ db, outbox, clock, keyFor: this.#keyFor, publicUrl: PUBLIC_URL },
      mail: new MailDesk({
        ...{ db, clock, transport: this.mail.transportFor(process) },
        pause: (ms) => process.sleep(ms),
        from: "Shop <shop@example.com>",
        unsubscribe: new Unsubscribe(this.#keyFor("unsubscribe"), PUBLIC_URL),
      }),
      gateway: this.gateway.portFor(process),
      files: this.store.portFor(process),
      callbacks: {
        rules: CALLBACKS,
        sender: { post: (_url, message) => this.#post(process, message.id) },
        tasks: directory,
      },
      ...{ locale: "en", timezone: "UTC", logDays: 30, adminEmails: [ADMIN], alertHook: null },
      ...{ cartDays: 30, reviewReminderDays: REMINDER_DAYS, webhookSecrets: [WEBHOOK_SECRET] },
      maintenance: {
        ...{ mailDays: 90, auditDays: 365, backupsKept: 14, backupKeys: [], secretTemplates: [] },
      },
    };
    const deadLetters = new DeadLetters({ db: binding, lovageFor, submitter: directory });
    return { db, shop, outbox, directory, lovageFor, deadLetters, process };
  }

  process(kind: ConstructorParameters<typeof ShopProcess>[2]): ShopProcess {
    return new ShopProcess(this.world, this.chaos, kind);
  }

  close(): void {
    this.d1.close();
    for (const shard of this.shards) shard.close();
  }

  /** From its first claim until the consumer is done or dies. */
  async #consume(at: number, queue: string, bells: number): Promise<void> {
    const process = this.process("consumer");
    const { shop, lovageFor } = this.connect(process);
    const call = <T>(run: (ledger: TaskLedger) => T) => this.#shard(at).call(process, run);
    await drain(
      {
        ledger: {
          exchange: (request) => call((ledger) => ledger.exchange(request)),
          heartbeat: (held, reports) => call((ledger) => ledger.heartbeat(held, reports)),
          report: (reports) =>
            call((ledger) => {
              ledger.report(reports);
            }),
          input: (place) => call((ledger) => ledger.input(place)),
          durable: (id, token) => call((ledger) => ledger.durable(id, token)),
          recordSteps: (entries) => call((ledger) => ledger.recordSteps(entries)),
        },
        registry: this.registry,
        supplies: { services: shop, lovageFor, largeResults: NO_LARGE_RESULTS },
        ...{ clock: process, random: this.world, timers: process, log: () => undefined },
      },
      queue,
      bells,
    ).catch(() => undefined);
  }

  #relayTo(directory: TaskSubmitter): TaskSubmitter {
    return {
      submit: async (specs) =>
        this.chaos.happens("ledger busy")
          ? specs.map(() => "busy" as const)
          : directory.submit(specs),
    };
  }

  /** The ledgers' objects, as a process reaches them. */
  #namespace(process: ShopProcess): DurableObjectNamespace<LedgerObject> {
    const stubOf = (name: string) => {
      const shard = this.#shard(shardOfName(name));
      const call = <T>(run: (ledger: TaskLedger) => T | Promise<T>) => shard.call(process, run);
      return {
        submit: (specs: Parameters<TaskLedger["submit"]>[0]) =>
          call((ledger) => ledger.submit(specs)),
        read: (id: string) => call((ledger) => ledger.get(id)),
        revoke: (id: string, terminate: boolean) => call((ledger) => ledger.revoke(id, terminate)),
        sendEvent: (id: string, event: TaskEventCall) =>
          call((ledger) => ledger.sendEvent(id, event)),
        tick: () =>
          call((ledger) => {
            ledger.tick();
          }),
      };
    };
    const namespace = { idFromName: (name: string) => name, get: stubOf };
    return namespace as unknown as DurableObjectNamespace<LedgerObject>;
  }

  /** Never rejects, as the port has it: what went wrong is an answer too. */
  async #post(process: ShopProcess, id: string): Promise<CallbackAnswer> {
    try {
      return await process.call(10, () => {
        this.posted.push(id);
        return { status: 200, retryAfterSeconds: null };
      });
    } catch {
      return { status: null, reason: "unreachable" };
    }
  }

  #limiterOf(name: string): TaskLimiter {
    const now = this.world.now();
    let entry = this.#limiters.get(name);
    if (entry === undefined || now - entry.usedAt >= HIBERNATES_AFTER_MS) {
      const sql = entry?.sql ?? new SimSql();
      const limiter = new TaskLimiter({
        ...{ clock: this.world, sql, log: () => undefined },
        nudge: async (shard, nudge) => {
          this.#shard(shard).look((ledger) => {
            ledger.nudge(name, nudge);
          });
        },
        background: (work) => void work.catch(() => undefined),
      });
      entry = { sql, limiter, usedAt: now };
      this.#limiters.set(name, entry);
    }
    entry.usedAt = now;
    return entry.limiter;
  }

  #shard(shard: number): ShopShard<ShopServices> {
    const found = this.shards[shard];
    if (found === undefined) throw new Error(`There is no ${nameOfShard(shard)}.`);
    return found;
  }

  #stateOfMail(messageId: string, to: string): string | null {
    const [row] = this.d1.peek<{ state: string }>(
      "SELECT state FROM emails WHERE message_id = ? AND to_address = ?",
      ...[messageId, to],
    );
    return row?.state ?? null;
  }
}
