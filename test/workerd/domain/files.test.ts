import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import {
  cleanUpUploads,
  contentKey,
  deleteFile,
  errorsKey,
  findFile,
  fileTasks,
  listFiles,
  QUOTA,
  uploadFile,
  type FileKind,
} from "#domain/files";
import type { ObjectStore } from "#domain/storage";
import { Crash, DurableTask } from "./durable.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const [processFileUpload] = fileTasks;
const DAY_MS = 86_400_000;
const PRODUCTS = "sku,name,price,currency,seller_id\n";
const ORDERS = "order_id,user_id,total_amount,customer_email,currency,locale\n";

type Shop = ReturnType<typeof createShop>;

beforeEach(async () => {
  await emptyTables();
  const { objects } = await env.FILES.list({ prefix: "files/" });
  await env.FILES.delete(objects.map(({ key }) => key));
});

function upload(
  shop: Shop,
  content: string | Uint8Array,
  over: { kind?: FileKind; contentType?: string; size?: number; owner?: string } = {},
) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const stream = new Response(bytes).body;
  if (stream === null) throw new Error("It has no body.");
  const parts = { ...shop.services, background: (work: Promise<void>) => void work };
  return uploadFile(parts, shop.lovage, {
    ...{ owner: "shop", name: "a.csv", kind: "products", contentType: "text/csv" },
    ...{ size: bytes.length, content: stream, ...over },
  });
}

async function stored(shop: Shop, content: string | Uint8Array, over = {}): Promise<string> {
  const answer = await upload(shop, content, over);
  if (answer.kind !== "stored") throw new Error(answer.kind);
  return answer.file.id;
}

async function textOf(key: string): Promise<string | null> {
  const object = await env.FILES.get(key);
  return object && object.text();
}

it("an upload is stored with its task, in one batch", async () => {
  const shop = createShop();
  const id = await stored(shop, PRODUCTS);
  const file = await findFile(shop.db, id);
  expect(file).toMatchObject({ state: "stored", size: PRODUCTS.length, name: "a.csv" });
  expect(await textOf(contentKey(id))).toBe(PRODUCTS);
  const [task] = shop.ledger.taken.values();
  expect(task).toMatchObject({ id: file?.taskId, name: "process_file_upload", owner: "shop" });
  expect(JSON.parse(task?.kwargs ?? "")).toEqual({ file_id: id });
});

it.each([PRODUCTS.length - 1, PRODUCTS.length + 1])(
  "a body of another length than the %i bytes that were declared leaves nothing",
  async (size) => {
    const shop = createShop();
    expect(await upload(shop, PRODUCTS, { size })).toEqual({ kind: "wrong_size" });
    expect(await rows("SELECT * FROM files")).toEqual([]);
    expect((await env.FILES.list({ prefix: "files/" })).objects).toEqual([]);
    expect(shop.ledger.taken.size).toBe(0);
  },
);

it("an upload whose bytes are there, but for the answer, leaves nothing", async () => {
  const shop = createShop();
  const files: ObjectStore = {
    ...shop.services.files,
    put: async (...args) => {
      await shop.services.files.put(...args);
      throw new Error("Network connection lost.");
    },
  };
  const broken = { ...shop, services: { ...shop.services, files } };
  await expect(upload(broken, PRODUCTS)).rejects.toThrow("Network connection lost.");
  expect(await rows("SELECT * FROM files")).toEqual([]);
  expect((await env.FILES.list({ prefix: "files/" })).objects).toEqual([]);
});

it("an owner has room for so many bytes, and another for as many", async () => {
  const shop = createShop();
  const id = await stored(shop, "x");
  await env.DB.prepare("UPDATE files SET size = ? WHERE id = ?")
    .bind(QUOTA.bytes - 5, id)
    .run();
  expect(await upload(shop, "123456")).toEqual({ kind: "quota" });
  expect(await upload(shop, "12345")).toMatchObject({ kind: "stored" });
  expect(await upload(shop, "1")).toEqual({ kind: "quota" });
  expect(await upload(shop, "1", { owner: "other" })).toMatchObject({ kind: "stored" });
});

