import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { Outcome } from "#engine";
import {
  PaymentUnavailableError,
  type Charge,
  type ChargeRequest,
  type PaymentGateway,
} from "#domain/payments";
import { createShop, emptyTables, rows, run, type TestCall } from "./shop.ts";

const PAY = "process_payment";
const APPROVED = 15_000;
const DECLINED = 15_001;
const TIMES_OUT_AFTER_CHARGING = 15_002;
const FAILS_TWICE = 15_003;
/** More runs than any behaviour needs. */
const MOST_RUNS = 6;

beforeEach(emptyTables);

it("an approved payment is captured once and pays its order", async () => {
  const { outcomes, books } = await settle(APPROVED);
  expect(outcomes).toEqual([
    { kind: "success", result: '"Payment for order #123 processed successfully."' },
  ]);
  expect(books).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a declined payment fails its task without a retry and marks the order", async () => {
  const { outcomes, books } = await settle(DECLINED);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["failure"]);
  expect(errorOf(outcomes[0])).toBe("PaymentDeclinedError");
  expect(books).toEqual({ order: "payment_failed", payment: "declined", captures: 0 });
});

it("after a time-out that followed the charge, the gateway is asked and not charged again", async () => {
  const { outcomes, books } = await settle(TIMES_OUT_AFTER_CHARGING);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["retry", "success"]);
  expect(books).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a gateway that is down twice is tried until it answers", async () => {
  const { outcomes, books } = await settle(FAILS_TWICE);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["retry", "retry", "success"]);
  expect(books).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a gateway that says when it wants to be asked again is not asked before", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  const gateway: PaymentGateway = {
    ...shop.services.gateway,
    charge: () => Promise.reject(new PaymentUnavailableError("Too many requests.", 90)),
  };
  const [outcome] = await run({ ...shop.services, gateway }, PAY, [pay("123", "task")]);
  expect(outcome).toMatchObject({ kind: "retry", delayMs: 90_000 });
});

it("a run whose order went to another's charge meanwhile asks for no money", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  const { gateway } = shop.services;
  const opening: PaymentGateway = {
    ...gateway,
    open: async (request) => {
      const reference = await gateway.open(request);
      // Another run's charge was declined, and a replay begins the next one.
      await env.DB.prepare("UPDATE payments SET declines = 1, task_id = 'replay'").run();
      return reference;
    },
    charge: () => Promise.reject(new Error("must not be asked")),
  };
  const [outcome] = await run({ ...shop.services, gateway: opening }, PAY, [pay("123", "task")]);
  expect(outcome).toMatchObject({ kind: "retry", error: { exc_type: "PaymentUnavailableError" } });
});

it("the result is in the language of the order, else of the deployment", async () => {
  const shop = createShop({ services: { locale: "ru" } });
  await shop.create({ orderId: "1" });
  await shop.create({ orderId: "2", locale: "en" });
  const outcomes = await run(shop.services, PAY, [pay("1"), pay("2")]);
  expect(outcomes.map((outcome) => outcome.kind === "success" && outcome.result)).toEqual([
    '"Платеж для заказа #1 успешно обработан."',
    '"Payment for order #2 processed successfully."',
  ]);
});

