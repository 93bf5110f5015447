import { beforeEach, expect, it } from "vitest";
import type { ChargeRequest } from "#domain/payments";
import { createSimulatedGateway } from "../../../src/integrations/payments/simulated-gateway.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const gateway = createSimulatedGateway(createShop().db, { now: () => Date.now() });

beforeEach(emptyTables);

it("charges with one key, also at the same time, take the money once and answer the same", async () => {
  const first = await gateway.charge(request());
  const answers = await Promise.all([gateway.charge(request()), gateway.charge(request())]);
  expect(answers).toEqual([first, first]);
  expect(await captures()).toBe(1);
});

it("charges with different keys are different charges", async () => {
  await gateway.charge(request());
  await gateway.charge(request({ idempotencyKey: "other" }));
  expect(await captures()).toBe(2);
});

it("a look-up knows nothing of a key that was never used", async () => {
  expect(await gateway.lookUp("key")).toBeNull();
});

it("a look-up answers what the charge answered", async () => {
  for (const amountMinor of [15_000, 15_001]) {
    const idempotencyKey = `${amountMinor}`;
    const charge = await gateway.charge(request({ amountMinor, idempotencyKey }));
    expect(await gateway.lookUp(idempotencyKey)).toEqual(charge);
  }
});

it("after a time-out that followed the charge, a look-up finds the capture", async () => {
  const charge = gateway.charge(request({ amountMinor: 15_002 }));
  await expect(charge).rejects.toMatchObject({ name: "PaymentUnavailableError" });
  expect(await gateway.lookUp("key")).toMatchObject({ status: "captured" });
  expect(await captures()).toBe(1);
});

it("a gateway that fails twice takes nothing before it approves", async () => {
  for (const _time of [1, 2]) {
    const charge = gateway.charge(request({ amountMinor: 15_003 }));
    await expect(charge).rejects.toMatchObject({ name: "PaymentUnavailableError" });
    expect(await gateway.lookUp("key")).toBeNull();
  }
  expect(await gateway.charge(request({ amountMinor: 15_003 }))).toMatchObject({
    status: "captured",
  });
  expect(await captures()).toBe(1);
});

it("a declined charge takes nothing", async () => {
  expect(await gateway.charge(request({ amountMinor: 15_001 }))).toMatchObject({
    status: "declined",
  });
  expect(await captures()).toBe(0);
});

function request(changes: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    idempotencyKey: "key",
    orderId: "123",
    amountMinor: 15_000,
    currency: "USD",
    ...changes,
  };
}

async function captures(): Promise<number> {
  const [row] = await rows<{ sum: number }>(
    "SELECT coalesce(sum(captures), 0) AS sum FROM simulated_charges",
  );
  return row?.sum ?? 0;
}
