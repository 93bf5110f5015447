import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { check, LIVE_TABLES } from "../../referee/checker.ts";
import { Journal } from "../../referee/journal.ts";

const ANCHOR = 1_000_000;
const SHOP_TASK = "send_order_confirmation_email";

let folder = "";
let journal: Journal;
let database: DatabaseSync;
let shard: DatabaseSync;
let metrics = "";

/** A run in which all was well: a task, an effect, a bulk request, a chain, an order, a slot, a dead letter. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lovage-checker-"));
  journal = new Journal(join(folder, "journal.sqlite"));
  database = new DatabaseSync(join(folder, "d1.sqlite"));
  shard = new DatabaseSync(join(folder, "shard.sqlite"));
  for (const db of [database, shard]) db.exec("PRAGMA synchronous = OFF");
  const schema = readFileSync(join(import.meta.dirname, "../../../schema.sql"), "utf8");
  database.exec(`BEGIN; ${schema}; COMMIT`);
  for (const table of LIVE_TABLES) shard.exec(`CREATE TABLE ${table} (id TEXT)`);
  for (const [call, kind, outcome, id] of [
    ["c1", "effect", "ok", "t1"],
    ["c2", "bulk", "unknown", null],
    ["c3", "chain", "ok", "t3"],
    ["c4", "plain", "fail", null],
    ["c5", "exhausted", "ok", "t5"],
  ] as const) {
    journal.add("call", call, kind, outcome, id, ANCHOR);
  }
  for (const [ref, call, id] of [
    ["c1", "c1", "t1"],
    ["c2.0", "c2", null],
    ["c2.1", "c2", null],
    ["c3.0", "c3", null],
    ["c3.1", "c3", null],
    ["c4", "c4", null],
    ["c5", "c5", "t5"],
  ] as const) {
    journal.add("ref", ref, call, id);
  }
  record("t1", "referee_effect", { ref: "c1" });
  for (const n of [0, 1]) record(`t2${n}`, "referee_work", { ref: `c2.${n}` });
  for (const n of [0, 1]) record(`t3${n}`, "referee_link", { ref: `c3.${n}` });
  record("t3", "celery.chain", {});
  record("t5", "referee_exhausted", { ref: "c5" }, "FAILURE");
  journal.add("effect", "c1");
  journal.add("order", "o1", "ok", 0, "e1", "p1", ANCHOR);
  record("e1", SHOP_TASK, { order_id: "o1" });
  record("p1", "process_payment", { order_id: "o1" });
  database.exec(`
    INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state, email_task_id,
      payment_task_id, created_at) VALUES ('o1', '', 1, 2000, 'USD', 'o1@example.com', 'paid', 'e1', 'p1', 0);
  `);
  journal.add("charge", "o1", 1, 2_000);
  journal.add("mail", "<m1>", "o1@example.com", ANCHOR);
  record("s1", "referee_tick", {}, "SUCCESS", String(ANCHOR));
  database.exec("INSERT INTO task_labels VALUES ('periodic_task_name', 'ticker', 's1')");
  journal.flush();
  metrics = "";
});

afterEach(() => {
  journal.close();
  database.close();
  shard.close();
  rmSync(folder, { recursive: true });
});

function record(id: string, name: string, kwargs: object, state = "SUCCESS", result = "null") {
  database
    .prepare("INSERT INTO tasks VALUES (?, ?, ?, 'default', 'someone', 0, ?, ?, ?, '[]', NULL)")
    .run(id, name, state, state === "FAILURE" ? 1 : 0, JSON.stringify(kwargs), result);
}

/** What `/metrics` would say if it were true. */
function trueMetrics(): string {
  const counted = database
    .prepare("SELECT name, state, count(*) AS n FROM tasks GROUP BY 1, 2")
    .all() as { name: string; state: string; n: number }[];
  const dead = database.prepare("SELECT count(*) AS n FROM tasks WHERE is_dead_lettered = 1").get();
  const lines = counted.map(
    ({ name, state, n }) =>
      `lovage_tasks_ended_total{task="${name}",queue="default",state="${state}"} ${n}`,
  );
  return [...lines, `lovage_dead_letters_open ${String(dead?.["n"])}`].join("\n");
}

/** The promises that were broken. */
async function broken(): Promise<string[]> {
  const text = metrics === "" ? trueMetrics() : metrics;
  const findings = await check({
    deployment: { database: join(folder, "d1.sqlite"), shards: [join(folder, "shard.sqlite")] },
    client: { get: () => Promise.resolve({ outcome: "ok", status: 200, text }) },
    tickers: [{ policy: "once", name: "ticker", anchor: ANCHOR }],
    ...{ journal, stoppedAt: ANCHOR + 1_500, polls: 0, undone: [] },
  });
  return findings.filter((finding) => finding.broken > 0).map(({ invariant }) => invariant);
}

it("finds nothing where nothing is wrong", async () => {
  expect(await broken()).toEqual([]);
});