it("runs of a task that had succeeded succeed again and charge nothing", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  for (let count = 0; count < 3; count += 1) {
    const [outcome] = await run(shop.services, PAY, [pay("123")]);
    expect(outcome?.kind).toBe("success");
  }
  expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it.each([APPROVED, TIMES_OUT_AFTER_CHARGING, FAILS_TWICE])(
  "runs of one order at the same time capture once (amount %i)",
  async (amountMinor) => {
    const shop = createShop();
    await shop.create({ orderId: "123", amountMinor });
    for (let round = 0; round < 4; round += 1) {
      await Promise.all([
        run(shop.services, PAY, [pay("123"), pay("123")]),
        run(shop.services, PAY, [pay("123")]),
      ]);
    }
    expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
  },
);

it("a gateway that has forgotten the key by the next run is asked, not charged", async () => {
  const charged: string[] = [];
  const gateway: PaymentGateway = {
    ...createShop().services.gateway,
    provider: "forgetful",
    async charge(reference) {
      charged.push(reference);
      throw new PaymentUnavailableError("No answer in time.");
    },
    async lookUp(reference) {
      return charged.includes(reference)
        ? { status: "captured", reference, amountMinor: APPROVED, refundedMinor: 0 }
        : null;
    },
  };
  const shop = createShop({ services: { gateway } });
  await shop.create({ orderId: "123" });
  const [first] = await run(shop.services, PAY, [pay("123", "task")]);
  const [second] = await run(shop.services, PAY, [pay("123", "task")]);
  expect([first?.kind, second?.kind]).toEqual(["retry", "success"]);
  expect(charged).toHaveLength(1);
});

it("a payment begun with another provider is charged by none until a person looked", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: TIMES_OUT_AFTER_CHARGING });
  await run(shop.services, PAY, [pay("123", "task")]);
  const gateway: PaymentGateway = {
    ...shop.services.gateway,
    provider: "another",
    charge: () => Promise.reject(new Error("must not be asked")),
    lookUp: () => Promise.resolve(null),
  };
  const [outcome] = await run({ ...shop.services, gateway }, PAY, [pay("123", "task")]);
  expect(errorOf(outcome)).toBe("PaymentProviderChangedError");
});

it("a payment of another amount than the order's is left to a person", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  const { gateway } = shop.services;
  const generous = {
    ...gateway,
    open: (request: ChargeRequest) => gateway.open({ ...request, amountMinor: 1_000 }),
  };
  const [outcome] = await run({ ...shop.services, gateway: generous }, PAY, [pay("123", "task")]);
  expect(errorOf(outcome)).toBe("PaymentAmountError");
  expect(await booksOf("123")).toEqual({ order: "pending", payment: "charging", captures: 1 });
});

it("a zombie whose charge is answered late changes nothing", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123" });
  const { gateway, started, release } = slowGateway(shop.services.gateway);
  const zombie = run({ ...shop.services, gateway }, PAY, [pay("123", "task")]);
  await started;
  const [outcome] = await run(shop.services, PAY, [pay("123", "task")]);
  expect(outcome?.kind).toBe("success");
  const before = await rows("SELECT * FROM payments");
  release();
  await zombie;
  expect(await rows("SELECT * FROM payments")).toEqual(before);
  expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a declined payment is not charged again by a late run of the same task", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: DECLINED });
  await run(shop.services, PAY, [pay("123", "task")]);
  const [again] = await run(shop.services, PAY, [pay("123", "task")]);
  expect(errorOf(again)).toBe("PaymentDeclinedError");
  expect(await rows("SELECT requests FROM simulated_charges")).toEqual([{ requests: 1 }]);
});

it("a replay of a declined payment may succeed, and is captured once", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: DECLINED });
  await run(shop.services, PAY, [pay("123", "task")]);
  const approving = { ...shop.services, gateway: charging(shop.services.gateway, APPROVED) };
  const [outcome] = await run(approving, PAY, [pay("123", "replay")]);
  expect(outcome?.kind).toBe("success");
  expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a replay that a restored database forgot is asked about, not charged again", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: DECLINED });
  await run(shop.services, PAY, [pay("123", "task")]);
  const charged: string[] = [];
  const gateway: PaymentGateway = {
    ...shop.services.gateway,
    open: ({ idempotencyKey }) => {
      charged.push(idempotencyKey);
      return Promise.reject(new PaymentUnavailableError("Its keys are forgotten by now."));
    },
    find: (key) => Promise.resolve(`ch_${key}`),
    lookUp: (reference) =>
      Promise.resolve({ status: "captured", reference, amountMinor: DECLINED, refundedMinor: 0 }),
  };
  const [outcome] = await run({ ...shop.services, gateway }, PAY, [pay("123", "replay")]);
  expect(outcome?.kind).toBe("success");
  expect(charged).toEqual([]);
});

