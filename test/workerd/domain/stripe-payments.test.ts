import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { TaskContext, TaskSpec } from "#engine";
import { payAgain } from "#domain/checkout";
import { expectCharges, isNotice, processPaymentCallback, receiveEvent } from "#domain/payments";
import type { ShopServices } from "../../../src/domain/index.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { found, reconcile, shopIn, states as standOf } from "./reconcile-rig.ts";
import { createShop, emptyTables, MemoryLedger, rows, run, type TestCall } from "./shop.ts";
import { StripeAccount, type StripeEvent } from "./stripe-account.ts";

/** 5,000 in all. */
const ORDERS = 1_000;
const SEEDS = [1, 2, 3, 4, 5];
const BATCH = 20;
/** Batches that run side by side. */
const WIDTH = 4;
const GOOD = "pm_card_visa";
const CARDS = [GOOD, GOOD, GOOD, GOOD, "pm_card_visa_chargeDeclined", "pm_missing"];
const MOST_ROUNDS = 60;

beforeEach(emptyTables);

/**
 * Orders are charged, cancelled, refunded, paid by another card and told of by webhook, while Stripe and the database break, tasks run
 * twice at the same time, and events come twice and in any order. What happens is chosen by the seed; in
 * which order answers come is not.
 */
it.each(SEEDS)(
  `each of ${ORDERS} orders is captured at most once and ends in the right state, by seed %i`,
  async (seed) => {
    const world = new World(seed);
    await world.createOrders();
    await world.account.control({ share: 0.12, seed, searchLagMs: 300 });
    for (let round = 0; round < MOST_ROUNDS && world.isBusy; round += 1) {
      await world.round();
      if (round < 4) await world.disturb();
    }
    expect(world.left, "work that did not end").toEqual([]);
    const faults = await world.account.control({ share: 0 });
    expect(Object.keys(faults)).toHaveLength(8);
    expect(world.paidAgain).toBeGreaterThan(5);
    await world.checkBooks();
  },
);

it("after a restore a charge that only Stripe knows of is found, its key long forgotten", async () => {
  const account = new StripeAccount();
  const shop = createShop({ services: { gateway: account.gateway } });
  await shop.create({ orderId: "123", paymentMethod: GOOD });
  const task = { id: "task", kwargs: { order_id: "123" } };
  await run(shop.services, "process_payment", [task]);
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET state = 'pending'"),
    env.DB.prepare("DELETE FROM payments"),
  ]);
  await account.forgetKeys();
  await expectCharges(shop.services);
  const [outcome] = await run(shop.services, "process_payment", [task]);
  expect(outcome?.kind).toBe("success");
  const { intents } = await account.book();
  expect(intents).toMatchObject([{ captures: 1, confirms: 1 }]);
  expect(await rows("SELECT state, reference FROM payments")).toEqual([
    { state: "captured", reference: intents[0]?.id },
  ]);
});

it("an order that the database lost, and that is sent again once its charge was told of, is not charged again", async () => {
  const account = new StripeAccount();
  const shop = createShop({ services: { gateway: account.gateway } });
  const order = { orderId: "123", paymentMethod: GOOD };
  await shop.create(order);
  await run(shop.services, "process_payment", [{ kwargs: { order_id: "123" } }]);
  await emptyTables();
  await account.forgetKeys();
  await reconcile(shopIn(1, { services: { gateway: account.gateway } }));
  expect(await found()).toMatchObject([{ kind: "unknown_order", is_open: 1 }]);
  await shop.create(order);
  await run(shop.services, "process_payment", [{ kwargs: { order_id: "123" } }]);
  expect((await account.book()).intents).toMatchObject([{ captures: 1, confirms: 1 }]);
  expect(await standOf("123")).toEqual(["paid", "captured"]);
});

it("an order whose money went back before anybody here knew of its capture is never to be shipped", async () => {
  const account = new StripeAccount();
  const shop = createShop({ services: { gateway: account.gateway } });
  await shop.create({ orderId: "123", paymentMethod: GOOD });
  const call = { kwargs: { order_id: "123" } };
  await run(shop.services, "process_payment", [call]);
  await shop.change("123", "cancel");
  await run(shop.services, "refund_payment", [call]);
  // A backup from before all that.
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET state = 'pending', cancelled_at = NULL, refunded_at = NULL"),
    env.DB.prepare("DELETE FROM payments"),
    env.DB.prepare("DELETE FROM outbox"),
  ]);
  await expectCharges(shop.services);
  await run(shop.services, "process_payment", [call]);
  expect(await standOf("123")).toEqual(["cancelled", "refunding"]);
  expect(await shop.change("123", "ship")).toMatchObject({ kind: "conflict" });
  const [waiting] = await rows<{ spec: string }>("SELECT spec FROM outbox");
  expect(waiting?.spec).toContain("refund_payment");
  await run(shop.services, "refund_payment", [call]);
  expect(await standOf("123")).toEqual(["refunded", "refunded"]);
  expect((await account.book()).refunds).toHaveLength(1);
});

