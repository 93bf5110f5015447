import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import {
  backupDatabase,
  begunAt,
  listBackups,
  readManifest,
  restoreDatabase,
  type MaintenanceSettings,
} from "#domain/maintenance";
import type { ObjectStore } from "#domain/storage";
import { dumpTables, fillTables, type Values } from "./database-rows.ts";
import { Crash, DurableTask } from "./durable.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const KEY = btoa("0123456789abcdef0123456789abcdef");
const OTHER_KEY = btoa("fedcba9876543210fedcba9876543210");
const DAY_MS = 86_400_000;
/** What is never in a backup. */
const SHORT_LIVED = ["sessions", "password_resets", "tries_left"];

const SOME: Values = {
  texts: [
    "",
    "plain",
    "Жёлтый 🌱",
    'quo"te, \\ and\nline',
    "\u0000nul\u007f\u2028",
    "n".repeat(5_000),
  ],
  numbers: ["0", "1", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
};

beforeEach(async () => {
  await emptyTables();
  for (const id of await listBackups(createShop().services.files)) {
    const { objects } = await env.FILES.list({ prefix: `backups/${id}/` });
    await env.FILES.delete(objects.map(({ key }) => key));
  }
});

function shopWith(over: Partial<MaintenanceSettings> = {}, more: object = {}) {
  const maintenance: MaintenanceSettings = {
    ...{
      mailDays: 90,
      auditDays: 365,
      backupsKept: 14,
      backupKeys: [KEY],
      secretTemplates: ["password_reset"],
    },
    ...over,
  };
  return createShop({ services: { maintenance, ...more } });
}

type Shop = ReturnType<typeof createShop>;

const backUp = (shop: Shop, task = new DurableTask()) => task.run(backupDatabase, {}, shop);

const restore = (shop: Shop, id: string, task = new DurableTask()) =>
  task.run(restoreDatabase, { backup_id: id }, shop);

async function partsOf(shop: Shop, id: string) {
  const manifest = await readManifest(shop.services.files, id);
  return manifest?.tables.flatMap(({ parts }) => parts) ?? [];
}

/** Two rows that are larger as JSON than a text may be. */
async function insertLarge(text: string): Promise<void> {
  const insert = env.DB.prepare("INSERT INTO outbox VALUES (?, ?, 1)");
  await insert.bind("large 1", '"\u0001'.repeat(450_000) + text).run();
  await insert.bind("large 2", "木".repeat(600_000)).run();
}

it("whatever is in the tables, it is the same after a backup, a wipe and a restore (G22)", async () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom('"', "\\", "\n", "\0", "\u001f", "Ж", "🌱"),
      maxLength: 300,
    }),
  );
  const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 9 }),
      fc.array(number, { minLength: 1, maxLength: 9 }),
      fc.nat(30),
      fc.boolean(),
      async (texts, numbers, count, isLarge) => {
        await emptyTables();
        await fillTables({ texts, numbers }, count);
        if (isLarge) await insertLarge(texts.join(""));
        const before = await dumpTables(SHORT_LIVED);
        const shop = shopWith();
        const { backup_id: id } = await backUp(shop);
        await emptyTables();
        expect(await restore(shop, id)).toMatchObject({ matches: true });
        expect(await dumpTables(SHORT_LIVED)).toEqual(before);
      },
    ),
    { numRuns: 12 },
  );
}, 120_000);

it("without a key what is secret is left out, and the manifest says what", async () => {
  const shop = shopWith({ backupKeys: [] });
  await fillTables(SOME, 3);
  const [first] = await rows<{ task_id: string }>("SELECT task_id FROM emails ORDER BY task_id");
  const mark =
    "UPDATE emails SET template = 'password_reset', text_body = 'link' WHERE task_id = ?";
  await env.DB.prepare(mark).bind(first?.task_id).run();
  const before = await dumpTables(["users", "emails", "api_keys", ...SHORT_LIVED]);
  const others = await rows("SELECT text_body FROM emails WHERE template <> 'password_reset'");
  const result = await backUp(shop);
  expect(result).toMatchObject({ encrypted: false });
  expect(result.left_out).toEqual([
    ...SHORT_LIVED,
    ...["api_keys", "users.password_hash", "the texts of mails with a secret in them"],
  ]);
  await emptyTables();
  expect(await restore(shop, result.backup_id)).toMatchObject({ matches: true });
  expect(await dumpTables(["users", "emails", "api_keys", ...SHORT_LIVED])).toEqual(before);
  expect(await rows("SELECT DISTINCT password_hash FROM users")).toEqual([{ password_hash: "!" }]);
  expect(await rows("SELECT * FROM api_keys")).toEqual([]);
  expect(
    await rows("SELECT text_body, html_body FROM emails WHERE template = 'password_reset'"),
  ).toEqual([{ text_body: "", html_body: "" }]);
  expect(await rows("SELECT text_body FROM emails WHERE template <> 'password_reset'")).toEqual(
    others,
  );
});