it("a decline that comes late does not undo the payment of a replay", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: DECLINED });
  const { gateway, started, release } = slowGateway(shop.services.gateway);
  const zombie = run({ ...shop.services, gateway }, PAY, [pay("123", "task")]);
  await started;
  await run(shop.services, PAY, [pay("123", "task")]);
  const approving = { ...shop.services, gateway: charging(shop.services.gateway, APPROVED) };
  await run(approving, PAY, [pay("123", "replay")]);
  release();
  expect(errorOf((await zombie)[0])).toBe("PaymentDeclinedError");
  expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("a decline that comes late does not hide what a replay's unanswered charge did", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: DECLINED });
  const { gateway, started, release } = slowGateway(shop.services.gateway);
  const zombie = run({ ...shop.services, gateway }, PAY, [pay("123", "task")]);
  await started;
  await run(shop.services, PAY, [pay("123", "task")]);
  const timingOut = charging(shop.services.gateway, TIMES_OUT_AFTER_CHARGING);
  const [replay] = await run({ ...shop.services, gateway: timingOut }, PAY, [pay("123", "replay")]);
  expect(replay?.kind).toBe("retry");
  release();
  await zombie;
  const again = { ...shop.services, gateway: timingOut };
  await run(again, PAY, [{ ...pay("123", "replay"), retries: 1 }]);
  expect(await booksOf("123")).toEqual({ order: "paid", payment: "captured", captures: 1 });
});

it("in a batch, a declined payment and a missing order fail alone", async () => {
  const shop = createShop();
  await shop.create({ orderId: "1" });
  await shop.create({ orderId: "2", amountMinor: DECLINED });
  await shop.create({ orderId: "3" });
  const calls = [pay("1"), pay("2"), pay("3"), pay("none")];
  const outcomes = await run(shop.services, PAY, calls);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["success", "failure", "success", "failure"]);
  expect((await booksOf("1")).captures + (await booksOf("3")).captures).toBe(2);
});

function pay(orderId: string, id?: string): TestCall {
  return { kwargs: { order_id: orderId }, ...(id !== undefined && { id }) };
}

/** Creates order 123 and runs its payment task, as often as it asks for a retry. */
async function settle(amountMinor: number) {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor });
  const outcomes: Outcome[] = [];
  do {
    const call = { ...pay("123", "task"), retries: outcomes.length };
    outcomes.push(...(await run(shop.services, PAY, [call])));
  } while (outcomes.at(-1)?.kind === "retry" && outcomes.length < MOST_RUNS);
  return { outcomes, books: await booksOf("123") };
}

async function booksOf(orderId: string) {
  const [order] = await rows<{ state: string }>("SELECT state FROM orders WHERE id = ?", orderId);
  const [payment] = await rows<{ state: string }>(
    "SELECT state FROM payments WHERE order_id = ?",
    orderId,
  );
  const [book] = await rows<{ captures: number }>(
    "SELECT coalesce(sum(captures), 0) AS captures FROM simulated_charges WHERE order_id = ?",
    orderId,
  );
  return { order: order?.state, payment: payment?.state, captures: book?.captures ?? 0 };
}

function errorOf(outcome: Outcome | undefined): string | null {
  return outcome?.kind === "failure" ? outcome.error.exc_type : null;
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

/** The customer has another card by now: the gateway behaves as for another amount, and takes the order's. */
function charging(real: PaymentGateway, amountMinor: number): PaymentGateway {
  const taken = <Answer extends Charge | null>(charge: Answer): Answer =>
    charge?.status === "captured" ? { ...charge, amountMinor: DECLINED } : charge;
  return {
    ...real,
    open: (request) => real.open({ ...request, amountMinor }),
    charge: async (reference, request) => taken(await real.charge(reference, request)),
    lookUp: async (reference) => taken(await real.lookUp(reference)),
  };
}
