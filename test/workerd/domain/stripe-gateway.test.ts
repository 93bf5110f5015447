import { inject, expect, it } from "vitest";
import type { Charge, ChargeRequest } from "#domain/payments";
import { createStripeGateway } from "../../../src/integrations/payments/stripe-gateway.ts";
import { StripeAccount } from "./stripe-account.ts";

const CLOCK = { now: () => Date.now() };

it("opening takes nothing; the charge takes it once, however often it is asked", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  expect(await gateway.lookUp(reference)).toBeNull();
  const captured: Charge = {
    ...{ status: "captured", reference },
    ...{ amountMinor: 15_000, refundedMinor: 0 },
  };
  expect(await gateway.charge(reference, request())).toEqual(captured);
  await account.forgetKeys();
  expect(await gateway.charge(reference, request())).toEqual(captured);
  expect(await gateway.lookUp(reference)).toEqual(captured);
  const { intents } = await account.book();
  expect(intents).toMatchObject([
    { captures: 1, metadata: { order_id: "123", order_key: "order:123:0" } },
  ]);
});

it("one key is one charge, also at the same time", async () => {
  const { account, gateway } = stripe();
  const opened = await Promise.allSettled([gateway.open(request()), gateway.open(request())]);
  const references = opened.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  references.push(await gateway.open(request()));
  expect(new Set(references).size).toBe(1);
  expect((await account.book()).intents).toHaveLength(1);
});

it.each([
  ["pm_card_visa_chargeDeclined", /^Your card was declined\. \(generic_decline\)$/],
  ["pm_card_authenticationRequired", /\(authentication_required\)$/],
  ["pm_missing", /^No such payment_method/],
  [null, /^The order names no payment method\.$/],
])("a charge of %s is declined, and can't be captured any more", async (paymentMethod, reason) => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  const declined = await gateway.charge(reference, request({ paymentMethod }));
  expect(declined).toEqual({ status: "declined", reason: expect.stringMatching(reason) as string });
  const again = await gateway.charge(reference, request());
  expect(again.status).toBe("declined");
  expect((await gateway.lookUp(reference))?.status).toBe("declined");
  expect((await account.book()).intents).toMatchObject([{ status: "canceled", captures: 0 }]);
});

it("a decline whose answer got lost is known after the next try", async () => {
  const { account, gateway } = stripe();
  const declining = request({ paymentMethod: "pm_card_visa_chargeDeclined" });
  const reference = await gateway.open(declining);
  await account.control({ next: ["drop_after"] });
  await expect(gateway.charge(reference, declining)).rejects.toThrow("no answer");
  expect(await gateway.lookUp(reference)).toBeNull();
  expect((await gateway.charge(reference, declining)).status).toBe("declined");
});

it.each(["error_after", "drop_after", "garbled"])(
  "%s: a charge whose answer is of no use was taken, and a look-up says so",
  async (fault) => {
    const { account, gateway } = stripe();
    const reference = await gateway.open(request());
    await account.control({ next: [fault] });
    await expect(gateway.charge(reference, request())).rejects.toMatchObject({
      name: "PaymentUnavailableError",
    });
    expect(await gateway.lookUp(reference)).toMatchObject({ status: "captured" });
  },
);

it.each(["conflict", "error_before", "drop_before"])(
  "%s: a charge that was not begun says nothing of the money",
  async (fault) => {
    const { account, gateway } = stripe();
    const reference = await gateway.open(request());
    await account.control({ next: [fault] });
    await expect(gateway.charge(reference, request())).rejects.toMatchObject({
      name: "PaymentUnavailableError",
    });
    expect(await gateway.lookUp(reference)).toBeNull();
  },
);

it("when Stripe is asked too often it says when to come again", async () => {
  const { account, gateway } = stripe();
  await account.control({ next: ["too_many"] });
  await expect(gateway.open(request())).rejects.toMatchObject({
    ...{ name: "PaymentUnavailableError", retryAfterSeconds: 1 },
  });
});

it("an error that Stripe stored under a key doesn't stop the charge for a day", async () => {
  const { account, gateway } = stripe();
  await account.control({ next: ["error_after"] });
  await expect(gateway.open(request())).rejects.toThrow("Stripe answered 500");
  const reference = await gateway.open(request());
  expect((await gateway.charge(reference, request())).status).toBe("captured");
  const { intents } = await account.book();
  expect(intents.map(({ captures }) => captures)).toEqual([0, 1]);
  // After a restore the one that was charged is found, not the one that nobody knows of.
  expect(await gateway.find("order:123:0")).toBe(reference);
});

it("a charge is found by its key after Stripe forgot the key; one of this moment may be missed", async () => {
  const { account, gateway } = stripe();
  expect(await gateway.find("order:123:0")).toBeNull();
  const reference = await gateway.open(request());
  await account.forgetKeys();
  expect(await gateway.find("order:123:0")).toBe(reference);
  expect(await gateway.find('order:"123')).toBeNull();
  expect(await gateway.find("ORDER:123:0"), "another order's").toBeNull();
  await account.control({ searchLagMs: 60_000 });
  expect(await gateway.find("order:123:0")).toBeNull();
});

it("a charge that is cancelled is never captured, one that was captured stays so", async () => {
  const { account, gateway } = stripe();
  const open = await gateway.open(request());
  expect((await gateway.cancel(open)).status).toBe("declined");
  expect((await gateway.cancel(open)).status).toBe("declined");
  expect((await gateway.charge(open, request())).status).toBe("declined");
  const taken = await gateway.open(request({ idempotencyKey: "other" }));
  await gateway.charge(taken, request());
  expect((await gateway.cancel(taken)).status).toBe("captured");
  expect((await account.book()).intents.map(({ captures }) => captures)).toEqual([0, 1]);
});

