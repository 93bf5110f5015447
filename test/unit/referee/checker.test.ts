import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { check, LIVE_TABLES } from "../../referee/checker.ts";
import { Journal } from "../../referee/journal.ts";

const ANCHOR = 1_000_000;
const SHOP_TASK = "send_order_confirmation_email";
/** Of what was lost three times; none of it is near a mail. */
const KILLS = [ANCHOR + 200_000, ANCHOR + 240_000, ANCHOR + 280_000];
const REPLAYED_AT = ANCHOR + 400_000;

let folder = "";
let journal: Journal;
let database: DatabaseSync;
let shard: DatabaseSync;
let metrics = "";

/** A run in which all was well: a task, an effect, a bulk request, a chain, an order, a slot, dead letters, a replay. */
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
    ["c7", "effect", "ok", "t7"],
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
    ["c7", "c7", "t7"],
  ] as const) {
    journal.add("ref", ref, call, id);
  }
  record("t1", "referee_effect", { ref: "c1" });
  for (const n of [0, 1]) record(`t2${n}`, "referee_work", { ref: `c2.${n}` });
  for (const n of [0, 1]) record(`t3${n}`, "referee_link", { ref: `c3.${n}` });
  record("t3", "celery.chain", {});
  record("t5", "referee_exhausted", { ref: "c5" }, "FAILURE");
  record("t7", "referee_effect", { ref: "c7" }, "FAILURE");
  lose("t7", KILLS);
  record("t7r", "referee_effect", { ref: "c7" });
  detail("t7r", { 2: { replay_of: "t7" }, 4: REPLAYED_AT });
  database.exec("UPDATE tasks SET resolution = 'replayed:t7r' WHERE id = 't7'");
  for (const at of KILLS) journal.add("kill", at, "any");
  journal.add("effect", "c1", ANCHOR);
  journal.add("effect", "c7", REPLAYED_AT + 1);
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

/** What is kept of a task besides its columns, by place. */
function detail(id: string, parts: Readonly<Record<number, unknown>>): void {
  const whole = Array.from({ length: 9 }, (_, place) => parts[place] ?? null);
  database.prepare("UPDATE tasks SET detail = ? WHERE id = ?").run(JSON.stringify(whole), id);
}

/** Its attempts ran into these kills, and it was a dead letter then. */
function lose(id: string, kills: readonly number[]): void {
  const attempts = kills.map((at) => ({
    startedAt: at - 100,
    finishedAt: at + 30_000,
    outcome: "lost",
  }));
  detail(id, { 4: 0, 7: attempts, 8: { exc_type: "WorkerLostError" } });
}

function record(id: string, name: string, kwargs: object, state = "SUCCESS", result = "null") {
  database
    .prepare("INSERT INTO tasks VALUES (?, ?, ?, 'default', 'someone', 0, ?, ?, ?, '[]', NULL)")
    .run(id, name, state, state === "FAILURE" ? 1 : 0, JSON.stringify(kwargs), result);
  detail(id, { 4: 0 });
}

/** What `/metrics` would say if it were true. */
function trueMetrics(): string {
  const counted = database
    .prepare("SELECT name, state, count(*) AS n FROM tasks GROUP BY 1, 2")
    .all() as { name: string; state: string; n: number }[];
  const dead = database
    .prepare("SELECT count(*) AS n FROM tasks WHERE is_dead_lettered = 1 AND resolution IS NULL")
    .get();
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
    client: {
      close: () => undefined,
      get: async () =>
        text === "away"
          ? { outcome: "unknown", status: 0, text: "ECONNRESET" }
          : { outcome: "ok", status: 200, text },
    },
    tickers: [
      {
        ...{ policy: "once", name: "ticker", anchor: ANCHOR },
        ...{ askedToStopAt: ANCHOR + 1_500, stoppedAt: ANCHOR + 4_500 },
      },
    ],
    ...{ journal, polls: 0, undone: [] },
  });
  return findings.filter((finding) => finding.broken > 0).map(({ invariant }) => invariant);
}

