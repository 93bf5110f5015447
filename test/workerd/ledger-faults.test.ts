import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { claiming, spec, succeeding, withLedger } from "./ledger.ts";

async function inHistory(id: string) {
  const { results } = await env.DB.prepare("SELECT state, result FROM tasks WHERE id = ?")
    .bind(id)
    .all<{ state: string; result: string }>();
  return results;
}

it("a lease and its token survive an eviction of the object in the middle of a task (G3, G21)", async () => {
  const stub = env.LEDGER.getByName("shard-900");
  const task = spec(900, { queue: "nobody-listens" });
  await stub.submit([task]);
  const step = { ...claiming(5), queue: "nobody-listens" };
  const claim = await stub.exchange(step);
  expect(claim.tasks.map(({ id }) => id)).toEqual([task.id]);

  await evictDurableObject(stub);

  expect((await stub.read(task.id))?.state).toBe("STARTED");
  expect((await stub.exchange(step)).tasks).toEqual([]);
  const settled = await stub.exchange({ ...step, ...succeeding(claim.token, [task.id]) });
  expect(settled.stale).toBe(0);
  const again = await stub.exchange({ ...step, ...succeeding(claim.token, [task.id], '"other"') });
  expect(again.stale).toBe(1);
  await expect.poll(() => inHistory(task.id)).toEqual([{ state: "SUCCESS", result: "1" }]);
});

it("waiting tasks are found again after an eviction, in their order", async () => {
  await withLedger(async ({ world, ledger, restart, shard }) => {
    const low = spec(shard);
    const high = spec(shard, { priority: 5 });
    const later = spec(shard, { dueAt: world.now + 60_000, priority: 9 });
    await ledger.submit([low, later, high]);
    const after = restart();
    expect(after.exchange(claiming(5)).tasks.map(({ id }) => id)).toEqual([high.id, low.id]);
    world.now += 60_000;
    expect(after.exchange(claiming(5)).tasks.map(({ id }) => id)).toEqual([later.id]);
  });
});

it("an alarm that is set costs no row when the object wakes, and is set again when it went off early (G20)", async () => {
  const stub = env.LEDGER.getByName("shard-902");
  const dueAt = Date.now() + 3_600_000;
  await stub.submit([spec(902, { queue: "nobody-listens", dueAt })]);
  const alarm = () => runInDurableObject(stub, (_shard, { storage }) => storage.getAlarm());
  expect(await alarm()).toBe(dueAt);

  await evictDurableObject(stub);
  expect(await stub.stats()).toMatchObject({ ledgerRows: 0 });
  expect(await alarm()).toBe(dueAt);

  // Another time each time: the same one would be no write, and ring nobody.
  await runDurableObjectAlarm(stub);
  expect(await alarm()).toBe(dueAt + 1);
  for (const at of [dueAt, dueAt + 1]) {
    await evictDurableObject(stub);
    await runDurableObjectAlarm(stub);
    expect(await alarm()).toBe(at);
  }
});

it("what waits for no time has an alarm that the platform takes, once, however often the object wakes (G20)", async () => {
  const stub = env.LEDGER.getByName("shard-903");
  await stub.submit([spec(903, { queue: "nobody-listens", dueAt: Date.UTC(9999) })]);
  const alarm = () => runInDurableObject(stub, (_shard, { storage }) => storage.getAlarm());
  const set = await alarm();
  expect(set).toBeGreaterThan(Date.now());
  await evictDurableObject(stub);
  await stub.tick();
  expect(await alarm()).toBe(set);
  expect(await stub.stats()).toMatchObject({ ledgerRows: 0 });
});

it("D1 failing during the flush loses nothing and doubles nothing (G2, G16)", async () => {
  await withLedger(async ({ world, ledger, restart, shard }) => {
    const task = spec(shard);
    await ledger.submit([task]);
    const { token } = ledger.exchange(claiming(5));
    world.beforeWrite = () => {
      throw new Error("D1_ERROR: Network connection lost.");
    };
    ledger.exchange(succeeding(token, [task.id], '"once"'));
    await world.settled();
    expect(await inHistory(task.id)).toEqual([]);
    expect(ledger.get(task.id)).toMatchObject({ state: "SUCCESS", result: '"once"' });

    // The object is evicted, and D1 commits the next write but its answer is lost.
    const after = restart();
    expect(after.get(task.id)).toMatchObject({ state: "SUCCESS", result: '"once"' });
    world.beforeWrite = () => undefined;
    world.afterWrite = () => {
      throw new Error("D1_ERROR: Network connection lost.");
    };
    world.now += 60_000;
    after.tick();
    await world.settled();
    expect(after.stats().unflushed).toBe(1);

    world.afterWrite = () => undefined;
    world.now += 60_000;
    after.tick();
    await world.settled();
    expect(after.stats().unflushed).toBe(0);
    expect(await inHistory(task.id)).toEqual([{ state: "SUCCESS", result: '"once"' }]);
  });
});