/** A database whose calls break now and then, before they take effect or after. */
class RandomFaults extends Faults {
  readonly #random: () => number;

  constructor(random: () => number) {
    super();
    this.#random = random;
  }

  override async around<T>(call: () => Promise<T>): Promise<T> {
    const chance = this.#random();
    if (chance < 0.004) throw new Error("Network connection lost.");
    const answer = await call();
    if (chance > 0.996) throw new Error("Network connection lost.");
    return answer;
  }
}

/** A task that waits for its next run. */
interface Work {
  readonly name: string;
  readonly call: TestCall & { readonly id: string };
}

class World {
  readonly account = new StripeAccount();
  readonly #random: () => number;
  readonly #ledger = new MemoryLedger();
  /** Whose calls never break: who asks for something asks until it is granted. */
  readonly #shop = createShop({
    ledger: this.#ledger,
    services: { gateway: this.account.gateway },
  });
  readonly #broken: ReturnType<typeof createShop>;
  paidAgain = 0;
  #work: Work[] = [];
  readonly #known = new Set<string>();
  readonly #events: StripeEvent[] = [];

  constructor(seed: number) {
    this.#random = mulberry32(seed);
    this.#broken = createShop({
      ledger: this.#ledger,
      services: { gateway: this.account.gateway },
      database: faultyDatabase(env.DB, new RandomFaults(this.#random)),
    });
  }

  get isBusy(): boolean {
    return this.#work.length > 0;
  }

  get left(): readonly Work[] {
    return this.#work;
  }

  async createOrders(): Promise<void> {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
       INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, locale, state,
         email_task_id, payment_task_id, created_at, payment_method)
       SELECT 'o' || i, 'shop', 1, 1000 + i, 'USD', 'c@example.com', NULL, 'pending', '', 'pay ' || i,
         0, json_extract(?2, '$[' || (i % json_array_length(?2)) || ']') FROM n`,
    )
      .bind(ORDERS, JSON.stringify(CARDS))
      .run();
    this.#work = Array.from({ length: ORDERS }, (_, i) => ({
      name: "process_payment",
      call: { id: `pay ${i}`, kwargs: { order_id: `o${i}` } },
    }));
  }

  /** Runs every task that waits once, or twice at the same time; those that ask for it wait again. */
  async round(): Promise<void> {
    const work = this.#work;
    const again: Work[] = [];
    const batches = [...Map.groupBy(work, ({ name }) => name).values()].flatMap((same) =>
      Array.from({ length: Math.ceil(same.length / BATCH) }, (_, at) =>
        same.slice(at * BATCH, (at + 1) * BATCH),
      ),
    );
    const lane = async () => {
      for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
        const copies = this.#random() < 0.05 ? 2 : 1;
        const runs = await Promise.all(Array.from({ length: copies }, () => this.#run(batch)));
        again.push(...batch.filter((_, at) => runs.some((outcomes) => outcomes[at] === "retry")));
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, lane));
    this.#work = [...again, ...(await this.#setOff())];
  }

  /** Cancels orders, gives money back, has declined ones paid by another card, and tells of what happened at Stripe. */
  async disturb(): Promise<void> {
    const wishes = Array.from({ length: ORDERS / 40 }, () => ({
      orderId: `o${Math.floor(this.#random() * ORDERS)}`,
      request: this.#random() < 0.6 ? ("cancel" as const) : ("refund" as const),
    }));
    const payers = Array.from(wishes, () => `o${Math.floor(this.#random() * ORDERS)}`);
    await Promise.all([
      ...wishes.map((wish) => this.#shop.change(wish.orderId, wish.request)),
      ...payers.map((orderId) => this.#payAgain(orderId)),
    ]);
    this.#events.push(...(await this.account.events()));
    const told = [...this.#events, ...this.#events.slice(-300)].filter(() => this.#random() < 0.3);
    told.sort(() => this.#random() - 0.5);
    await Promise.all(told.slice(0, 400).map((event) => this.#tell(event)));
    this.#work.push(...(await this.#setOff()));
  }

  async checkBooks(): Promise<void> {
    const { intents, refunds } = await this.account.book();
    const taken = new Map<string, number>();
    const given = new Map<string, number>();
    const orderOf = new Map(intents.map(({ id, metadata }) => [id, metadata["order_id"] ?? ""]));
    for (const { captures, amount, metadata } of intents) {
      const orderId = metadata["order_id"] ?? "";
      taken.set(orderId, (taken.get(orderId) ?? 0) + captures * amount);
    }
    for (const { intentId, amount } of refunds) {
      const orderId = orderOf.get(intentId) ?? "";
      given.set(orderId, (given.get(orderId) ?? 0) + amount);
    }
    const orders = await rows<{
      id: string;
      state: string;
      amount_minor: number;
      cancelled_at: number | null;
      payment_method: string;
      payment: string | null;
    }>(
      `SELECT orders.*, (SELECT state FROM payments WHERE order_id = orders.id) AS payment FROM orders`,
    );
    const states: Record<string, number> = {};
    for (const order of orders) {
      const books = { taken: taken.get(order.id) ?? 0, given: given.get(order.id) ?? 0 };
      const due = order.amount_minor;
      const isGood = order.payment_method === GOOD;
      states[order.state] = (states[order.state] ?? 0) + 1;
      const expected: Record<string, boolean> = {
        paid: isGood && books.taken === due && books.given === 0,
        payment_failed: !isGood && books.taken === 0,
        cancelled: order.cancelled_at !== null && books.taken === 0,
        refunded: isGood && books.taken === due && books.given === due,
      };
      expect(expected[order.state], JSON.stringify({ ...order, ...books })).toBe(true);
    }
    // All kinds of ends are among them, else nothing was shown.
    expect(Object.keys(states).sort()).toEqual(["cancelled", "paid", "payment_failed", "refunded"]);
  }

  async #run(batch: readonly Work[]): Promise<string[]> {
    const [first] = batch;
    if (first?.name === processPaymentCallback.name) {
      return Promise.all(batch.map(({ call }) => this.#apply(call)));
    }
    const outcomes = await run(
      this.#broken.services,
      first?.name ?? "",
      batch.map(({ call }) => call),
    ).catch(() => null);
    return outcomes?.map(({ kind }) => kind) ?? batch.map(() => "retry");
  }

  async #apply({ kwargs }: TestCall): Promise<string> {
    const { services, lovage } = this.#broken;
    const ctx = { services, lovage } as TaskContext<ShopServices>;
    const done = processPaymentCallback.handler?.(kwargs as { event_id: string }, ctx);
    return done === undefined ? "failure" : Promise.resolve(done).then(() => "success", retried);
  }

  /** By a good card, if its own was declined. */
  async #payAgain(orderId: string): Promise<void> {
    const parts = { ...this.#shop.services, background: this.#shop.background };
    const answer = await payAgain(parts, this.#shop.lovage, orderId, GOOD);
    if (answer?.kind === "done") this.paidAgain += 1;
  }

  async #tell(event: StripeEvent): Promise<void> {
    const read = this.#shop.services.gateway.readEvent(event);
    if (read === null || isNotice(read)) return;
    const applying = (id: string) => processPaymentCallback.s({ event_id: id });
    const parts = { ...this.#shop.services, background: this.#shop.background };
    await receiveEvent(parts, this.#shop.lovage, read, applying);
  }

  /** The payment tasks that were set off since, by whomever: those of the outbox too. */
  async #setOff(): Promise<Work[]> {
    await Promise.all([this.#shop.settled(), this.#broken.settled()]);
    await env.DB.prepare("UPDATE outbox SET created_at = 0").run();
    while ((await rows("SELECT 1 FROM outbox LIMIT 1")).length > 0) await this.#shop.outbox.sweep();
    const names = new Set(["process_payment", "refund_payment", processPaymentCallback.name]);
    const fresh = [...this.#ledger.taken.values()].filter(
      ({ id, name }) => names.has(name) && !this.#known.has(id),
    );
    for (const { id } of fresh) this.#known.add(id);
    return fresh.map(({ id, name, kwargs }: TaskSpec) => ({
      name,
      call: { id, kwargs: JSON.parse(kwargs) as object },
    }));
  }
}

/** Final errors are no matter for another run. */
function retried(error: unknown): string {
  const { name } = error as Error;
  if (/Mismatch|NotFound|Amount|Changed/.test(name)) throw error;
  return "retry";
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