it("a charge that Stripe doesn't decide on is neither captured nor declined, nor given up", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  const endless = request({ paymentMethod: "pm_endless" });
  for (const call of [
    () => gateway.charge(reference, endless),
    () => gateway.charge(reference, endless),
    () => gateway.cancel(reference),
  ]) {
    await expect(call()).rejects.toThrow("has not decided");
  }
  expect(await gateway.lookUp(reference)).toBeNull();
  expect((await account.book()).intents).toMatchObject([{ status: "processing", confirms: 1 }]);
});

it("while a charge is being taken nothing sure is said of it", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  await account.control({ latencyMs: 200 });
  const charge = gateway.charge(reference, request());
  // Both reach Stripe while the first is at work, or after it.
  const others = await Promise.allSettled([gateway.charge(reference, request())]);
  expect((await charge).status).toBe("captured");
  for (const other of others) {
    if (other.status === "fulfilled") expect(other.value.status).toBe("captured");
    else expect(other.reason).toMatchObject({ name: "PaymentUnavailableError" });
  }
  expect((await account.book()).intents).toMatchObject([{ captures: 1 }]);
});

it("a wrong key of the API is no decline, and is quoted nowhere", async () => {
  const secretKey = "sk_live_51Hsecretsecretsecret";
  const gateway = createStripeGateway({ secretKey, url: inject("stripeUrl") }, CLOCK);
  for (const call of [
    gateway.open(request()),
    gateway.charge("pi_1", request()),
    gateway.cancel("pi_1"),
    gateway.lookUp("pi_1"),
    gateway.refund(refund("pi_1", 1)),
  ]) {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ name: "PaymentUnavailableError" });
    expect(`${error?.message} ${error?.stack} ${JSON.stringify(error)}`).not.toContain("sk_live");
  }
});

it("a charge that this account knows nothing of is no decline", async () => {
  const { gateway } = stripe();
  await expect(gateway.charge("pi_unknown", request())).rejects.toThrow("resource_missing");
  await expect(gateway.cancel("pi_unknown")).rejects.toThrow("resource_missing");
  expect(await gateway.lookUp("pi_unknown")).toBeNull();
});

it("money goes back once per key, and a charge that is back is back", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  await gateway.charge(reference, request());
  expect(await gateway.refund(refund(reference, 15_000))).toEqual({ status: "refunded" });
  expect(await gateway.refund(refund(reference, 15_000))).toEqual({ status: "refunded" });
  await account.forgetKeys();
  expect(await gateway.refund(refund(reference, 15_000))).toEqual({ status: "refunded" });
  expect((await account.book()).refunds).toMatchObject([{ amount: 15_000 }]);
  expect(await gateway.lookUp(reference)).toMatchObject({ refundedMinor: 15_000 });
});

it("more than what is left of a charge is refused", async () => {
  const { gateway } = stripe();
  const reference = await gateway.open(request());
  await gateway.charge(reference, request());
  expect(await gateway.refund(refund(reference, 5_000, "part"))).toEqual({ status: "refunded" });
  expect((await gateway.refund(refund(reference, 15_000))).status).toBe("refused");
});

it("a refund that Stripe stored an error for is given once", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  await gateway.charge(reference, request());
  await account.control({ next: ["error_after"] });
  await expect(gateway.refund(refund(reference, 15_000))).rejects.toThrow("500");
  expect(await gateway.refund(refund(reference, 15_000))).toEqual({ status: "refunded" });
  expect((await account.book()).refunds).toHaveLength(1);
});

it("the book is told page by page", async () => {
  const { gateway } = stripe();
  for (let count = 0; count < 130; count += 1) {
    await gateway.open(request({ idempotencyKey: `key ${count}` }));
  }
  const taken = await gateway.open(request({ idempotencyKey: "taken" }));
  await gateway.charge(taken, request());
  await gateway.refund(refund(taken, 4_000));
  const time = { from: Date.now() - 60_000, until: Date.now() + 2_000 };
  const first = await gateway.list(time, null);
  const second = await gateway.list(time, first.next);
  expect([first.charges.length, second.charges.length, second.next]).toEqual([100, 31, null]);
  expect(first.charges[0]).toEqual({
    ...{ reference: taken, idempotencyKey: "taken", orderId: "123", status: "captured" },
    ...{ amountMinor: 15_000, refundedMinor: 4_000, currency: "USD" },
    createdAt: expect.any(Number) as number,
  });
  expect((await gateway.list({ from: 0, until: 1_000 }, null)).charges).toEqual([]);
});

it("a request that is never answered ends in good time", async () => {
  const { account, gateway } = stripe();
  const reference = await gateway.open(request());
  await account.control({ next: ["hang"] });
  await expect(gateway.lookUp(reference)).rejects.toMatchObject({
    name: "PaymentUnavailableError",
  });
}, 15_000);

function stripe() {
  const account = new StripeAccount();
  return { account, gateway: account.gateway };
}

function request(changes: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    ...{ idempotencyKey: "order:123:0", orderId: "123" },
    ...{ amountMinor: 15_000, currency: "USD", paymentMethod: "pm_card_visa" },
    ...changes,
  };
}

function refund(reference: string, amountMinor: number, idempotencyKey = "refund:123:0") {
  return { idempotencyKey, reference, amountMinor, currency: "USD" };
}
