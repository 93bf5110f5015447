import { env } from "cloudflare:workers";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import {
  compileRoutes,
  importIdSecret,
  Lovage,
  Registry,
  runBatch,
  type Attempt,
  type ClaimedTask,
  type Outcome,
  type SubmitAnswer,
  type TaskContext,
  type TaskSpec,
  type TaskSubmitter,
} from "#engine";
import {
  changeOrder,
  createOrder,
  type NewOrder,
  type OrderRequest,
} from "../../../src/domain/checkout/index.ts";
import { shopRoutes, shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { MailDesk, Unsubscribe, type MailTransport } from "#domain/mail";
import { outboxTransport } from "../../../src/integrations/mail/outbox-transport.ts";
import { createSimulatedGateway } from "../../../src/integrations/payments/simulated-gateway.ts";
import { createR2ObjectStore } from "../../../src/integrations/storage/r2-object-store.ts";
import { QUEUES } from "../../../src/platform/doorbell.ts";
import { D1Outbox } from "../../../src/platform/outbox/outbox.ts";
import { deriveKeys } from "../../../src/platform/secrets/derived-keys.ts";
import { noInput } from "../../no-large.ts";

const clock = { now: () => Date.now() };
const random = {
  float: () => Math.random(),
  bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
};
const PUBLIC_URL = "https://shop.example.com";
const keyFor = deriveKeys("for tests only: 0123456789abcdef0123456789abcdef");
const registry = new Registry<ShopServices>(shopTasks);
const settings = {
  shards: 4,
  routeOf: compileRoutes(shopRoutes, QUEUES),
  queues: QUEUES,
  idSecret: importIdSecret("for tests only: 0123456789abcdef0123456789abcdef"),
};

/** A ledger that only remembers which tasks it took, as the real one recognises them. */
export class MemoryLedger implements TaskSubmitter {
  readonly taken = new Map<string, TaskSpec>();
  /** Awaited before every submit; a rejection is a ledger that can't be reached. */
  gate: (tasks: readonly TaskSpec[]) => Promise<void> = () => Promise.resolve();
  /** Ids that are being looked up. */
  readonly busy = new Set<string>();

  async submit(tasks: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    await this.gate(tasks);
    return tasks.map((task) => {
      if (this.busy.has(task.id)) return "busy";
      const known = this.taken.get(task.id);
      if (known !== undefined)
        return known.fingerprint === task.fingerprint ? "exists" : "conflict";
      this.taken.set(task.id, task);
      return "accepted";
    });
  }
}

/** What handlers find as `ctx.lovage`: they only prepare calls with it, for the outbox. */
const lovage = new Lovage({
  ...{ registry, submitter: new MemoryLedger(), settings, clock, random },
  owner: "shop",
});

/** What handlers find under `ctx.services`, on the test's own bindings. */
export function servicesOn(
  db: DrizzleD1Database,
  over: Partial<ShopServices> & Pick<ShopServices, "outbox">,
  transport: MailTransport = outboxTransport,
): ShopServices {
  return {
    db,
    mail: new MailDesk({
      db,
      clock: over.clock ?? clock,
      transport,
      unsubscribe: new Unsubscribe(keyFor("unsubscribe"), PUBLIC_URL),
    }),
    gateway: createSimulatedGateway(db, over.clock ?? clock),
    files: createR2ObjectStore(env.FILES),
    callbacks: {
      rules: { hosts: [], isLocalAllowed: false, publicUrl: PUBLIC_URL },
      sender: { post: () => Promise.reject(new Error("nobody is called here")) },
      tasks: { get: async () => null },
    },
    locale: "en",
    timezone: "UTC",
    publicUrl: PUBLIC_URL,
    clock,
    logDays: 30,
    adminEmails: ["admin@example.com", "refused@nowhere.invalid"],
    alertHook: null,
    maintenance: {
      mailDays: 90,
      auditDays: 365,
      backupsKept: 14,
      backupKeys: [],
      secretTemplates: [],
    },
    cartDays: 30,
    reviewReminderDays: 3,
    webhookSecrets: [],
    keyFor,
    ...over,
  };
}

/** A shop on the test's database, with what a test wants different in it. */
export function createShop(
  parts: {
    readonly database?: D1Database;
    readonly services?: Partial<ShopServices>;
    readonly transport?: MailTransport;
    readonly ledger?: MemoryLedger;
  } = {},
) {
  const db = drizzle(parts.database ?? env.DB);
  const ledger = parts.ledger ?? new MemoryLedger();
  const logged: string[] = [];
  const log = (event: string) => void logged.push(event);
  const outbox = new D1Outbox({ db, submitter: ledger, clock, log });
  const services = servicesOn(db, { outbox, ...parts.services }, parts.transport);
  const lovageFor = (owner: string) =>
    new Lovage({ registry, submitter: ledger, settings, clock, random, owner });
  const running: Promise<void>[] = [];
  // As the API does it: work in the background that fails is logged, no more.
  const background = (work: Promise<void>) => void running.push(work.catch(() => undefined));
  return {
    db,
    ledger,
    outbox,
    services,
    logged,
    lovage: lovageFor("shop"),
    background,
    change: (orderId: string, request: OrderRequest) =>
      changeOrder({ ...services, background }, lovageFor("shop"), orderId, request),
    /** Waits for what runs on after the answers. */
    settled: () => Promise.all(running),
    create: (order: Partial<NewOrder> & { orderId: string }, owner = "shop") =>
      createOrder({ db, outbox, clock, background }, lovageFor(owner), owner, {
        userId: 1,
        amountMinor: 15_000,
        currency: "USD",
        customerEmail: "customer@example.com",
        locale: null,
        items: [],
        ...order,
      }),
  };
}

/** A call in a consumer's hands. */
export interface TestCall {
  readonly kwargs: object;
  /** Default: a task of its own. */
  readonly id?: string;
  /** Retries made so far; default 0. */
  readonly retries?: number;
}

/** Runs calls of one task in its batch handler, as a consumer does. `random` 0: retries come at once. */
export function run(
  services: ShopServices,
  name: string,
  calls: readonly TestCall[],
): Promise<Outcome[]> {
  const definition = registry.get(name);
  const attempts = calls.map((call): Attempt<ShopServices> => {
    const retries = call.retries ?? 0;
    const task: ClaimedTask = {
      id: call.id ?? crypto.randomUUID(),
      name,
      kwargs: JSON.stringify(call.kwargs),
      owner: "shop",
      options: {},
      attempt: retries + 1,
      retries,
    };
    const ctx = { taskId: task.id, name, attempt: task.attempt, retries, services, lovage };
    const never = new Promise<Error>(() => undefined);
    const storeLarge = () => Promise.reject(new Error("no result is large here"));
    return {
      task,
      ctx: ctx as TaskContext<ShopServices>,
      cut: never,
      outlivedBy: () => undefined,
      storeLarge,
      added: [],
      loadInput: noInput,
    };
  });
  return Promise.all(runBatch(registry, definition, attempts, services, () => 0));
}

/** The rows of a query, for looking into tables from outside. */
export async function rows<Row = Record<string, unknown>>(
  query: string,
  ...values: unknown[]
): Promise<Row[]> {
  const { results } = await env.DB.prepare(query)
    .bind(...values)
    .all<Row>();
  return results;
}

/** Empties the shop's tables: storage belongs to the file, not to the test. */
export async function emptyTables(): Promise<void> {
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 3) NOT IN ('d1_', '_cf', 'sql')",
  );
  await env.DB.batch(tables.map(({ name }) => env.DB.prepare(`DELETE FROM ${name}`)));
}
