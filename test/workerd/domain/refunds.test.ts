import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import type { Outcome, TaskSpec } from "#engine";
import type { PaymentGateway } from "#domain/payments";
import type { ShopServices } from "../../../src/domain/index.ts";
import { createSimulatedGateway } from "../../../src/integrations/payments/simulated-gateway.ts";
import { Faults, faultyDatabase, type FaultPoint } from "./faults.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

const AMOUNTS = [
  { name: "approve", amountMinor: 15_000 },
  { name: "time-out after the effect", amountMinor: 15_002 },
  { name: "fails twice", amountMinor: 15_003 },
];
/** More calls than any one run makes. */
const MOST_CALLS = 14;
/** Points that are tried at the same time. */
const SIDE_BY_SIDE = 4;
/** Hundreds of runs. */
/** More undisturbed runs than any behaviour needs. */
const MOST_RUNS = 8;

beforeEach(emptyTables);

it("a paid order that is cancelled is refunded, and its customer is told of both", async () => {
  const shop = createShop();
  await paid(shop, "123", 15_000);
  expect(await shop.change("123", "cancel")).toMatchObject({
    kind: "done",
    order: { state: "cancelled" },
  });
  await shop.settled();
  expect(namesOf([...shop.ledger.taken.values()])).toContain("refund_payment");
  expect(await refund(shop.services, "123")).toMatchObject([
    { kind: "success", result: '"Payment for order #123 was refunded."' },
  ]);
  expect(await booksOf("123")).toEqual({
    ...{ order: "refunded", payment: "refunded" },
    ...{ taken: 15_000, given: 15_000 },
  });
  expect(await mailsOf("123")).toEqual(["order_cancelled", "order_refunded"]);
});

it.each(["ship", "deliver"] as const)(
  "after %s a refund leaves the state until the money is back",
  async (last) => {
    const shop = createShop();
    await paid(shop, "123", 15_000);
    await shop.change("123", "ship");
    if (last === "deliver") await shop.change("123", "deliver");
    const answer = await shop.change("123", "refund");
    expect(answer).toMatchObject({
      kind: "done",
      order: { state: last === "ship" ? "shipped" : "delivered" },
    });
    expect(await booksOf("123")).toMatchObject({ payment: "refunding", given: 0 });
    await refund(shop.services, "123");
    expect(await booksOf("123")).toMatchObject({ order: "refunded", given: 15_000 });
  },
);

it("a refund that is asked for again is the same refund", async () => {
  const shop = createShop();
  await paid(shop, "123", 15_000);
  await shop.change("123", "refund");
  expect(await shop.change("123", "refund")).toMatchObject({ kind: "same" });
  await Promise.all([refund(shop.services, "123"), refund(shop.services, "123")]);
  await refund(shop.services, "123");
  expect(await shop.change("123", "refund")).toMatchObject({ kind: "same" });
  expect(await booksOf("123")).toMatchObject({ order: "refunded", given: 15_000 });
  expect(await mailsOf("123")).toEqual(["order_cancelled", "order_refunded"]);
});

it("nobody gets money back that was not asked for, whoever runs the task", async () => {
  const shop = createShop();
  await shop.create({ orderId: "unpaid" });
  await paid(shop, "paid", 15_000);
  for (const orderId of ["unpaid", "paid"]) {
    expect(await refund(shop.services, orderId)).toMatchObject([
      { kind: "success", result: `"There is nothing to refund for order #${orderId}."` },
    ]);
  }
  expect(await booksOf("paid")).toMatchObject({ order: "paid", given: 0 });
});

