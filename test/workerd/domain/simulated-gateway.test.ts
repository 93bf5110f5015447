import { beforeEach, expect, it } from "vitest";
import type { ChargeRequest } from "#domain/payments";
import { createSimulatedGateway } from "../../../src/integrations/payments/simulated-gateway.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const gateway = createSimulatedGateway(createShop().db, { now: () => Date.now() });

beforeEach(emptyTables);

it("opening takes nothing, and one key is one charge", async () => {
  const reference = await gateway.open(request());
  expect(await gateway.open(request())).toBe(reference);
  expect(await gateway.find("key")).toBe(reference);
  expect(await gateway.lookUp(reference)).toBeNull();
  expect(await captures()).toBe(0);
});

it("a charge that was never opened is not found", async () => {
  expect(await gateway.find("key")).toBeNull();
});

it("charges of one reference, also at the same time, take the money once and answer the same", async () => {
  const first = await charge();
  const answers = await Promise.all([charge(), charge()]);
  expect(answers).toEqual([first, first]);
  expect(await captures()).toBe(1);
});

it("charges with different keys are different charges", async () => {
  await charge();
  await charge({ idempotencyKey: "other" });
  expect(await captures()).toBe(2);
});

it("a look-up answers what the charge answered", async () => {
  for (const amountMinor of [15_000, 15_001]) {
    const asked = { amountMinor, idempotencyKey: `${amountMinor}` };
    const answer = await charge(asked);
    expect(await gateway.lookUp(await gateway.open(request(asked)))).toEqual(answer);
  }
});

it("after a time-out that followed the charge, a look-up finds the capture", async () => {
  await expect(charge({ amountMinor: 15_002 })).rejects.toMatchObject({
    name: "PaymentUnavailableError",
  });
  expect(await gateway.lookUp("sim_key")).toMatchObject({ status: "captured" });
  expect(await captures()).toBe(1);
});

it("a gateway that fails twice takes nothing before it approves", async () => {
  for (const _time of [1, 2]) {
    await expect(charge({ amountMinor: 15_003 })).rejects.toMatchObject({
      name: "PaymentUnavailableError",
    });
    expect(await gateway.lookUp("sim_key")).toBeNull();
  }
  expect(await charge({ amountMinor: 15_003 })).toMatchObject({ status: "captured" });
  expect(await captures()).toBe(1);
});

it("a declined charge takes nothing", async () => {
  expect(await charge({ amountMinor: 15_001 })).toMatchObject({ status: "declined" });
  expect(await captures()).toBe(0);
});

it("a charge that was cancelled is never captured", async () => {
  const reference = await gateway.open(request());
  expect(await gateway.cancel(reference)).toMatchObject({ status: "declined" });
  expect(await gateway.charge(reference, request())).toMatchObject({ status: "declined" });
  expect(await gateway.lookUp(reference)).toMatchObject({ status: "declined" });
  expect(await captures()).toBe(0);
});

it("a charge that was captured stays so when it is cancelled", async () => {
  const captured = await charge();
  expect(await gateway.cancel("sim_key")).toEqual(captured);
});

it("of a charge and its cancellation at the same time one holds", async () => {
  for (let round = 0; round < 10; round += 1) {
    const asked = request({ idempotencyKey: `${round}` });
    const reference = await gateway.open(asked);
    const [charged, cancelled] = await Promise.all([
      gateway.charge(reference, asked),
      gateway.cancel(reference),
    ]);
    expect(charged.status).toBe(cancelled.status);
  }
});

it("the book of a time is told page by page", async () => {
  for (let count = 0; count < 250; count += 1) {
    await gateway.open(request({ idempotencyKey: `${count}` }));
  }
  await charge({ idempotencyKey: "0" });
  const time = { from: 0, until: Date.now() + 1_000 };
  const found = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof gateway.list>> = await gateway.list(time, cursor);
    found.push(...page.charges);
    cursor = page.next;
  } while (cursor !== null);
  expect(new Set(found.map(({ reference }) => reference)).size).toBe(250);
  expect(found.filter(({ status }) => status === "captured")).toMatchObject([
    { reference: "sim_0", idempotencyKey: "0", orderId: "123", refundedMinor: 0 },
  ]);
  expect((await gateway.list({ from: 0, until: 1 }, null)).charges).toEqual([]);
});

function request(changes: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    idempotencyKey: "key",
    orderId: "123",
    amountMinor: 15_000,
    currency: "USD",
    paymentMethod: null,
    ...changes,
  };
}

/** Opens a charge and takes it. */
async function charge(changes: Partial<ChargeRequest> = {}) {
  const asked = request(changes);
  return gateway.charge(await gateway.open(asked), asked);
}

async function captures(): Promise<number> {
  const [row] = await rows<{ sum: number }>(
    "SELECT coalesce(sum(captures), 0) AS sum FROM simulated_charges",
  );
  return row?.sum ?? 0;
}
