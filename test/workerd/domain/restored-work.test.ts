import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { MailTransport } from "#domain/mail";
import { backupDatabase, maintenanceTasks, restoreDatabase } from "#domain/maintenance";
import { DurableTask } from "./durable.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, MemoryLedger, rows, run } from "./shop.ts";

const DAY_MS = 86_400_000;
const [, , cleanupOldRecords] = maintenanceTasks;

beforeEach(emptyTables);

type Shop = ReturnType<typeof createShop>;

/** Runs the tasks of an order, as a consumer does. */
async function runTasks(shop: Shop, orderId: string) {
  const found = await rows<Record<string, string>>("SELECT * FROM orders WHERE id = ?", orderId);
  const [order = {}] = found;
  const confirmation = { order_id: orderId, customer_email: order["customer_email"] };
  const [mailId = "", paymentId = ""] = [order["email_task_id"], order["payment_task_id"]];
  return [
    ...(await run(shop.services, "send_order_confirmation_email", [
      { kwargs: confirmation, id: mailId },
    ])),
    ...(await run(shop.services, "process_payment", [
      { kwargs: { order_id: orderId }, id: paymentId },
    ])),
  ].map(({ kind }) => kind);
}

/** A transport that counts what goes out. */
function countingTransport() {
  const sent: string[] = [];
  const transport: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    sendBatch: async (messages) => {
      sent.push(...messages.map(({ to }) => to));
      return messages.map(() => ({ status: "sent" }));
    },
  };
  return { sent, transport };
}

/**
 * Everything is lost but what is outside: the objects, and the gateway's book.
 * @returns puts the book back, whatever a restore made of it
 */
async function loseDatabase(): Promise<() => Promise<void>> {
  const charges = await rows<Record<string, unknown>>("SELECT * FROM simulated_charges");
  await emptyTables();
  return async () => {
    await env.DB.prepare("DELETE FROM simulated_charges").run();
    for (const charge of charges) {
      const values = Object.values(charge);
      await env.DB.prepare(`INSERT INTO simulated_charges VALUES (${values.map(() => "?").join()})`)
        .bind(...values)
        .run();
    }
  };
}

async function backUp(shop: Shop): Promise<string> {
  return (await new DurableTask().run(backupDatabase, {}, shop)).backup_id;
}

const CHARGES = "SELECT order_id, captures FROM simulated_charges";

it("work that was done before the backup is not done again when its tasks run again (G22)", async () => {
  const { sent, transport } = countingTransport();
  const shop = createShop({ transport });
  await shop.create({ orderId: "1" });
  await shop.settled();
  expect(await runTasks(shop, "1")).toEqual(["success", "success"]);
  const id = await backUp(shop);
  const putBookBack = await loseDatabase();
  await new DurableTask().run(restoreDatabase, { backup_id: id }, shop);
  await putBookBack();
  expect(await runTasks(shop, "1")).toEqual(["success", "success"]);
  expect(sent).toEqual(["customer@example.com"]);
  expect(await rows(CHARGES)).toEqual([{ order_id: "1", captures: 1 }]);
});

it("what a backup caught in the outbox is done by the restored shop, and a payment made since is found", async () => {
  const { transport } = countingTransport();
  const ledger = new MemoryLedger();
  ledger.gate = () => Promise.reject(new Error("out of reach"));
  const shop = createShop({ transport, ledger });
  await shop.create({ orderId: "paid later" });
  await shop.create({ orderId: "never" });
  await shop.settled();
  const id = await backUp(shop);
  // After the backup, and so unknown to it:
  await runTasks(shop, "paid later");
  const putBookBack = await loseDatabase();
  const again = createShop({ transport });
  const submitted: string[] = [];
  again.ledger.gate = async (tasks) => void submitted.push(...tasks.map((task) => task.name));
  await new DurableTask().run(restoreDatabase, { backup_id: id }, again);
  await putBookBack();
  expect(await rows("SELECT count(*) AS count FROM outbox")).toEqual([{ count: 4 }]);
  await env.DB.prepare("UPDATE outbox SET created_at = 1").run();
  await again.outbox.sweep();
  expect(submitted.toSorted()).toEqual([
    ...["process_payment", "process_payment"],
    ...["send_order_confirmation_email", "send_order_confirmation_email"],
  ]);
  await runTasks(again, "paid later");
  await runTasks(again, "never");
  expect(await rows(`${CHARGES} ORDER BY order_id`)).toEqual([
    { order_id: "never", captures: 1 },
    { order_id: "paid later", captures: 1 },
  ]);
  expect(await rows("SELECT state FROM orders")).toEqual([{ state: "paid" }, { state: "paid" }]);
});

it("while a restore is under way no task of the outbox finds a shop that knows nothing of it", async () => {
  const shop = createShop();
  await shop.create({ orderId: "1" });
  await env.DB.prepare("INSERT INTO outbox VALUES ('x', '{}', 1)").run();
  const id = await backUp(shop);
  await emptyTables();
  const task = new DurableTask();
  await task.run(restoreDatabase, { backup_id: id }, shop);
  const tables = task.ran.map((step) => step.replace(/#\d+$/, ""));
  expect(tables.slice(-2)).toEqual(["payments", "outbox"]);
});

it("mails that are through go when their time is over; what waits, and what is younger, stays", async () => {
  let now = 1_900_000_000_000;
  const shop = createShop({ services: { clock: { now: () => now } } });
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
     INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body,
       created_at, state)
     SELECT 'old ' || i, 'a', 't', '', '', '', '', ?1, iif(i % 2 = 0, 'sent', 'failed') FROM n
     UNION ALL SELECT 'waits', 'a', 't', '', '', '', '', ?1, 'pending'
     UNION ALL SELECT 'young', 'a', 't', '', '', '', '', ?1 + 2000, 'sent'`,
  )
    .bind(now)
    .run();
  now += 90 * DAY_MS + 1_000;
  const clean = () => new DurableTask().run(cleanupOldRecords, {}, shop);
  expect(await clean()).toEqual({ uploads: 0, mails: 450, audited: 0 });
  expect(await rows("SELECT task_id FROM emails")).toEqual([
    { task_id: "waits" },
    { task_id: "young" },
  ]);
  expect(await clean()).toEqual({ uploads: 0, mails: 0, audited: 0 });
});

it("no run of a clean-up asks the database more often than one invocation may", async () => {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
     INSERT INTO emails (task_id, to_address, template, message_id, subject, text_body, html_body,
       created_at, state)
     SELECT 'old ' || i, 'a', 't', '', '', '', '', 1, 'sent' FROM n`,
  ).run();
  const faults = new Faults();
  const shop = createShop({ database: faultyDatabase(env.DB, faults) });
  const task = new DurableTask();
  const counts: number[] = [];
  task.slept = () => void counts.push(faults.calls);
  expect(await task.run(cleanupOldRecords, {}, shop)).toEqual({
    uploads: 0,
    mails: 100_000,
    audited: 0,
  });
  expect(counts).toEqual([401]);
}, 60_000);