it("with a key nothing of the rows can be read from the objects", async () => {
  const shop = shopWith();
  const text = "Kilroy was here and left a long line that compresses to itself";
  await fillTables({ texts: [text], numbers: ["1"] }, 1);
  const { backup_id: id } = await backUp(shop);
  for (const { key } of await partsOf(shop, id)) {
    const bytes = await (await env.FILES.get(key))?.arrayBuffer();
    expect(new Uint8Array(bytes ?? new ArrayBuffer()).subarray(0, 2)).not.toEqual(
      Uint8Array.of(0x1f, 0x8b),
    );
  }
  const plain = await backUp(shopWith({ backupKeys: [] }));
  const [part] = await partsOf(shop, plain.backup_id);
  const packed = await env.FILES.get(part?.key ?? "");
  const stream = packed?.body.pipeThrough(new DecompressionStream("gzip"));
  expect(await new Response(stream).text()).toContain(text);
});

it("a key that was replaced still opens what it encrypted", async () => {
  await fillTables(SOME, 2);
  const before = await dumpTables(SHORT_LIVED);
  const { backup_id: id } = await backUp(shopWith());
  await emptyTables();
  expect(await restore(shopWith({ backupKeys: [OTHER_KEY, KEY] }), id)).toMatchObject({
    matches: true,
  });
  expect(await dumpTables(SHORT_LIVED)).toEqual(before);
});

const flip = async (key: string) => {
  const bytes = new Uint8Array((await (await env.FILES.get(key))?.arrayBuffer()) ?? []);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await env.FILES.put(key, bytes);
};

const manifestChange = (change: (text: string) => string) => async (_key: string, id: string) => {
  const key = `backups/${id}/manifest.json`;
  await env.FILES.put(key, change((await (await env.FILES.get(key))?.text()) ?? ""));
};