it("an owner has room for so many files", async () => {
  const shop = createShop();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${QUOTA.files})
     INSERT INTO files SELECT 'x' || i, 'shop', 'a', 'image', 't', 1, 'processed', NULL, 1, NULL FROM n`,
  ).run();
  expect(await upload(shop, "1")).toEqual({ kind: "quota" });
});

it("files are listed by owner, the newest first, page by page", async () => {
  let now = 1_900_000_000_000;
  const shop = createShop({ services: { clock: { now: () => (now += 1) } } });
  const ids = [await stored(shop, "1"), await stored(shop, "2"), await stored(shop, "3")];
  await stored(shop, "4", { owner: "other" });
  const page = async (before: string | null) =>
    (await listFiles(shop.db, { owner: "shop", before, limit: 2 })).map(({ id }) => id);
  expect(await page(null)).toEqual([ids[2], ids[1]]);
  expect(await page(ids[1] ?? null)).toEqual([ids[0]]);
});

it("products are imported, and the rows that are wrong are named by their lines", async () => {
  const shop = createShop();
  const text = `\uFEFF${PRODUCTS}A1,"Lamp,\r\n""big""",19.99,EUR,7\r\n\r\nA2,Chair,1e3,EUR,\r\nA3,Стол,5,RUB,\r\nA4,"x\n`;
  const id = await stored(shop, text);
  const task = new DurableTask();
  const result = await task.run(processFileUpload, { file_id: id }, shop);
  const price = "Must be an amount as 19.99, below 1,000,000.";
  const quote = "A quote is not closed, or closed too early.";
  const errors = [
    { line: 5, field: "price", message: price },
    { line: 7, field: null, message: quote },
  ];
  // The quoted name itself has a line break: one character that no name may have.
  expect(result).toEqual({
    ...{ file_id: id, kind: "products", rows: 4, imported: 1, failed: 3 },
    errors: [{ line: 2, field: "name", message: "Has a control character." }, ...errors],
    ...{ errors_url: `/api/files/${id}/errors/`, ignored_columns: [] },
  });
  expect(await rows("SELECT sku, name, price_minor, currency, seller_id FROM products")).toEqual([
    { sku: "A3", name: "Стол", price_minor: 500, currency: "RUB", seller_id: null },
  ]);
  expect(await textOf(errorsKey(id))).toBe(
    `line,field,message\r\n2,name,Has a control character.\r\n5,price,"${price}"\r\n7,,"${quote}"\r\n`,
  );
  expect(await findFile(shop.db, id)).toMatchObject({
    state: "processed",
    result: JSON.stringify(result),
  });
  const size = new TextEncoder().encode(text).length;
  expect(task.progress.at(-1)).toMatchObject({ current: size, total: size, rows: 4 });
});

it("a sku that comes again has what came last, in the file and in the shop", async () => {
  const shop = createShop();
  const first = await stored(shop, `${PRODUCTS}A1,old,1,EUR,\nA1,new,2,EUR,\nA2,other,3,EUR,\n`);
  await new DurableTask().run(processFileUpload, { file_id: first }, shop);
  const second = await stored(shop, `${PRODUCTS}A2,changed,4,EUR,9\n`);
  await new DurableTask().run(processFileUpload, { file_id: second }, shop);
  expect(await rows("SELECT sku, name, price_minor, seller_id FROM products")).toEqual([
    { sku: "A1", name: "new", price_minor: 200, seller_id: null },
    { sku: "A2", name: "changed", price_minor: 400, seller_id: 9 },
  ]);
});

it("where the gateway needs to know what is charged, a row that doesn't say is refused alone", async () => {
  const { gateway } = createShop().services;
  const shop = createShop({ services: { gateway: { ...gateway, needsPaymentMethod: true } } });
  const text =
    "order_id,user_id,total_amount,customer_email,payment_method\n" +
    "1,1,2,a@example.com,\n2,1,2,a@example.com,pm_card_visa\n3,1,2,a@example.com,4242\n";
  const id = await stored(shop, text, { kind: "orders" });
  expect(await new DurableTask().run(processFileUpload, { file_id: id }, shop)).toMatchObject({
    ...{ rows: 3, imported: 1, failed: 2 },
    errors: [
      { line: 2, field: "payment_method", message: "Is needed." },
      { line: 4, field: "payment_method" },
    ],
  });
  expect(await rows("SELECT id, payment_method FROM orders")).toEqual([
    { id: "2", payment_method: "pm_card_visa" },
  ]);
});

