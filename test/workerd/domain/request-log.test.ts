import { env } from "cloudflare:workers";
import { beforeEach, expect, it, vi } from "vitest";
import type { LogEntry } from "../../../src/domain/reports/log-entry.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { cleanup, contextAt, createLog, keyFor, request, store } from "./report-rig.ts";
import { emptyTables, rows } from "./shop.ts";

const NOW = Date.parse("2026-06-26T12:00:00Z");
const DAY = 86_400_000;

beforeEach(emptyTables);

interface Row {
  readonly first_at: number;
  readonly entries: string;
}

async function stored(): Promise<{ firstAt: number; entries: LogEntry[] }[]> {
  const found = await rows<Row>("SELECT * FROM api_log ORDER BY first_at");
  return found.map(({ first_at: firstAt, entries }) => ({
    firstAt,
    entries: JSON.parse(entries) as LogEntry[],
  }));
}

/** Of every row, when its requests were answered. */
async function times(): Promise<number[][]> {
  return (await stored()).map(({ firstAt, entries }) =>
    entries.map(([offset]) => firstAt + offset),
  );
}

it("a thousand requests under load are five rows, stored by those that fill them", async () => {
  const { add, settled, tick } = createLog();
  for (let n = 0; n < 1_000; n += 1) add(request(NOW + n));
  tick();
  await settled();
  const found = await stored();
  expect(found.map(({ entries }) => entries.length)).toEqual([200, 200, 200, 200, 200]);
});

it("a request waits for company once, and then all of it is one row", async () => {
  const { add, settled, tick, waiting } = createLog();
  add(request(NOW));
  add(request(NOW + 1_000));
  expect(waiting.map(({ ms }) => ms)).toEqual([5_000]);
  expect(await stored()).toEqual([]);
  tick();
  await settled();
  expect(await times()).toEqual([[NOW, NOW + 1_000]]);
});

it("what is stored is what was asked and how it ended, with a salted hash for the address", async () => {
  const ip = "203.0.113.7";
  await store([
    request(NOW, { method: "POST", route: "/api/login/", status: 401, durationMs: 115, ip }),
    request(NOW + 3, { user: "user:5", ip }),
    request(NOW + 4, { ip: "203.0.113.8" }),
  ]);
  const mac = await crypto.subtle.sign(
    "HMAC",
    await keyFor("request-log-ip"),
    new TextEncoder().encode(ip),
  );
  const hash = Array.from(new Uint8Array(mac, 0, 6), (byte) => byte.toString(16).padStart(2, "0"));
  const [row] = await stored();
  expect(row?.entries).toEqual([
    [0, "POST", "/api/login/", 401, 115, null, hash.join("")],
    [3, "GET", "/api/public/", 200, 10, "user:5", hash.join("")],
    [4, "GET", "/api/public/", 200, 10, null, expect.stringMatching(/^[0-9a-f]{12}$/)],
  ]);
  expect(row?.entries[2]?.[6]).not.toBe(row?.entries[0]?.[6]);
});

it("no row spans twenty seconds: what its first request left behind, the next one stores", async () => {
  const { add, log, settled, tick } = createLog();
  // The timer of the first never fires: its request was cut off.
  add(request(NOW));
  add(request(NOW + 19_999));
  add(request(NOW + 20_000));
  await log.flush();
  tick();
  await settled();
  expect(await times()).toEqual([[NOW, NOW + 19_999], [NOW + 20_000]]);
});

it("a clock that was put back begins a row", async () => {
  await store([request(NOW), request(NOW - 1)]);
  expect(await times()).toEqual([[NOW - 1], [NOW]]);
});

it.each(["before", "after"] as const)(
  "a database that breaks %s the write gets the row again, once",
  async (when) => {
    const { add, logged, settled, tick, waiting } = createLog(
      faultyDatabase(env.DB, new Faults({ at: 1, when })),
    );
    add(request(NOW));
    tick();
    await vi.waitUntil(() => waiting.length === 1, { timeout: 20_000 });
    expect(waiting[0]?.ms).toBe(2_000);
    tick();
    await settled();
    expect(await times()).toEqual([[NOW]]);
    expect(logged).toEqual([]);
  },
);

it("what the database doesn't take in three tries is lost, and the log says how much", async () => {
  const broken = new Proxy(env.DB, {
    get: () => () => {
      throw new Error("D1 is down");
    },
  });
  const { add, logged, settled, tick, waiting } = createLog(broken);
  add(request(NOW));
  add(request(NOW));
  for (let tries = 0; tries < 3; tries += 1) {
    await vi.waitUntil(() => waiting.length === 1, { timeout: 20_000 });
    tick();
  }
  await settled();
  expect(logged).toEqual([{ event: "request_log_lost", requests: 2 }]);
});

it("logs of before thirty days are deleted, in batches, and nothing else", async () => {
  const old = Array.from({ length: 1_203 }, (_, n) =>
    request(NOW - 31 * DAY - n * 30_000),
  ).toReversed();
  const kept = [request(NOW - 30 * DAY), request(NOW - DAY)];
  await store([...old, ...kept]);
  const ctx = contextAt(NOW);
  expect(await cleanup(ctx)).toEqual({
    deleted_rows: 1_203,
    older_than: "2026-05-27T12:00:00.000Z",
    finished: true,
  });
  expect(ctx.reported).toHaveLength(3);
  expect((await stored()).map(({ firstAt }) => firstAt)).toEqual(kept.map(({ at }) => at));
  expect(await cleanup(contextAt(NOW))).toMatchObject({ deleted_rows: 0, finished: true });
});

it("a row is deleted when its last request is old enough, not its first", async () => {
  await store([request(NOW - 30 * DAY - 10_000), request(NOW - 30 * DAY + 5_000)]);
  expect(await cleanup(contextAt(NOW))).toMatchObject({ deleted_rows: 0 });
  expect(await cleanup(contextAt(NOW + 20_000))).toMatchObject({ deleted_rows: 1 });
});

it("a cleanup that is cut off says so, and the next one goes on", async () => {
  await store(Array.from({ length: 700 }, (_, n) => request(NOW - 40 * DAY + n * 30_000)));
  const stopped = new AbortController();
  const ctx = contextAt(NOW, {}, stopped.signal);
  const progress = () => {
    stopped.abort();
  };
  expect(await cleanup({ ...ctx, progress })).toMatchObject({ deleted_rows: 500, finished: false });
  expect(await cleanup(contextAt(NOW))).toMatchObject({ deleted_rows: 200, finished: true });
});
