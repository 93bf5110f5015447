import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { shardOf, type TaskSpec } from "#engine";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, MemoryLedger, rows } from "./shop.ts";

beforeEach(emptyTables);

it("insert keeps the whole task under its id", async () => {
  const shop = createShop();
  const [task] = await write(shop, 1);
  expect(await rows("SELECT id, json_extract(spec, '$.name') AS name FROM outbox")).toEqual([
    { id: task?.id, name: "process_data" },
  ]);
});

it("relay submits the tasks as they were written and takes them out", async () => {
  const shop = createShop();
  const tasks = await write(shop, 3);
  await shop.outbox.relay(tasks);
  expect([...shop.ledger.taken.values()]).toEqual(tasks);
  expect(await left()).toBe(0);
});

it("relaying twice, also at the same time, is one task", async () => {
  const shop = createShop();
  const tasks = await write(shop, 2);
  await Promise.all([shop.outbox.relay(tasks), shop.outbox.relay(tasks), shop.outbox.relay(tasks)]);
  expect(shop.ledger.taken.size).toBe(2);
  expect(await left()).toBe(0);
});

it("a row is taken out only after the ledger has it", async () => {
  const ledger = new MemoryLedger();
  ledger.gate = async () => {
    expect(await left()).toBe(1);
  };
  const shop = createShop({ ledger });
  await shop.outbox.relay(await write(shop, 1));
  expect(await left()).toBe(0);
});

it("a relay whose answer was lost is finished by the sweep", async () => {
  const ledger = new MemoryLedger();
  const shop = createShop({ ledger });
  const tasks = await write(shop, 2);
  const faults = new Faults({ at: 1, when: "before" });
  const broken = createShop({ database: faultyDatabase(env.DB, faults), ledger });
  await expect(broken.outbox.relay(tasks)).rejects.toThrow();
  expect(await left()).toBe(2);
  await makeOld();
  await shop.outbox.sweep();
  expect(ledger.taken.size).toBe(2);
  expect(await left()).toBe(0);
});

it("the sweep leaves young rows to the relay that their write started", async () => {
  const shop = createShop();
  await write(shop, 1);
  await shop.outbox.sweep();
  expect(shop.ledger.taken.size).toBe(0);
  expect(await left()).toBe(1);
});

it("the sweep relays old rows, the oldest first, with what was written", async () => {
  const shop = createShop();
  const tasks = await write(shop, 3);
  await makeOld();
  await shop.outbox.sweep();
  const taken = [...shop.ledger.taken.values()];
  expect(taken.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id).sort());
  expect(taken.find(({ id }) => id === tasks[0]?.id)).toEqual(tasks[0]);
  expect(await left()).toBe(0);
});

it("a task that the ledger is just looking up stays for the next sweep", async () => {
  const shop = createShop();
  const tasks = await write(shop, 2);
  shop.ledger.busy.add(tasks[0]?.id ?? "");
  await makeOld();
  await shop.outbox.sweep();
  expect(await rows("SELECT id FROM outbox")).toEqual([{ id: tasks[0]?.id }]);
  shop.ledger.busy.clear();
  await shop.outbox.sweep();
  expect(await left()).toBe(0);
});

it("a conflict is logged and its row kept", async () => {
  const shop = createShop();
  const [task] = await write(shop, 1);
  if (task !== undefined) shop.ledger.taken.set(task.id, { ...task, fingerprint: "another call" });
  await makeOld();
  await shop.outbox.sweep();
  expect(shop.logged).toContain("outbox_conflict");
  expect(await left()).toBe(1);
});

it("a task that can't be submitted does not keep the others back", async () => {
  const shop = createShop();
  const tasks = await write(shop, 3);
  const stuck = tasks[1]?.id;
  shop.ledger.gate = (submitted) =>
    submitted.some(({ id }) => id === stuck)
      ? Promise.reject(new Error("down"))
      : Promise.resolve();
  await makeOld();
  await shop.outbox.sweep().catch(() => undefined);
  expect(shop.ledger.taken.size).toBe(2);
  expect(await rows("SELECT id FROM outbox")).toEqual([{ id: stuck }]);
});

it("however many rows can't be relayed, the others are", async () => {
  const shop = createShop();
  const tasks = (await write(shop, 250)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const last = tasks.at(-1)?.id ?? "";
  for (const task of tasks.slice(0, -1)) {
    shop.ledger.taken.set(task.id, { ...task, fingerprint: "another call" });
  }
  await makeOld();
  await shop.outbox.sweep();
  expect(shop.ledger.taken.has(last)).toBe(true);
  expect(await left()).toBe(249);
});

it("a shard out of reach does not keep the other shards back", async () => {
  const shop = createShop();
  const far = await write(shop, 30);
  const near = await writeToShardOtherThan(shop, shardOf(far[0]?.id ?? ""));
  shop.ledger.gate = (submitted) =>
    submitted.some(({ id }) => far.some((task) => task.id === id))
      ? Promise.reject(new Error("down"))
      : Promise.resolve();
  await makeOld();
  await shop.outbox.sweep();
  expect([...shop.ledger.taken.keys()]).toEqual(near.map(({ id }) => id));
});

it("a row that makes no sense stays, and the others are relayed", async () => {
  const shop = createShop();
  await write(shop, 1);
  await env.DB.prepare("INSERT INTO outbox (id, spec, created_at) VALUES ('0', '{', 0)").run();
  await makeOld();
  await shop.outbox.sweep();
  expect(shop.ledger.taken.size).toBe(1);
  expect(await rows("SELECT id FROM outbox")).toEqual([{ id: "0" }]);
});

it("a task without a fingerprint is refused: its second relay would be a second task", async () => {
  const shop = createShop();
  const [call] = callsOf(1);
  const tasks = call === undefined ? [] : await shop.lovage.prepare([call]);
  expect(() => shop.outbox.insert(tasks)).toThrow("prepareRepeatable");
});

/** Tasks are spread over the shards by chance. */
async function writeToShardOtherThan(
  shop: ReturnType<typeof createShop>,
  shard: number | null,
): Promise<TaskSpec[]> {
  for (;;) {
    const tasks = await shop.lovage.prepareRepeatable(callsOf(1));
    if (shardOf(tasks[0]?.id ?? "") === shard) continue;
    await shop.db.batch([shop.outbox.insert(tasks)]);
    return tasks;
  }
}

/** Writes tasks as a domain's batch would. */
async function write(shop: ReturnType<typeof createShop>, count: number): Promise<TaskSpec[]> {
  const tasks = await shop.lovage.prepareRepeatable(callsOf(count));
  await shop.db.batch([shop.outbox.insert(tasks)]);
  return tasks;
}

function callsOf(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    task: "process_data",
    args: [],
    kwargs: { data: `text ${index} — «текст»` },
    options: {},
    subtask_type: null,
    immutable: false,
  }));
}

async function makeOld(): Promise<void> {
  await env.DB.prepare("UPDATE outbox SET created_at = created_at - 10001").run();
}

async function left(): Promise<number> {
  const [row] = await rows<{ count: number }>("SELECT count(*) AS count FROM outbox");
  return row?.count ?? 0;
}
