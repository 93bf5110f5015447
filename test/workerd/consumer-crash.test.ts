import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { expect, it } from "vitest";
import { Registry } from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain } from "#platform/consumer/drain.ts";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import { systemRandom, systemTimers } from "#platform/system.ts";
import type { PaymentGateway } from "#domain/payments";
import { shopTasks, type ShopServices } from "../../src/domain/index.ts";
import { D1Outbox } from "../../src/platform/outbox/outbox.ts";
import { MemoryLedger, servicesOn } from "./domain/shop.ts";
import { createSimulatedGateway } from "../../src/integrations/payments/simulated-gateway.ts";
import { read, spec, withLedger, type World } from "./ledger.ts";
import { noInput, NO_LARGE_RESULTS } from "../no-large.ts";

const LEASE_MS = 30_000;

async function storeOrder(id: string) {
  await env.DB.prepare(
    `INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, locale, state,
       email_task_id, payment_task_id, created_at)
     VALUES (?, 'anonymous', 1, 15000, 'USD', 'c@example.com', NULL, 'pending', '', '', 0)`,
  )
    .bind(id)
    .run();
}

async function outcomeOf(orderId: string) {
  return env.DB.prepare(
    `SELECT orders.state, (SELECT sum(captures) FROM simulated_charges WHERE order_id = orders.id)
       AS captures FROM orders WHERE id = ?`,
  )
    .bind(orderId)
    .first();
}

function door(ledger: TaskLedger): LedgerDoor {
  return {
    exchange: async (request) => ledger.exchange(request),
    heartbeat: async (held, reports) => ledger.heartbeat(held, reports),
    input: noInput,
    durable: () => Promise.reject(new Error("no task is durable here")),
    recordSteps: () => Promise.reject(new Error("no task is durable here")),
    report: async (reports) => {
      ledger.report(reports);
    },
  };
}

/** A call that never comes back: what a consumer that died looks like to everybody else. */
const never = () => new Promise<never>(() => undefined);

/** Starts a consumer on the payments queue. */
function consume(world: World, ledger: LedgerDoor, over: Partial<PaymentGateway> = {}) {
  const db = drizzle(env.DB);
  const clock = { now: () => world.now };
  const gateway = { ...createSimulatedGateway(db, { now: () => Date.now() }), ...over };
  const outbox = new D1Outbox({ db, clock, submitter: new MemoryLedger(), log: () => undefined });
  const services = servicesOn(db, { clock, gateway, outbox });
  return drain(
    {
      ledger,
      registry: new Registry<ShopServices>(shopTasks),
      supplies: {
        services,
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("These tasks call no others.");
        },
      },
      clock,
      random: systemRandom,
      timers: systemTimers,
      log: () => undefined,
    },
    "payments",
    0,
  );
}

function payment(shard: number, orderId: string) {
  const kwargs = JSON.stringify({ order_id: orderId });
  return spec(shard, { name: "process_payment", queue: "payments", kwargs });
}

it("a consumer that dies before the charge is followed by another that pays", async () => {
  await storeOrder("dies-before");
  await withLedger(async ({ world, ledger, shard }) => {
    const task = payment(shard, "dies-before");
    await ledger.submit([task]);
    let reached: () => void = () => undefined;
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    void consume(world, door(ledger), {
      charge: () => {
        reached();
        return never();
      },
    });
    await isReached;
    world.now += LEASE_MS + 1;
    await consume(world, door(ledger));
    expect(await read(ledger, task.id)).toMatchObject({
      state: "SUCCESS",
      attempts: [{ outcome: "lost" }, { outcome: "success" }],
    });
    expect(await outcomeOf("dies-before")).toEqual({ state: "paid", captures: 1 });
  });
});

