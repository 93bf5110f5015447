import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import { AuditLog, deleteOldEntries, type Audited } from "#domain/audit";
import { Meter, meteredDatabase, planOf } from "./meter.ts";
import { emptyTables, rows } from "./shop.ts";

const NOW = Date.UTC(2026, 10, 21);
const ACTION: Audited = {
  ...{ actor: "shop", userId: null, how: "key", action: "POST /api/control/purge" },
  ...{ target: {}, detail: '{"queue":"default"}', address: "192.0.2.1", requestId: null },
};

beforeEach(emptyTables);

function createLog() {
  const meter = new Meter();
  let n = 0;
  const key = crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const log = new AuditLog({
    db: drizzle(meteredDatabase(env.DB, meter)),
    clock: { now: () => NOW },
    random: { float: () => 0, bytes: (length) => new Uint8Array(length).fill((n += 1)) },
    key: () => key as Promise<CryptoKey>,
  });
  return { log, meter };
}

it("an action costs two rows", async () => {
  const { log, meter } = createLog();
  await log.end(await log.begin(ACTION), 200);
  expect(meter.rowsWritten).toBe(2);
});

it("what was begun and never answered is there without a status", async () => {
  const { log } = createLog();
  await log.begin(ACTION);
  expect(await log.list({}, 10, null)).toMatchObject([
    { at: NOW, actor: "shop", detail: { queue: "default" }, status: null },
  ]);
});

it("a page of a large log reads no more than the page", async () => {
  await env.DB.prepare(
    `INSERT INTO audit_log (at, id, actor, how, action, target, status)
     SELECT value, 'x', 'shop', 'key', 'POST /api/tasks', '{}', 200 FROM json_each(?)`,
  )
    .bind(JSON.stringify(Array.from({ length: 5_000 }, (_, n) => n)))
    .run();
  const { log, meter } = createLog();
  const page = await log.list({}, 50, { at: 3_000, id: "x" });
  expect(page.map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, n) => 2_999 - n));
  expect(meter.rowsRead).toBeLessThanOrEqual(60);
  const [statement] = meter.statements;
  if (statement === undefined) throw new Error("nothing was asked");
  const plan = (await planOf(env.DB, statement)).join("\n");
  expect(plan).toContain("USING PRIMARY KEY");
  expect(plan).not.toContain("TEMP B-TREE");
});

it("what is older than it is kept is deleted, and nothing else", async () => {
  await env.DB.prepare(
    `INSERT INTO audit_log (at, id, actor, how, action, target)
     SELECT value, 'x', 'shop', 'key', 'POST /api/tasks', '{}' FROM json_each(?)`,
  )
    .bind(JSON.stringify(Array.from({ length: 1_200 }, (_, n) => n)))
    .run();
  const { signal } = new AbortController();
  const answer = await deleteOldEntries(drizzle(env.DB), 1_100, signal);
  expect(answer).toEqual({ count: 1_100, isDone: true });
  expect(await rows("SELECT min(at) AS first, count(*) AS n FROM audit_log")).toEqual([
    { first: 1_100, n: 100 },
  ]);
  const again = await deleteOldEntries(drizzle(env.DB), 1_100, signal);
  expect(again).toEqual({ count: 0, isDone: true });
});
