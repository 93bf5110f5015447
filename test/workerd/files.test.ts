import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ask, ended, get } from "./api.ts";

const CSV = { "Content-Type": "text/csv" };
const UNKNOWN_TASK = "01a2042f-e4fc-8001-bf60-88ecece52c5d";
const PRODUCTS = "/api/files/?name=products.csv&kind=products";

function send(path: string, body: BodyInit | null, headers: Record<string, string> = CSV) {
  return ask(`http://lovage${path}`, { method: "POST", headers, body });
}

async function uploaded(content: string, path = PRODUCTS) {
  const answer = await send(path, content);
  expect(answer.status).toBe(202);
  return answer.json<{ file_id: string; task_id: string }>();
}

async function problem(answer: Response) {
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  return answer.json<{ status: number; code: string; errors?: { field: string }[] }>();
}

it("an upload is processed by its task, and says what became of it", async () => {
  const { file_id: id, task_id: taskId } = await uploaded(
    "sku,name,price,currency,note\nH1,Lamp,19.99,EUR,x\nH2,Chair,,EUR,=1+1\n",
  );
  const errors = [{ line: 3, field: "price", message: "Is empty." }];
  const task = await ended(taskId);
  expect(task).toMatchObject({ state: "SUCCESS", result: { imported: 1, failed: 1, errors } });
  const file = await get(`/api/files/${id}/`);
  expect(await file.json()).toEqual({
    ...{ file_id: id, name: "products.csv", kind: "products", content_type: "text/csv", size: 68 },
    ...{ state: "processed", task_id: taskId, result: task.result, progress: null },
    created_at: expect.stringMatching(/Z$/),
  });
  const report = await get(`/api/files/${id}/errors/`);
  expect(await report.text()).toBe("line,field,message\r\n3,price,Is empty.\r\n");
  const list = await get("/api/files/?limit=1");
  expect(await list.json()).toMatchObject({ files: [{ file_id: id }], next_cursor: null });
});

it("what is downloaded is what was uploaded, to be stored under its name and never shown", async () => {
  const name = encodeURIComponent('Товары "2026".csv');
  const { file_id: id } = await uploaded("x,y\n", `/api/files/?name=${name}&kind=orders`);
  const answer = await get(`/api/files/${id}/content/`);
  expect(await answer.text()).toBe("x,y\n");
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/csv",
    "content-disposition":
      "attachment; filename=\"______ _2026_.csv\"; filename*=UTF-8''%D0%A2%D0%BE%D0%B2%D0%B0%D1%80%D1%8B%20%222026%22.csv",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
});

it("a file that makes no sense fails without a retry", async () => {
  const { file_id: id, task_id: taskId } = await uploaded("id,title\n1,Lamp\n");
  const task = await ended(taskId);
  const reason = "The first line lacks columns: sku, name, price, currency (separated by commas).";
  expect(task).toMatchObject({
    ...{ state: "FAILURE", retries: 0 },
    error: { exc_type: "FileContentError", exc_message: reason },
  });
  const file = await get(`/api/files/${id}/`);
  expect(await file.json()).toMatchObject({ state: "failed", result: { error: reason } });
  expect((await get(`/api/files/${id}/errors/`)).status).toBe(404);
});

it("a file whose task ended, and could not write it down, has failed", async () => {
  const { file_id: id, task_id: taskId } = await uploaded("id,title\n1,Lamp\n");
  await ended(taskId);
  await env.DB.prepare("UPDATE files SET state = 'processing', result = NULL WHERE id = ?")
    .bind(id)
    .run();
  expect(await (await get(`/api/files/${id}/`)).json()).toMatchObject({ state: "failed" });
  const list = await get("/api/files/?limit=1");
  expect(await list.json()).toMatchObject({ files: [{ file_id: id, state: "failed" }] });
});

it.each([
  { days: 8, state: "failed" },
  { days: 1, state: "stored" },
])("a file whose task nobody knows is $state after $days days", async ({ days, state }) => {
  const { file_id: id, task_id: taskId } = await uploaded("id,title\n1,Lamp\n");
  await ended(taskId);
  await env.DB.prepare(
    "UPDATE files SET state = 'stored', result = NULL, task_id = ?, created_at = ? WHERE id = ?",
  )
    .bind(UNKNOWN_TASK, Date.now() - days * 86_400_000, id)
    .run();
  expect(await (await get(`/api/files/${id}/`)).json()).toMatchObject({ state });
  const list = await get("/api/files/?limit=1");
  expect(await list.json()).toMatchObject({ files: [{ file_id: id, state }] });
});

it("a deleted file is gone with its bytes", async () => {
  const { file_id: id, task_id: taskId } = await uploaded("sku,name,price,currency\n");
  await ended(taskId);
  const url = `http://lovage/api/files/${id}/`;
  expect((await ask(url, { method: "DELETE" })).status).toBe(204);
  expect((await ask(url, { method: "DELETE" })).status).toBe(404);
  expect((await get(`/api/files/${id}/content/`)).status).toBe(404);
  expect(await env.FILES.head(`files/${id}`)).toBeNull();
});

