import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { expect, it } from "vitest";
import type { ShopServices } from "../../../src/domain/index.ts";
import { createSimulatedGateway } from "../../../src/integrations/payments/simulated-gateway.ts";
import { Faults, faultyDatabase, type FaultPoint } from "./faults.ts";
import { createShop, rows, run } from "./shop.ts";

/** More calls than any one run makes. */
const MOST_CALLS = 10;
/** Hundreds of runs. */
/** Points that are tried at the same time. */
const SIDE_BY_SIDE = 4;
/** More undisturbed runs than any behaviour needs. */
const MOST_RUNS = 6;

const CASES = [
  { name: "approve", amountMinor: 15_000, order: "paid", captures: 1 },
  { name: "decline", amountMinor: 15_001, order: "payment_failed", captures: 0 },
  { name: "time-out after charging", amountMinor: 15_002, order: "paid", captures: 1 },
  { name: "fails twice", amountMinor: 15_003, order: "paid", captures: 1 },
];

it.each(CASES)("$name: a crash at any one call is mended by the next run", async (expected) => {
  let points = 0;
  for (const point of allPoints(MOST_CALLS)) {
    if (!(await survives(expected, [point]))) break;
    points += 1;
  }
  expect(points).toBeGreaterThan(3);
  expect(points, "points enough for every call").toBeLessThan(2 * MOST_CALLS);
});

it.each(CASES)("$name: crashes in two runs are mended by the third", async (expected) => {
  for (const first of allPoints(MOST_CALLS)) {
    if (!(await survives(expected, [first]))) break;
    const again = Array.from(allPoints(MOST_CALLS));
    for (let from = 0; from < again.length; from += SIDE_BY_SIDE) {
      const some = again.slice(from, from + SIDE_BY_SIDE);
      const struck = await Promise.all(some.map((second) => survives(expected, [first, second])));
      // Behind the last call of that run there is nothing to break.
      if (struck.includes(false)) break;
    }
  }
});

function* allPoints(calls: number): Generator<FaultPoint> {
  for (let at = 1; at <= calls; at += 1) {
    yield { at, when: "before" };
    yield { at, when: "after" };
  }
}

/** Runs with one crash each, then undisturbed until the task ends. @returns whether the last crash happened */
async function survives(
  { amountMinor, order, captures }: (typeof CASES)[number],
  points: readonly FaultPoint[],
): Promise<boolean> {
  const shop = createShop();
  const orderId = crypto.randomUUID();
  const label = JSON.stringify(points);
  await shop.create({ orderId, amountMinor });
  let hasCrashed = false;
  for (const point of points) {
    const faults = new Faults(point);
    const outcome = await runOnce(servicesWith(faults), orderId);
    if (faults.struck) expect(outcome, `an unknown outcome, after ${label}`).toBe("retry");
    hasCrashed = faults.struck;
    const books = await booksOf(orderId);
    expect(books.captures, `captures after ${label}`).toBeLessThanOrEqual(captures);
    if (books.order === "paid") expect(books.captures, `paid after ${label}`).toBe(1);
  }
  for (let runs = 0; runs < MOST_RUNS; runs += 1) {
    if ((await runOnce(shop.services, orderId)) !== "retry") break;
  }
  expect(await booksOf(orderId), `after ${label}`).toEqual({ order, captures });
  return hasCrashed;
}

/** The shop's calls and the gateway's own both break: the gateway may die halfway through a charge. */
function servicesWith(faults: Faults): ShopServices {
  const db = drizzle(faultyDatabase(env.DB, faults));
  return createShop({
    services: { db, gateway: createSimulatedGateway(db, { now: () => Date.now() }) },
  }).services;
}

async function runOnce(services: ShopServices, orderId: string) {
  const call = { id: `task of ${orderId}`, kwargs: { order_id: orderId } };
  const [outcome] = await run(services, "process_payment", [call]);
  return outcome?.kind;
}

async function booksOf(orderId: string) {
  const [order] = await rows<{ state: string }>("SELECT state FROM orders WHERE id = ?", orderId);
  const [book] = await rows<{ captures: number }>(
    "SELECT coalesce(sum(captures), 0) AS captures FROM simulated_charges WHERE order_id = ?",
    orderId,
  );
  return { order: order?.state ?? "none", captures: book?.captures ?? 0 };
}