it("a consumer that dies after the charge, before its settle, is followed by one that does not charge (G5, G9)", async () => {
  await storeOrder("dies-after");
  await withLedger(async ({ world, ledger, shard }) => {
    const task = payment(shard, "dies-after");
    await ledger.submit([task]);
    let died: () => void = () => undefined;
    const isDead = new Promise<void>((resolve) => {
      died = resolve;
    });
    void consume(world, {
      ...door(ledger),
      exchange: async (request) => {
        if (request.settlements.length === 0) return ledger.exchange(request);
        died();
        return never();
      },
    });
    await isDead;
    expect(ledger.get(task.id)?.state).toBe("STARTED");
    world.now += LEASE_MS + 1;
    await consume(world, door(ledger));
    expect(await read(ledger, task.id)).toMatchObject({ state: "SUCCESS" });
    expect(await outcomeOf("dies-after")).toEqual({ state: "paid", captures: 1 });
  });
});

it("a crash between the charge and its record is mended by asking the gateway", async () => {
  await storeOrder("unrecorded");
  await withLedger(async ({ world, ledger, shard }) => {
    const task = payment(shard, "unrecorded");
    await ledger.submit([task]);
    const gateway = createSimulatedGateway(drizzle(env.DB), { now: () => Date.now() });
    let charged: () => void = () => undefined;
    const isCharged = new Promise<void>((resolve) => {
      charged = resolve;
    });
    void consume(world, door(ledger), {
      charge: async (reference, request) => {
        await gateway.charge(reference, request);
        charged();
        return never();
      },
    });
    await isCharged;
    expect(await outcomeOf("unrecorded")).toEqual({ state: "pending", captures: 1 });
    world.now += LEASE_MS + 1;
    await consume(world, door(ledger), {
      charge: () => {
        throw new Error("It must not be charged again.");
      },
    });
    expect(await outcomeOf("unrecorded")).toEqual({ state: "paid", captures: 1 });
  });
});

it("a zombie that comes to after its lease was lost changes nothing and charges nothing twice (G3, G9)", async () => {
  await storeOrder("zombie");
  await withLedger(async ({ world, ledger, shard }) => {
    const task = payment(shard, "zombie");
    await ledger.submit([task]);
    const gateway = createSimulatedGateway(drizzle(env.DB), { now: () => Date.now() });
    let wakeUp: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    let fellAsleep: () => void = () => undefined;
    const isAsleep = new Promise<void>((resolve) => {
      fellAsleep = resolve;
    });
    const zombie = consume(world, door(ledger), {
      charge: async (reference, request) => {
        fellAsleep();
        await asleep;
        return gateway.charge(reference, request);
      },
    });
    await isAsleep;
    world.now += LEASE_MS + 1;
    await consume(world, door(ledger));
    const settled = await read(ledger, task.id);
    expect(settled?.state).toBe("SUCCESS");
    wakeUp();
    await zombie;
    expect(await read(ledger, task.id)).toEqual(settled);
    expect(await outcomeOf("zombie")).toEqual({ state: "paid", captures: 1 });
  });
});

it("a task that kills its consumer three times while alone fails; its neighbours do not (G13)", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    const poison = spec(shard, { name: "poison" });
    const innocent = Array.from({ length: 20 }, () => spec(shard));
    await ledger.submit([...innocent.slice(0, 10), poison, ...innocent.slice(10)]);
    for (let round = 0; round < 60; round += 1) {
      const claim = ledger.exchange({
        queue: "default",
        settlements: [],
        claim: 50,
        isIdle: true,
        bells: 0,
      });
      if (claim.tasks.length === 0) break;
      if (claim.tasks.some(({ id }) => id === poison.id)) {
        world.now += LEASE_MS + 1;
      } else {
        const settlements = claim.tasks.map(({ id }) => ({
          id,
          token: claim.token,
          outcome: { kind: "success" as const, result: null },
          runtimeMs: 1,
        }));
        ledger.exchange({ queue: "default", settlements, claim: 0, isIdle: true, bells: 0 });
      }
    }
    await world.settled();
    const { results } = await env.DB.prepare(
      "SELECT name, state, count(*) AS n FROM tasks WHERE substr(id, 16, 3) = ? GROUP BY 1, 2",
    )
      .bind(shard.toString(16).padStart(3, "0"))
      .all();
    expect(results).toEqual([
      { name: "poison", state: "FAILURE", n: 1 },
      { name: "process_data", state: "SUCCESS", n: 20 },
    ]);
  });
});