it("a refund that is refused is visible, and another may be asked for", async () => {
  const shop = createShop();
  await paid(shop, "123", 15_000);
  await shop.change("123", "cancel");
  const refusing: PaymentGateway = {
    ...shop.services.gateway,
    refund: () => Promise.resolve({ status: "refused", reason: "The account is closed." }),
  };
  const [outcome] = await refund({ ...shop.services, gateway: refusing }, "123");
  expect(outcome).toMatchObject({
    kind: "failure",
    error: { exc_type: "RefundRefusedError", exc_message: "The account is closed." },
  });
  expect(await booksOf("123")).toMatchObject({ order: "cancelled", payment: "captured" });
  expect(await shop.change("123", "refund")).toMatchObject({ kind: "done" });
  await refund(shop.services, "123");
  expect(await booksOf("123")).toMatchObject({ order: "refunded", given: 15_000 });
  const keys = await rows("SELECT idempotency_key FROM simulated_refunds");
  expect(keys).toEqual([{ idempotency_key: "refund:123:1" }]);
});

it("what the gateway gave back by itself is not given again", async () => {
  const shop = createShop();
  await paid(shop, "123", 15_000);
  await shop.services.gateway.refund({
    ...{ idempotencyKey: "by hand", reference: "sim_order:123:0" },
    ...{ amountMinor: 5_000, currency: "USD" },
  });
  await shop.change("123", "cancel");
  await refund(shop.services, "123");
  expect(await booksOf("123")).toMatchObject({ order: "refunded", given: 15_000 });
});

it.each(AMOUNTS)(
  "$name: crashes at any one or two calls give the money back once",
  async ({ amountMinor }) => {
    let points = 0;
    for (const first of allPoints()) {
      if (!(await survives(amountMinor, [first]))) break;
      points += 1;
      const again = Array.from(allPoints()).filter(({ when }) => when === first.when);
      for (let from = 0; from < again.length; from += SIDE_BY_SIDE) {
        const some = again.slice(from, from + SIDE_BY_SIDE);
        const struck = await Promise.all(
          some.map((second) => survives(amountMinor, [first, second])),
        );
        // Behind the last call of that run there is nothing to break.
        if (struck.includes(false)) break;
      }
    }
    expect(points).toBeGreaterThan(6);
    expect(points, "points enough for every call").toBeLessThan(2 * MOST_CALLS);
  },
);

it.each(AMOUNTS)(
  "$name: an order that is cancelled at any moment of its payment keeps no money",
  async ({ amountMinor }) => {
    let moments = 0;
    for (const point of allPoints()) {
      if (!(await cancelledAt(point, amountMinor, null))) break;
      moments += 1;
    }
    expect(moments).toBeGreaterThan(5);
    expect(moments, "points enough for every call").toBeLessThan(2 * MOST_CALLS);
  },
);

it.each(AMOUNTS)(
  "$name: nor when the refund runs at that very moment too",
  async ({ amountMinor }) => {
    for (const point of allPoints()) {
      if (!(await cancelledAt(point, amountMinor, null, true))) break;
    }
  },
);

it("nor does it when the payment's run dies at any later call", async () => {
  for (const point of allPoints()) {
    const later = Array.from(allPoints()).filter(
      ({ at, when }) => at >= point.at && when === "after",
    );
    await Promise.all(later.map((crash) => cancelledAt(point, 15_000, crash)));
  }
});

it("a declined order that is cancelled is not charged by a replay", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: 15_001 });
  await pay(shop.services, "123", "task");
  await shop.change("123", "cancel");
  expect(await pay(shop.services, "123", "replay")).toMatchObject([
    {
      kind: "success",
      result: '"Order #123 was cancelled; nothing is kept of its payment."',
    },
  ]);
  expect(await booksOf("123")).toMatchObject({ order: "cancelled", payment: "declined", taken: 0 });
});

it("a charge that arrives after it was given up takes nothing", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  const { gateway, started, release } = slowGateway(shop.services.gateway);
  const zombie = pay({ ...shop.services, gateway }, "123", "task");
  await started;
  await shop.change("123", "cancel");
  expect(await refund(shop.services, "123")).toMatchObject([{ kind: "success" }]);
  expect(await booksOf("123")).toMatchObject({ payment: "voided" });
  release();
  expect(await zombie).toMatchObject([
    { kind: "success", result: '"Order #123 was cancelled; nothing is kept of its payment."' },
  ]);
  expect(await booksOf("123")).toMatchObject({ order: "cancelled", payment: "voided", taken: 0 });
});