it("orders are created with their tasks; one that exists otherwise is its row's error", async () => {
  const shop = createShop();
  await shop.create({ orderId: "7", amountMinor: 1 });
  const text = `${ORDERS}6,1,150.00,a@example.com,,ru\n7,1,2,a@example.com,,\n8,1,3.5,b@example.com,EUR,\n6,1,150,a@example.com,USD,ru\n`;
  const id = await stored(shop, text, { kind: "orders" });
  const result = await new DurableTask().run(processFileUpload, { file_id: id }, shop);
  const message = "Order #7 exists with other content.";
  expect(result).toMatchObject({
    ...{ rows: 4, imported: 3, failed: 1 },
    errors: [{ line: 3, field: "order_id", message }],
  });
  const orders = "SELECT id, owner, amount_minor, currency, locale FROM orders ORDER BY id";
  expect(await rows(orders)).toEqual([
    { id: "6", owner: "shop", amount_minor: 15_000, currency: "USD", locale: "ru" },
    { id: "7", owner: "shop", amount_minor: 1, currency: "USD", locale: null },
    { id: "8", owner: "shop", amount_minor: 350, currency: "EUR", locale: null },
  ]);
  const names = Array.from(shop.ledger.taken.values(), ({ name }) => name);
  expect(names.filter((name) => name === "process_payment")).toHaveLength(3);
  expect(await rows("SELECT * FROM outbox")).toEqual([]);
});

it("a thousand errors of rows are kept, a hundred are shown, all are counted", async () => {
  const shop = createShop();
  const id = await stored(shop, PRODUCTS + "A1,Lamp,free,EUR,\n".repeat(1_200));
  const result = await new DurableTask().run(processFileUpload, { file_id: id }, shop);
  expect(result).toMatchObject({ rows: 1_200, imported: 0, failed: 1_200 });
  expect((result as { errors: unknown[] }).errors).toHaveLength(100);
  expect((await textOf(errorsKey(id)))?.split("\r\n")).toHaveLength(1_002);
});

it.each([
  ["binary", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0xff, 0xfe), "not text in UTF-8"],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x73, 0, 0x6b, 0), "not text in UTF-8"],
  ["NUL", "sku,\0name", "not text in UTF-8"],
  ["other columns", "id;name\n1;2\n", "lacks columns: sku, name, price, currency"],
  ["empty lines", "\n\n", "no first line"],
  ["a header without end", `sku,"${"x".repeat(70_000)}`, "no first line"],
  ["an open quote", `${PRODUCTS}A1,"${"Lamp\n".repeat(20_000)}`, "The row on line 2 has more than"],
])("a file of %s fails at once, and says why", async (_name, content, reason) => {
  const shop = createShop();
  const id = await stored(shop, content);
  const running = new DurableTask().run(processFileUpload, { file_id: id }, shop);
  await expect(running).rejects.toMatchObject({
    name: "FileContentError",
    message: expect.stringContaining(reason),
  });
  const file = await findFile(shop.db, id);
  expect(file?.state).toBe("failed");
  expect(file?.result).toContain(reason);
  expect(await rows("SELECT * FROM products")).toEqual([]);
});

it("a row that is not UTF-8 behind the beginning is one row's error", async () => {
  const shop = createShop();
  const row = "A1,Lamp,1,EUR,\n";
  const before = new TextEncoder().encode(PRODUCTS + row.repeat(5_000));
  const content = new Uint8Array([...before, 0xff, 10, ...new TextEncoder().encode(row)]);
  const id = await stored(shop, content);
  expect(await new DurableTask().run(processFileUpload, { file_id: id }, shop)).toMatchObject({
    ...{ rows: 5_002, imported: 5_001, failed: 1 },
    errors: [{ line: 5_002, field: null, message: "Is not UTF-8." }],
  });
});

it.each([
  ["image/png", "its metadata", { width: 3, height: 2, has_alpha: true, type: "image/png" }],
  ["image/gif", "an error", null],
])("an image sent as %s has %s", async (contentType, _what, expected) => {
  const shop = createShop();
  const head = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
  ];
  const image = Uint8Array.from([...head, 0, 0, 0, 3, 0, 0, 0, 2, 8, 6, 0, 0, 0, 0, 0, 0, 0]);
  const id = await stored(shop, image, { kind: "image", contentType });
  const running = new DurableTask().run(processFileUpload, { file_id: id }, shop);
  if (expected === null) {
    await expect(running).rejects.toThrow("The file was sent as image/gif and is image/png.");
  } else expect(await running).toMatchObject({ ...expected, orientation: 1 });
});