it.each<[string, string, (key: string, id: string) => Promise<void>, readonly string[]]>([
  ["a changed part", "damaged", flip, [KEY]],
  ["a changed part of a plain one", "damaged", flip, []],
  ["a missing part", "damaged", (key) => env.FILES.delete(key), [KEY]],
  [
    "a manifest that was changed",
    "wrong_key",
    manifestChange((text) => text.replace('"rows":2', '"rows":1')),
    [KEY],
  ],
  [
    "a manifest without its seal",
    "wrong_key",
    manifestChange((text) => text.replace(/,"seal":"[^"]*"/, "")),
    [KEY],
  ],
  ["a manifest that is no JSON", "damaged", manifestChange((text) => text.slice(1)), []],
  [
    "a manifest that counts other rows",
    "damaged",
    manifestChange((text) => text.replaceAll('"rows":2', '"rows":1')),
    [],
  ],
])("a backup with %s is refused, and nothing is written", async (_what, code, harm, backupKeys) => {
  const shop = shopWith({ backupKeys });
  await fillTables(SOME, 2);
  const { backup_id: id } = await backUp(shop);
  await emptyTables();
  const empty = await dumpTables();
  // The last: those before it are fine.
  await harm((await partsOf(shop, id)).at(-1)?.key ?? "", id);
  await expect(restore(shop, id)).rejects.toMatchObject({ name: "RestoreRefusedError", code });
  expect(await dumpTables()).toEqual(empty);
});

it.each([[[OTHER_KEY]], [[]]])(
  "with the keys %j an encrypted backup is refused",
  async (backupKeys) => {
    await fillTables(SOME, 1);
    const { backup_id: id } = await backUp(shopWith());
    await emptyTables();
    await expect(restore(shopWith({ backupKeys }), id)).rejects.toMatchObject({
      code: "wrong_key",
    });
  },
);

it("parts that changed places are refused", async () => {
  const shop = shopWith();
  await fillTables(SOME, 1);
  const { backup_id: id } = await backUp(shop);
  await emptyTables();
  const [a, b] = await partsOf(shop, id);
  const bytes = (await (await env.FILES.get(a?.key ?? ""))?.arrayBuffer()) ?? new ArrayBuffer();
  await env.FILES.put(b?.key ?? "", bytes);
  await expect(restore(shop, id)).rejects.toMatchObject({ code: "damaged" });
});

it("a backup that was not finished is none", async () => {
  const shop = shopWith();
  await fillTables(SOME, 1);
  const { backup_id: id } = await backUp(shop);
  await env.FILES.delete(`backups/${id}/manifest.json`);
  await emptyTables();
  for (const one of [id, "20261121T040000000Z-00000000", "../files", ""]) {
    await expect(restore(shop, one)).rejects.toMatchObject({ name: "BackupNotFoundError" });
  }
});

it("a shop that has rows is not restored into; what is the deployment's own may be there", async () => {
  const shop = shopWith();
  await fillTables(SOME, 2);
  const { backup_id: id } = await backUp(shop);
  await expect(restore(shop, id)).rejects.toMatchObject({
    code: "not_empty",
    message: expect.stringMatching(/orders.*emails.*users/),
  });
  await emptyTables();
  await env.DB.prepare(
    "INSERT INTO api_keys VALUES ('own', 'n', 'o', 'h', '[]', 1, NULL, NULL)",
  ).run();
  expect(await restore(shop, id)).toMatchObject({
    matches: true,
    tables: expect.arrayContaining([
      { table: "api_keys", backed_up: 2, now: 3, differing: 0, matches: true },
    ]),
  });
});

it("a database with other migrations is not restored into", async () => {
  const shop = shopWith();
  await fillTables(SOME, 1);
  const { backup_id: id } = await backUp(shop);
  await emptyTables();
  await env.DB.prepare("INSERT INTO d1_migrations (name) VALUES ('9999_future.sql')").run();
  const refused = restore(shop, id);
  await expect(refused).rejects.toMatchObject({ code: "other_schema" });
  await env.DB.prepare("DELETE FROM d1_migrations WHERE name = '9999_future.sql'").run();
});

it.each(["before", "after"] as const)(
  "a crash %s any step of a backup or a restore costs that step alone",
  async (when) => {
    const shop = shopWith();
    await fillTables(SOME, 3);
    const before = await dumpTables(SHORT_LIVED);
    for (let at = 1, isOver = false; !isOver; at += 1) {
      const backup = new DurableTask();
      backup.crash = { at, when };
      isOver = await backUp(shop, backup).then(
        () => true,
        (error: unknown) => !(error instanceof Crash),
      );
      backup.crash = null;
      const { backup_id: id } = await backUp(shop, backup);
      await emptyTables();
      const again = new DurableTask();
      again.crash = { at, when };
      await restore(shop, id, again).catch(() => null);
      again.crash = null;
      expect(await restore(shop, id, again)).toMatchObject({ matches: true });
      expect(await dumpTables(SHORT_LIVED)).toEqual(before);
    }
  },
  120_000,
);

it("a restore whose database breaks at any call goes on where it was (G22)", async () => {
  const shop = shopWith();
  await fillTables(SOME, 2);
  const before = await dumpTables(SHORT_LIVED);
  const { backup_id: id } = await backUp(shop);
  for (let at = 1; ; at += 3) {
    await emptyTables();
    const faults = new Faults({ at, when: at % 2 === 0 ? "before" : "after" });
    const { maintenance } = shop.services;
    const broken = createShop({
      database: faultyDatabase(env.DB, faults),
      services: { maintenance },
    });
    const task = new DurableTask();
    await restore(broken, id, task).catch(() => null);
    expect(await restore(shop, id, task)).toMatchObject({ matches: true });
    expect(await dumpTables(SHORT_LIVED)).toEqual(before);
    if (!faults.struck) break;
  }
}, 120_000);

it("a restore outlasts hours without a database: begun anew it would be refused for what it wrote", async () => {
  const shop = shopWith();
  await fillTables(SOME, 2);
  const { backup_id: id } = await backUp(shop);
  await emptyTables();
  const task = new DurableTask();
  const params = { backup_id: id };
  task.crash = { at: 20, when: "after" };
  await restore(shop, id, task).catch(() => null);
  task.crash = null;
  await expect(restore(shop, id)).rejects.toMatchObject({ code: "not_empty" });
  const database = {
    prepare: () => {
      throw new Error("D1 is away");
    },
  } as unknown as D1Database;
  const { maintenance } = shop.services;
  const broken = createShop({ database, services: { maintenance } });
  let awayMs = 0;
  for (; awayMs < 3 * 3_600_000; task.retries += 1) {
    const outcome = await task.attempt(restoreDatabase, params, broken);
    if (outcome.kind !== "retry") throw new Error(`It gave up after ${awayMs} ms: ${outcome.kind}`);
    awayMs += outcome.delayMs;
  }
  expect(await restore(shop, id, task)).toMatchObject({ matches: true });
});

it("a table that somebody else made is in a backup, also without a primary key", async () => {
  await env.DB.exec("CREATE TABLE notes (text TEXT)");
  try {
    await env.DB.exec(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) INSERT INTO notes SELECT 'note ' || (i % 7) FROM n",
    );
    const before = await rows("SELECT text FROM notes ORDER BY text");
    const shop = shopWith();
    const { backup_id: id } = await backUp(shop);
    await emptyTables();
    expect(await restore(shop, id)).toMatchObject({ matches: true });
    expect(await rows("SELECT text FROM notes ORDER BY text")).toEqual(before);
  } finally {
    await env.DB.exec("DROP TABLE notes");
  }
});