it.each([
  ["no name", "/api/files/?kind=products", CSV, "a", 422, "name"],
  ["no kind", "/api/files/?name=a.csv", CSV, "a", 422, "kind"],
  ["a strange kind", "/api/files/?name=a.csv&kind=virus", CSV, "a", 422, "kind"],
  ["a strange parameter", `${PRODUCTS}&path=/etc`, CSV, "a", 422, "path"],
  ["a name twice", `${PRODUCTS}&name=b`, CSV, "a", 422, "name"],
  ["no bytes", PRODUCTS, { ...CSV, "Content-Length": "0" }, "", 422, "body"],
  ["another type", PRODUCTS, { "Content-Type": "image/png" }, "a", 415, null],
  ["no type", PRODUCTS, { "Content-Type": "" }, "a", 415, null],
  ["SVG", "/api/files/?name=a&kind=image", { "Content-Type": "image/svg+xml" }, "a", 415, null],
  ["too much", PRODUCTS, { ...CSV, "Content-Length": "104857601" }, "a", 413, null],
  [
    "too large an image",
    "/api/files/?name=a&kind=image",
    { "Content-Type": "image/png", "Content-Length": "20971521" },
    "a",
    ...([413, null] as const),
  ],
  ["a length that is none", PRODUCTS, { ...CSV, "Content-Length": "-1" }, "a", 411, null],
])("an upload with %s is refused", async (_what, path, headers, body, status, field) => {
  const answer = await problem(await send(path, body, headers));
  expect(answer.status).toBe(status);
  if (field !== null) expect(answer.errors?.map((error) => error.field)).toContain(field);
});

it("an upload that doesn't say how long it is, is refused", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("sku"));
      controller.close();
    },
  });
  expect(await problem(await send(PRODUCTS, stream))).toMatchObject({
    ...{ status: 411, code: "length_required" },
  });
});

it.each(["1", "2000"])(
  "an upload of another length than the %s bytes it says is refused",
  async (length) => {
    const answer = await send(PRODUCTS, "sku,name", { ...CSV, "Content-Length": length });
    expect(await problem(answer)).toMatchObject({ status: 400, code: "wrong_length" });
  },
);

it.each(["x", "0".repeat(36), "../../etc", "%00", "0".repeat(37)])(
  "there is no file %j",
  async (id) => {
    for (const path of ["", "content/", "errors/"]) {
      expect((await get(`/api/files/${encodeURIComponent(id)}/${path}`)).status).toBe(404);
    }
  },
);

it("a list's limit and cursor are checked", async () => {
  for (const query of ["limit=0", "limit=201", "cursor=x", "owner=other"]) {
    expect((await get(`/api/files/?${query}`)).status).toBe(422);
  }
});

it("an upload that broke off can be seen, but neither read nor deleted", async () => {
  const { file_id: id } = await uploaded("sku,name,price,currency\n");
  await env.DB.prepare("UPDATE files SET state = 'uploading' WHERE id = ?").bind(id).run();
  expect((await get(`/api/files/${id}/content/`)).status).toBe(404);
  const answer = await ask(`http://lovage/api/files/${id}/`, {
    method: "DELETE",
  });
  expect(await problem(answer)).toMatchObject({ status: 409, code: "uploading" });
});

/** An API key of its own owner. */
async function apiKey(scopes: readonly string[]): Promise<Record<string, string>> {
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const secret = id.padEnd(43, "s");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  await env.DB.prepare("INSERT INTO api_keys VALUES (?1, 'test', ?1, ?2, ?3, 0, NULL, NULL)")
    .bind(id, hash.join(""), JSON.stringify(scopes))
    .run();
  return { Authorization: `Bearer lv_${id}_${secret}` };
}

it("who may order may send orders and images, but no products", async () => {
  const key = { ...CSV, ...(await apiKey(["orders:write"])) };
  expect((await send(PRODUCTS, "sku", key)).status).toBe(403);
  expect((await send("/api/files/?name=a&kind=orders", "order_id", key)).status).toBe(202);
  const manager = { ...CSV, ...(await apiKey(["orders:write", "orders:manage"])) };
  expect((await send(PRODUCTS, "sku", manager)).status).toBe(202);
});

it("a file of somebody else is not there, and an admin sees it", async () => {
  const { file_id: id } = await uploaded("sku,name,price,currency\n");
  const stranger = await apiKey(["orders:read", "orders:write"]);
  const admin = await apiKey(["admin"]);
  const request = (method: string, path: string, headers: Record<string, string>) =>
    ask(`http://lovage/api/files/${path}`, { method, headers });
  for (const path of [`${id}/`, `${id}/content/`, `${id}/errors/`]) {
    expect((await request("GET", path, stranger)).status).toBe(404);
  }
  expect((await request("DELETE", `${id}/`, stranger)).status).toBe(404);
  const list = await request("GET", "", stranger);
  expect(await list.json()).toEqual({ files: [], next_cursor: null });
  expect((await request("GET", `${id}/`, admin)).status).toBe(200);
});