it("nobody's task but its owner's processes a file, and a processed one is not processed again", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}A1,Lamp,1,EUR,\n`, { owner: "other" });
  const foreign = new DurableTask().run(processFileUpload, { file_id: id }, shop);
  await expect(foreign).rejects.toMatchObject({ name: "FileNotFoundError" });
  const own = await stored(shop, `${PRODUCTS}A2,Lamp,1,EUR,\n`);
  const first = await new DurableTask().run(processFileUpload, { file_id: own }, shop);
  await env.DB.prepare("DELETE FROM products").run();
  expect(await new DurableTask().run(processFileUpload, { file_id: own }, shop)).toEqual(first);
  expect(await rows("SELECT * FROM products")).toEqual([]);
});

/** More than one step reads. */
const MANY = Array.from(
  { length: 25_000 },
  (_, n) => `S${n},Product ${n} ${"of many ".repeat(20)},${n % 1_000}.99,EUR,\n`,
);

it("a long file is imported in steps; a crash at any of them loses and doubles nothing", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}${MANY.join("")}bad\n`);
  const task = new DurableTask();
  const run = () => task.run(processFileUpload, { file_id: id }, shop);
  for (const step of ["header#0", "rows#0", "rows#1"]) {
    for (const when of ["before", "after"] as const) {
      task.crash = { at: 1, when };
      await expect(run()).rejects.toThrow(Crash);
      expect(await findFile(shop.db, id)).toMatchObject({ state: "processing" });
    }
    expect(task.ran.at(-1)).toBe(step);
    task.crash = { at: 2, when: "before" };
    await run().catch(() => null);
  }
  expect(await run()).toMatchObject({
    ...{ rows: 25_001, imported: 25_000, failed: 1 },
    errors: [{ line: 25_002, field: null }],
  });
  expect(await rows("SELECT count(*) AS count, sum(price_minor) AS sum FROM products")).toEqual([
    { count: 25_000, sum: MANY.reduce((sum, _row, n) => sum + (n % 1_000) * 100 + 99, 0) },
  ]);
});

it.each([
  ["each order once", 1],
  ["each order twice, as a list of lines has it", 2],
])(
  "no run of a long import asks the database more often than one invocation may: %s",
  async (_what, times) => {
    const faults = new Faults();
    const shop = createShop({ database: faultyDatabase(env.DB, faults) });
    const lines = Array.from(
      { length: 20_000 },
      (_, n) => `o${n - (n % times)},1,2,a@example.com,,\n`,
    );
    const id = await stored(shop, `${ORDERS}${lines.join("")}`, { kind: "orders" });
    const task = new DurableTask();
    let before = faults.calls;
    let most = 0;
    task.slept = () => {
      most = Math.max(most, faults.calls - before);
      before = faults.calls;
    };
    const result = await task.run(processFileUpload, { file_id: id }, shop);
    task.slept();
    expect(result).toMatchObject({ rows: 20_000, imported: 20_000, failed: 0 });
    expect(most).toBeLessThan(900);
    const orders = 20_000 / times;
    expect(await rows("SELECT count(*) AS count FROM orders")).toEqual([{ count: orders }]);
    expect(shop.ledger.taken.size).toBe(2 * orders + 1);
  },
  60_000,
);

it("what a database that breaks left behind the next run mends", async () => {
  const content = `${ORDERS}1,1,1,a@example.com,,\n2,1,2,a@example.com,,\n3,1,x,a@example.com,,\n`;
  for (let at = 1; ; at += 1) {
    await emptyTables();
    const whole = createShop();
    const id = await stored(whole, content, { kind: "orders" });
    const faults = new Faults({ at, when: at % 2 === 0 ? "before" : "after" });
    const broken = createShop({ database: faultyDatabase(env.DB, faults), ledger: whole.ledger });
    const task = new DurableTask();
    const first = await task.run(processFileUpload, { file_id: id }, broken).catch(() => null);
    const result = first ?? (await task.run(processFileUpload, { file_id: id }, whole));
    expect(result).toMatchObject({ rows: 3, imported: 2, failed: 1 });
    await whole.outbox.sweep();
    const tasks = Array.from(whole.ledger.taken.values(), ({ name }) => name);
    expect(tasks.filter((name) => name === "process_payment").length).toBeLessThanOrEqual(2);
    expect(await rows("SELECT count(*) AS count FROM orders")).toEqual([{ count: 2 }]);
    if (!faults.struck) break;
  }
});