it("a table of many rows is in parts of bounded size, each row once", async () => {
  const shop = shopWith();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
     INSERT INTO task_labels SELECT 'label ' || (i % 7), 'v' || (i % 11), 'task ' || i FROM n`,
  ).run();
  // 30 rows of 300 kB: a part is full before it has many.
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
     INSERT INTO outbox SELECT 'id ' || i, hex(zeroblob(149000)), i FROM n`,
  ).run();
  const before = await dumpTables(SHORT_LIVED);
  const { backup_id: id } = await backUp(shop);
  const manifest = await readManifest(shop.services.files, id);
  const partRows = (name: string) =>
    manifest?.tables.find((table) => table.name === name)?.parts.map((part) => part.rows);
  expect(partRows("task_labels")).toEqual([5_000, 5_000, 2_000]);
  expect(partRows("outbox")).toEqual([15, 15]);
  await emptyTables();
  await restore(shop, id);
  expect(await dumpTables(SHORT_LIVED)).toEqual(before);
});

it("rows that change while they are read are there at most once, and those that stay are there", async () => {
  const shop = shopWith();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
     INSERT INTO task_labels SELECT 'l', 'v', printf('%05d', i) FROM n`,
  ).run();
  const files: ObjectStore = {
    ...shop.services.files,
    put: async (key, ...rest) => {
      if (key.includes("/task_labels/00000")) {
        await env.DB.prepare("DELETE FROM task_labels WHERE task_id IN ('00001', '08000')").run();
        await env.DB.prepare("INSERT INTO task_labels VALUES ('l', 'v', '99999')").run();
      }
      await shop.services.files.put(key, ...rest);
    },
  };
  const { backup_id: id } = await backUp(shopWith({}, { files }));
  await emptyTables();
  await restore(shop, id);
  // 00001 was read before it was deleted.
  expect(await rows("SELECT count(*) AS count FROM task_labels")).toEqual([{ count: 9_000 }]);
});

const register = (name: string) =>
  env.DB.prepare("INSERT INTO users VALUES (1, ?, ?, '', '', '!', 'user', NULL, 0, 1)")
    .bind(name, `${name}@example.com`)
    .run();
const offer = (name: string) =>
  env.DB.prepare("INSERT INTO products VALUES ('A1', ?, 1, 'EUR', NULL, 0)").bind(name).run();

it.each([
  ["row", "users", () => register("alice"), () => register("mallory")],
  ["large row", "products", () => offer("n".repeat(1_000_000)), () => offer("Lamp")],
])("a %s that somebody else's is in the way of is told", async (_what, table, insert, another) => {
  const shop = shopWith();
  await insert();
  const { backup_id: id } = await backUp(shop);
  await emptyTables();
  let reads = 0;
  const files: ObjectStore = {
    ...shop.services.files,
    get: async (key, range) => {
      // The first time it is checked.
      if (key.includes(`/${table}/`) && (reads += 1) === 2) await another();
      return shop.services.files.get(key, range);
    },
  };
  const result = await restore(shopWith({}, { files }), id);
  expect(result).toMatchObject({ matches: false });
  expect(result.tables.find((found) => found.table === table)).toEqual({
    ...{ table, backed_up: 1, now: 1, differing: 1, matches: false },
  });
});

it("no order in a backup lacks its lines, and lines without an order are in nobody's way", async () => {
  const shop = shopWith();
  const line = { sku: null, name: "Cup", quantity: 1, unitPriceMinor: 100, sellerId: null };
  const orderWith = (orderId: string) => shop.create({ orderId, amountMinor: 100, items: [line] });
  await orderWith("before");
  const files: ObjectStore = {
    ...shop.services.files,
    put: async (key, ...rest) => {
      // While its table is read, or the other.
      if (/\/(orders|order_items)\/00000/.test(key)) await orderWith("meanwhile");
      await shop.services.files.put(key, ...rest);
    },
  };
  const { backup_id: id } = await backUp(shopWith({}, { files }));
  await emptyTables();
  expect(await restore(shop, id)).toMatchObject({ matches: true });
  const lonely =
    "SELECT id FROM orders FULL JOIN order_items ON order_id = id WHERE order_id IS NULL OR id IS NULL";
  expect(await rows(lonely)).toEqual([]);
  expect(await orderWith("meanwhile")).toMatchObject({ kind: "created" });
});

it("lines without an order, deleted by a restore that crashed then, are counted all the same", async () => {
  const shop = shopWith();
  await env.DB.prepare(
    "INSERT INTO order_items VALUES ('lost', 0, NULL, 'Cup', 1, 100, NULL)",
  ).run();
  const { backup_id: id } = await backUp(shop);
  for (let at = 1, isOver = false; !isOver; at += 1) {
    await emptyTables();
    const task = new DurableTask();
    task.crash = { at, when: "after" };
    isOver = await restore(shop, id, task).then(
      () => true,
      () => false,
    );
    task.crash = null;
    expect(await restore(shop, id, task)).toMatchObject({ matches: true });
  }
});

it("an escrow that goes on while it is backed up has no state that its money does not bear out", async () => {
  const shop = shopWith();
  await env.DB.exec(
    "INSERT INTO escrow_transactions VALUES ('t', 1, 2, 'x', 100, 'USD', 'pending_funding', 1, 0, 0, 0, NULL)",
  );
  await env.DB.exec("INSERT INTO escrow_entries VALUES ('other', 'fund', 'a', 'b', 1, NULL, 0)");
  const files: ObjectStore = {
    ...shop.services.files,
    put: async (key, ...rest) => {
      if (/\/escrow_(entries|transactions)\/00000/.test(key)) {
        await env.DB.batch([
          env.DB.prepare("UPDATE escrow_transactions SET state = 'funded', version = 2"),
          env.DB.prepare(
            "INSERT OR IGNORE INTO escrow_entries VALUES ('t', 'fund', 'a', 'b', 100, NULL, 0)",
          ),
        ]);
      }
      await shop.services.files.put(key, ...rest);
    },
  };
  const { backup_id: id } = await backUp(shopWith({}, { files }));
  await emptyTables();
  await restore(shop, id);
  expect(await rows("SELECT state FROM escrow_transactions")).toEqual([
    { state: "pending_funding" },
  ]);
  expect(await rows("SELECT what FROM escrow_entries WHERE transaction_id = 't'")).toEqual([
    { what: "fund" },
  ]);
});

it("the newest backups are kept, and what never got finished goes after two days", async () => {
  let now = Date.UTC(2026, 10, 1, 4);
  const shop = shopWith({ backupsKept: 2 }, { clock: { now: () => now } });
  const ids: string[] = [];
  for (let day = 0; day < 4; day += 1) {
    now += DAY_MS;
    if (day === 1) {
      const broken = new DurableTask();
      broken.crash = { at: 4, when: "after" };
      await backUp(shop, broken).catch(() => null);
      await env.FILES.put(`backups/20261102T04000000${day}Z-00000000/orders/x`, "left behind");
    }
    const { backup_id: id } = await backUp(shop);
    expect(begunAt(id)).toBe(now);
    ids.unshift(id);
  }
  expect(await listBackups(shop.services.files)).toEqual(ids.slice(0, 2));
  const { objects } = await env.FILES.list({ prefix: "backups/" });
  expect(objects.every(({ key }) => ids.slice(0, 2).some((id) => key.includes(id)))).toBe(true);
});