type Shop = ReturnType<typeof createShop>;

function* allPoints(): Generator<FaultPoint> {
  for (let at = 1; at <= MOST_CALLS; at += 1) {
    yield { at, when: "before" };
    yield { at, when: "after" };
  }
}

function pay(services: ShopServices, orderId: string, id: string): Promise<Outcome[]> {
  return run(services, "process_payment", [{ id, kwargs: { order_id: orderId } }]);
}

function refund(services: ShopServices, orderId: string): Promise<Outcome[]> {
  return run(services, "refund_payment", [{ kwargs: { order_id: orderId } }]);
}

/** Runs a task until it no more asks for a retry. */
async function ended(once: () => Promise<Outcome[]>): Promise<Outcome | undefined> {
  for (let runs = 0; runs < MOST_RUNS; runs += 1) {
    const [outcome] = await once();
    if (outcome?.kind !== "retry") return outcome;
  }
  return undefined;
}

async function paid(shop: Shop, orderId: string, amountMinor: number): Promise<void> {
  await shop.create({ orderId, amountMinor });
  await ended(() => pay(shop.services, orderId, "task"));
}

/** Refunds with one crash a run, then undisturbed. @returns whether the last crash happened */
async function survives(amountMinor: number, points: readonly FaultPoint[]): Promise<boolean> {
  const shop = createShop();
  const orderId = crypto.randomUUID();
  const label = JSON.stringify(points);
  await storeRefunding(orderId, amountMinor);
  let hasCrashed = false;
  for (const point of points) {
    const faults = new Faults(point);
    const db = drizzle(faultyDatabase(env.DB, faults));
    const gateway = createSimulatedGateway(db, { now: () => Date.now() });
    const { services } = createShop({
      database: faultyDatabase(env.DB, faults),
      services: { gateway },
    });
    const [outcome] = await refund(services, orderId);
    hasCrashed = faults.struck;
    // Once it is written that the money is back, nothing that breaks (the mail) makes it unknown again.
    const { payment, given } = await booksOf(orderId);
    const isKnown = payment === "refunded";
    if (hasCrashed && !(isKnown && outcome?.kind === "success")) {
      expect(outcome?.kind, `an unknown outcome, after ${label}`).toBe("retry");
    }
    expect(given, label).toBeLessThanOrEqual(amountMinor);
  }
  await ended(() => refund(shop.services, orderId));
  expect(await booksOf(orderId), label).toEqual({
    ...{ order: "refunded", payment: "refunded" },
    ...{ taken: amountMinor, given: amountMinor },
  });
  expect(await mailsOf(orderId), label).toEqual(["order_refunded"]);
  return hasCrashed;
}