it("while D1 is too far behind, new work is refused and accepted work goes on (G23)", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    world.beforeWrite = () => {
      throw new Error("D1 is down");
    };
    const tasks = Array.from({ length: 1_000 }, () => spec(shard));
    for (let round = 0; round < 51; round += 1) {
      const ids = tasks.map((task) => ({ ...task, id: spec(shard).id }));
      await ledger.submit(ids);
      const claim = ledger.exchange(claiming(1_000));
      ledger.exchange(
        succeeding(
          claim.token,
          claim.tasks.map(({ id }) => id),
        ),
      );
    }
    await world.settled();
    const refused = spec(shard);
    await expect(ledger.submit([refused])).rejects.toMatchObject({
      code: "history_behind",
      retryable: true,
    });
    expect(ledger.get(refused.id)).toBeNull();
  });
});

it("a doorbell that can't be sent after the commit is made up for without a queue", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    world.isRingBroken = true;
    await ledger.submit([spec(shard)]);
    await world.settled();
    expect(world.armedAt).toBeLessThanOrEqual(world.now + 20_000);
    world.now += 5_000;
    ledger.tick();
    expect(world.ranDirectly).toEqual(["default"]);
  });
});

it("when every doorbell is lost the work starts within a minute (G20)", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    const submittedAt = world.now;
    await ledger.submit([spec(shard)]);
    expect(world.rung).toEqual(["default"]);
    while (world.ranDirectly.length === 0 && world.now < submittedAt + 120_000) {
      world.now = world.armedAt ?? Infinity;
      ledger.tick();
    }
    expect(world.now - submittedAt).toBeLessThanOrEqual(60_000);
    expect(world.ranDirectly).toEqual(["default"]);
  });
});

it("hundreds of submits share few doorbells", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    for (let count = 0; count < 300; count += 1) await ledger.submit([spec(shard)]);
    expect(world.rung.length).toBeLessThanOrEqual(2);
  });
});

it("a plain task costs three rows and its share of a lease and of a finished row (G19)", async () => {
  const stub = env.LEDGER.getByName("shard-901");
  const queue = "nobody-listens";
  // The first task pays for the tables and the alarm.
  const rows = async () => {
    const { ledgerRows, historyRows } = await stub.stats();
    return { ledgerRows, historyRows };
  };
  const run = async (count: number) => {
    await stub.submit(Array.from({ length: count }, () => spec(901, { queue })));
    const claim = await stub.exchange({ ...claiming(count), queue });
    const ids = claim.tasks.map(({ id }) => id);
    await stub.exchange({ ...succeeding(claim.token, ids), queue });
    await expect.poll(async () => (await stub.stats()).unflushed).toBe(0);
  };
  await run(1);
  const before = await rows();
  await run(100);
  const after = await rows();
  expect(after.ledgerRows - before.ledgerRows).toBeLessThanOrEqual(202);
  expect(after.historyRows - before.historyRows).toBe(100);
  await run(1);
  const alone = await rows();
  expect(alone.ledgerRows - after.ledgerRows).toBeLessThanOrEqual(4);
  expect(alone.historyRows - after.historyRows).toBe(1);
});

it("large arguments and results fit into statements as production takes them", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    const kwargs = JSON.stringify({ data: "ж".repeat(100_000) });
    const tasks = Array.from({ length: 40 }, () => spec(shard, { kwargs }));
    await ledger.submit(tasks);
    const { token, tasks: claimed } = ledger.exchange(claiming(40));
    expect(claimed).toHaveLength(40);
    const result = JSON.stringify('"'.repeat(250_000));
    const ids = claimed.map(({ id }) => id);
    ledger.exchange(succeeding(token, ids, result));
    await world.settled();
    expect(ledger.stats()).toEqual({ ready: 0, running: 0, unflushed: 0 });
    const stored = await env.DB.prepare(
      "SELECT count(*) AS n FROM tasks WHERE result = ? AND substr(id, 16, 3) = ?",
    )
      .bind(result, shard.toString(16).padStart(3, "0"))
      .first();
    expect(stored).toEqual({ n: 40 });
  });
});