it("what the deployment does not say of itself is no zero", async () => {
  metrics = "away";
  await expect(broken()).rejects.toThrow("/metrics can't be had: 0 ECONNRESET");
});

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
    detail(`t6${n}`, { 8: { exc_type: error } });
  }
  journal.flush();
  // Nobody has to look at what failed because another did.
  database.exec("UPDATE tasks SET is_dead_lettered = 0 WHERE id IN ('t6', 't61')");
}

it("a task that is lost three times fails, and with it its chord; its replay is no member", async () => {
  failedChord("WorkerLostError");
  lose("t60", KILLS);
  record("t60r", "referee_work", { ref: "c6.0" });
  detail("t60r", { 2: { replay_of: "t60" }, 4: REPLAYED_AT });
  database.exec("UPDATE tasks SET resolution = 'replayed:t60r' WHERE id = 't60'");
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
  "a replay without an effect of its own": [
    /effect of a task that succeeded/,
    () => journal.db.exec(`UPDATE effects SET at = ${ANCHOR} WHERE ref = 'c7'`),
  ],
  "an effect of nobody": [/nobody made an effect/, () => journal.add("effect", "c99", ANCHOR)],
  "a dead letter that was killed twice only": [
    /was killed every time/,
    () => lose("t7", KILLS.slice(0, 2)),
  ],
  "a dead letter that was lost once without a kill": [
    /was killed every time/,
    () => lose("t7", [...KILLS, REPLAYED_AT]),
  ],
  "a dead letter that nobody replayed": [
    /replayed once/,
    () => database.exec("UPDATE tasks SET resolution = NULL WHERE id = 't7'"),
  ],
  "a replay that is lost": [/replayed once/, () => del("t7r")],
  "a replay with other arguments": [
    /replayed once/,
    () => database.exec(`UPDATE tasks SET kwargs = '{"ref":"c1"}' WHERE id = 't7r'`),
  ],
  "a replay that failed": [
    /replayed once/,
    () => database.exec("UPDATE tasks SET state = 'FAILURE' WHERE id = 't7r'"),
  ],
  "a second replay": [
    /replayed once/,
    () => {
      record("t7s", "referee_effect", { ref: "c7" });
      detail("t7s", { 2: { replay_of: "t7" }, 4: REPLAYED_AT });
    },
  ],
  "a replay of what did not lose its consumers": [
    /replayed once/,
    () => {
      record("t5r", "referee_exhausted", { ref: "c5" });
      detail("t5r", { 2: { replay_of: "t5" }, 4: REPLAYED_AT });
    },
  ],
  "a dead letter that somebody put aside": [
    /replayed once/,
    () => database.exec("UPDATE tasks SET resolution = 'discarded' WHERE id = 't5'"),
  ],
  "a poll that went backwards": [/poll never goes backwards/, () => journal.wrong("poll", {})],
  "a repeated call that is another": [
    /repeated keyed call/,
    () => journal.wrong("repeated call is another", {}),
  ],
  "a slot that was not fired": [/every slot is fired/, () => del("s1")],
  "a slot that was fired after its schedule was stopped": [
    /every slot is fired/,
    () => {
      record("s2", "referee_tick", {}, "SUCCESS", String(ANCHOR + 5_000));
      database.exec("INSERT INTO task_labels VALUES ('periodic_task_name', 'ticker', 's2')");
    },
  ],
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
  "a payment that is left half, its task dead": [
    /no order, payment or mail is under way/,
    () => {
      database.exec(`INSERT INTO payments (order_id, state, task_id, provider, declines, updated_at)
        VALUES ('o1', 'charging', 't7', 'stripe', 0, 0)`);
    },
  ],
  "an order that is left half": [
    /no order, payment or mail is under way/,
    () => database.exec("UPDATE orders SET state = 'pending'"),
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