/** A chord whose body is never called, because a member failed so. */
function failedChord(excType: string): void {
  journal.add("call", "c6", "chord", "ok", "t6", ANCHOR);
  record("t6", "celery.chord", {}, "FAILURE");
  for (const [n, name, error] of [
    [0, "referee_work", excType],
    [1, "referee_body", "ChordError"],
  ] as const) {
    journal.add("ref", `c6.${n}`, "c6", null);
    record(`t6${n}`, name, { ref: `c6.${n}` }, "FAILURE");
    const detail = JSON.stringify([...Array.from({ length: 8 }, () => null), { exc_type: error }]);
    database.prepare("UPDATE tasks SET detail = ? WHERE id = ?").run(detail, `t6${n}`);
  }
  journal.flush();
  // Nobody has to look at what failed because another did.
  database.exec("UPDATE tasks SET is_dead_lettered = 0 WHERE id IN ('t6', 't61')");
}

it("a task that is lost three times fails, and with it its chord", async () => {
  failedChord("WorkerLostError");
  expect(await broken()).toEqual([]);
});

const faults: Readonly<Record<string, readonly [expected: RegExp, act: () => void]>> = {
  "a lost task": [/accepted task has exactly one end/, () => del("t1")],
  "a task that came twice": [
    /accepted task has exactly one end/,
    () => record("t1b", "referee_effect", { ref: "c1" }),
  ],
  "half of a bulk request": [/unknown end is whole or nothing/, () => del("t20")],
  "a task of a call that was never sent": [
    /never sent left nothing/,
    () => record("t4", "referee_work", { ref: "c4" }),
  ],
  "a task that nobody sent": [/nobody sent/, () => record("t9", "referee_work", { ref: "c9" })],
  "a chain that succeeded without a link": [/canvas that succeeded ran all/, () => del("t31")],
  "an order without its mail's task": [/order is there if it was answered/, () => del("e1")],
  "a lost order": [/order is there if/, () => database.exec("DELETE FROM orders")],
  "money taken twice": [/money of an order once/, () => journal.add("charge", "o1", 1, 2_000)],
  "an order that is paid and is not": [
    /paid exactly if/,
    () => journal.db.exec("DELETE FROM charges"),
  ],
  "a mail that came twice": [
    /mail comes once/,
    () => journal.add("mail", "<m1>", "o1@example.com", ANCHOR + 60_000),
  ],
  "an order without mail": [/order's mail came/, () => journal.db.exec("DELETE FROM mails")],
  "a success without its effect": [
    /effect of a task that succeeded/,
    () => journal.db.exec("DELETE FROM effects"),
  ],
  "an effect of nobody": [/nobody made an effect/, () => journal.add("effect", "c99")],
  "a poll that went backwards": [/poll never goes backwards/, () => journal.wrong("poll", {})],
  "a repeated call that is another": [
    /repeated keyed call/,
    () => journal.wrong("repeated call is another", {}),
  ],
  "a slot that was not fired": [/every slot is fired/, () => del("s1")],
  "a slot that was fired twice": [
    /fired twice/,
    () => {
      record("s2", "referee_tick", {}, "SUCCESS", String(ANCHOR));
      database.exec("INSERT INTO task_labels VALUES ('periodic_task_name', 'ticker', 's2')");
    },
  ],
  "a failure that is no dead letter": [
    /dead letters are/,
    () => database.exec("UPDATE tasks SET is_dead_lettered = 0"),
  ],
  "an innocent that failed": [
    /dead letters are/,
    () => database.exec("UPDATE tasks SET state = 'FAILURE', is_dead_lettered = 1 WHERE id = 't1'"),
  ],
  "a chord that failed for nothing": [/dead letters are/, () => failedChord("TypeError")],
  "counts that lie": [
    /counts in \/metrics are/,
    () => (metrics = trueMetrics().replace('state="SUCCESS"} 2', 'state="SUCCESS"} 3')),
  ],
  "a count of dead letters that lies": [
    /count of dead letters/,
    () => (metrics = trueMetrics().replace("open 1", "open 0")),
  ],
  "a row that is left in a shard": [
    /shards are as empty/,
    () => shard.exec("INSERT INTO tasks VALUES ('x')"),
  ],
  "a task that is left in the outbox": [
    /outbox is empty/,
    () => database.exec("INSERT INTO outbox VALUES ('x', '{}', 0)"),
  ],
};

it.each(Object.entries(faults))("finds %s", async (_name, [expected, act]) => {
  act();
  expect(await broken()).toContainEqual(expect.stringMatching(expected));
});

it("takes a mail for unsure whose sender was killed right after, or that was told to be lost", async () => {
  journal.add("mail", "<m1>", "o1@example.com", ANCHOR + 60_000);
  journal.add("kill", ANCHOR + 1_000, "any");
  journal.add("mail", "<m1>", "o1@example.com", ANCHOR + 120_000);
  journal.add("lost", "o1@example.com");
  expect(await broken()).toEqual([]);
});

function del(id: string): void {
  database.prepare("DELETE FROM tasks WHERE id = ?").run(id);
}