it("what goes wrong on the way is tried again after 60, 120 and 240 seconds, and then no more", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}A1,Lamp,1,EUR,\n`);
  const files: ObjectStore = { ...shop.services.files, get: () => Promise.reject(new Error("R2")) };
  const task = new DurableTask();
  const parts = { ...shop, services: { ...shop.services, files } };
  const outcomes = [];
  for (task.retries = 0; task.retries <= 3; task.retries += 1) {
    outcomes.push(await task.attempt(processFileUpload, { file_id: id }, parts));
  }
  expect(outcomes).toMatchObject([
    { kind: "retry", delayMs: 60_000 },
    { kind: "retry", delayMs: 120_000 },
    { kind: "retry", delayMs: 240_000 },
    { kind: "failure", error: { exc_type: "Error", exc_message: "R2" } },
  ]);
});

it("the last try that fails leaves the file failed, and a replay may still process it", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}A1,Lamp,1,EUR,\n`);
  const files: ObjectStore = { ...shop.services.files, get: () => Promise.reject(new Error("R2")) };
  const task = new DurableTask();
  const services = { ...shop.services, files };
  for (task.retries = 0; task.retries <= 3; task.retries += 1) {
    const run = task.run(processFileUpload, { file_id: id }, { ...shop, services });
    await expect(run).rejects.toThrow("R2");
    const state = task.retries < 3 ? "processing" : "failed";
    expect(await findFile(shop.db, id)).toMatchObject({ state });
  }
  const replay = new DurableTask();
  expect(await replay.run(processFileUpload, { file_id: id }, shop)).toMatchObject({ imported: 1 });
  expect(await findFile(shop.db, id)).toMatchObject({ state: "processed", taskId: replay.taskId });
});

it("an attempt that fails after it lost its lease does not undo the one that processes the file", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}A1,Lamp,1,EUR,\n`);
  const task = new DurableTask();
  task.retries = 3;
  const start = (answer: Promise<void>) => {
    const reached = Promise.withResolvers<void>();
    const get: ObjectStore["get"] = async (...args) => {
      reached.resolve();
      await answer;
      return shop.services.files.get(...args);
    };
    const services = { ...shop.services, files: { ...shop.services.files, get } };
    const run = task.run(processFileUpload, { file_id: id }, { ...shop, services });
    return { run, reached: reached.promise };
  };
  const [late, real] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const zombie = start(late.promise);
  await zombie.reached;
  const holder = start(real.promise);
  await holder.reached;
  late.reject(new Error("the lease is lost"));
  await expect(zombie.run).rejects.toThrow("lost");
  real.resolve();
  expect(await holder.run).toMatchObject({ imported: 1 });
  expect(await findFile(shop.db, id)).toMatchObject({ state: "processed" });
});

it("an attempt that ends after another processed the file leaves its report where it is", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}bad\n`);
  const task = new DurableTask();
  const put: ObjectStore["put"] = async (...args) => {
    // It takes so long that the lease is lost, and the next attempt has processed the file.
    await task.run(processFileUpload, { file_id: id }, shop);
    await shop.services.files.put(...args);
  };
  const services = { ...shop.services, files: { ...shop.services.files, put } };
  await task.run(processFileUpload, { file_id: id }, { ...shop, services });
  expect(await findFile(shop.db, id)).toMatchObject({ state: "processed" });
  expect(await textOf(errorsKey(id))).toContain("Has 1 fields instead of 5.");
});

it("a file is deleted with its report, also while it is processed", async () => {
  const shop = createShop();
  const id = await stored(shop, `${PRODUCTS}bad\n`);
  const files: ObjectStore = {
    ...shop.services.files,
    put: async (...args) => {
      await deleteFile(shop.services, id);
      await shop.services.files.put(...args);
    },
  };
  const services = { ...shop.services, files };
  await new DurableTask().run(processFileUpload, { file_id: id }, { ...shop, services });
  expect(await findFile(shop.db, id)).toBeNull();
  expect(await textOf(contentKey(id))).toBeNull();
  expect(await textOf(errorsKey(id))).toBeNull();
});

it("uploads that never ended go after a day, with their bytes; others stay", async () => {
  let now = 1_900_000_000_000;
  const shop = createShop({ services: { clock: { now: () => now } } });
  const whole = await stored(shop, "1");
  const begun = await stored(shop, "2");
  now += 1_000;
  const young = await stored(shop, "3");
  const reopen = "UPDATE files SET state = 'uploading', task_id = NULL WHERE id IN (?, ?)";
  await env.DB.prepare(reopen).bind(begun, young).run();
  now += DAY_MS - 500;
  expect(await cleanUpUploads(shop.services, new AbortController().signal)).toBe(1);
  const ids = await rows<{ id: string }>("SELECT id FROM files");
  expect(ids.map(({ id }) => id).sort()).toEqual([whole, young].sort());
  expect(await textOf(contentKey(begun))).toBeNull();
  expect(await textOf(contentKey(young))).toBe("3");
});