/** An order that was paid and then cancelled, in all books. */
async function storeRefunding(orderId: string, amountMinor: number): Promise<void> {
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, locale, state,
         email_task_id, payment_task_id, created_at, cancelled_at)
       VALUES (?, 'shop', 1, ?, 'USD', 'c@example.com', NULL, 'cancelled', '', '', 0, 0)`,
    ).bind(orderId, amountMinor),
    env.DB.prepare(
      `INSERT INTO payments (order_id, state, task_id, provider, reference, declines, updated_at)
       VALUES (?1, 'refunding', 'task', 'simulated', 'sim_order:' || ?1 || ':0', 0, 0)`,
    ).bind(orderId),
    env.DB.prepare(
      `INSERT INTO simulated_charges (idempotency_key, order_id, amount_minor, currency, requests, captures)
       VALUES ('order:' || ?1 || ':0', ?1, ?2, 'USD', 1, 1)`,
    ).bind(orderId, amountMinor),
  ]);
}

/** Does something in the middle of a run, and may break it later on. */
class Interruption extends Faults {
  readonly #point: FaultPoint;
  readonly #act: () => Promise<unknown>;
  seen = 0;
  happened = false;

  constructor(point: FaultPoint, act: () => Promise<unknown>, crash: FaultPoint | null) {
    super(crash);
    this.#point = point;
    this.#act = act;
  }

  override async around<T>(call: () => Promise<T>): Promise<T> {
    this.seen += 1;
    const when = this.#point.at === this.seen ? this.#point.when : null;
    if (when === "before") await this.#interrupt();
    const answer = await super.around(call);
    if (when === "after") await this.#interrupt();
    return answer;
  }

  async #interrupt(): Promise<void> {
    this.happened = true;
    await this.#act();
  }
}

/**
 * Cancels an order in the middle of its payment, then lets run what was set off, and only that.
 * @returns whether that moment was reached
 */
async function cancelledAt(
  point: FaultPoint,
  amountMinor: number,
  crash: FaultPoint | null,
  isRefundedAtOnce = false,
): Promise<boolean> {
  const shop = createShop();
  const orderId = crypto.randomUUID();
  const label = JSON.stringify([point, crash]);
  await shop.create({ orderId, amountMinor });
  const cancelling = async () => {
    await shop.change(orderId, "cancel");
    if (isRefundedAtOnce) await refund(shop.services, orderId);
  };
  const interruption = new Interruption(point, cancelling, crash);
  const database = faultyDatabase(env.DB, interruption);
  const gateway = createSimulatedGateway(drizzle(database), { now: () => Date.now() });
  const { services } = createShop({ database, services: { gateway } });
  // The first run, with the moment in it; a behaviour that needs several has it in the first.
  await pay(services, orderId, "task");
  if (!interruption.happened) return false;
  await shop.settled();
  await ended(() => pay(shop.services, orderId, "task"));
  const left = await rows<{ spec: string }>("SELECT spec FROM outbox");
  const setOff = [
    ...shop.ledger.taken.values(),
    ...left.map(({ spec }) => JSON.parse(spec) as TaskSpec),
  ].filter(({ kwargs }) => kwargs.includes(orderId));
  if (namesOf(setOff).includes("refund_payment")) {
    const outcome = await ended(() => refund(shop.services, orderId));
    expect(outcome?.kind, label).toBe("success");
  }
  const books = await booksOf(orderId);
  expect(books.given, label).toBe(books.taken);
  expect(books.order, label).toBe(books.taken > 0 ? "refunded" : "cancelled");
  expect([null, "voided", "declined", "refunded"], label).toContain(books.payment);
  return true;
}

/** Holds every charge back until it is released. */
function slowGateway(real: PaymentGateway) {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const gateway: PaymentGateway = {
    ...real,
    async charge(reference, request) {
      started.resolve();
      await released.promise;
      return real.charge(reference, request);
    },
  };
  return { gateway, started: started.promise, release: () => released.resolve() };
}

function namesOf(tasks: readonly TaskSpec[]): string[] {
  return tasks.map(({ name }) => name);
}

/** Where order and payment stand, and what the gateway's book has of them. */
async function booksOf(orderId: string) {
  const [books] = await rows<{
    order: string | null;
    payment: string | null;
    taken: number;
    given: number;
  }>(
    `SELECT (SELECT state FROM orders WHERE id = ?1) AS "order",
       (SELECT state FROM payments WHERE order_id = ?1) AS payment,
       coalesce(sum(amount_minor * captures), 0) AS taken,
       coalesce(sum((SELECT sum(back.amount_minor * back.refunds) FROM simulated_refunds AS back
         WHERE back.charge_key = simulated_charges.idempotency_key)), 0) AS given
     FROM simulated_charges WHERE order_id = ?1`,
    orderId,
  );
  if (books === undefined) throw new Error("A sum has a row.");
  return books;
}

async function mailsOf(orderId: string): Promise<string[]> {
  const mails = await rows<{ template: string }>(
    "SELECT template FROM emails WHERE task_id = ? ORDER BY template",
    `order:${orderId}`,
  );
  return mails.map(({ template }) => template);
}
