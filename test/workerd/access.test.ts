import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { documented } from "./documented.ts";

/** A deployment as it is by default: closed. */
const closed = { ...env, OPEN_ACCESS: "false" };

async function call(
  path: string,
  token: string | null,
  body?: unknown,
  address = "192.0.2.99",
): Promise<Response> {
  const ctx = createExecutionContext();
  const answer = await worker.fetch(
    new Request(`http://lovage${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        "Content-Type": "application/json",
        "CF-Connecting-IP": address,
        ...(token !== null && { Authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
    closed,
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return documented(body === undefined ? "GET" : "POST", `http://lovage${path}`, answer);
}

/** Stores a key as `npm run keys` does. */
async function keyFor(
  owner: string,
  scopes: readonly string[],
  over: { expiresAt?: number; revokedAt?: number } = {},
): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const secret = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace("=", "");
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  await env.DB.prepare("INSERT INTO api_keys VALUES (?, 'test', ?, ?, ?, 0, ?, ?)")
    .bind(
      id,
      owner,
      hash.join(""),
      JSON.stringify(scopes),
      over.expiresAt ?? null,
      over.revokedAt ?? null,
    )
    .run();
  return `lv_${id}_${secret}`;
}

let writer = "";
let stranger = "";
let admin = "";
let taskId = "";

beforeAll(async () => {
  const scopes = ["tasks:write", "tasks:read", "orders:write", "orders:read"];
  writer = await keyFor("shop", scopes);
  stranger = await keyFor("other shop", scopes);
  admin = await keyFor("operator", ["admin"]);
  const answer = await call("/api/tasks/process/", writer, { data: "mine" });
  taskId = (await answer.json<{ task_id: string }>()).task_id;
  await call("/api/create-order/", writer, {
    orderId: "mine",
    userId: 1,
    totalAmount: 5,
    customerEmail: "c@example.com",
  });
});

it("without a key everything but health is 401, with a challenge", async () => {
  expect((await call("/healthz", null)).status).toBe(200);
  for (const path of [`/api/tasks/${taskId}/`, "/api/orders/mine/", "/api/emails/"]) {
    const answer = await call(path, null);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="lovage"');
  }
  expect((await call("/api/tasks/process/", null, { data: "x" })).status).toBe(401);
});

it.each([
  ["nonsense", () => "nonsense"],
  ["a right id with a wrong secret", () => `${writer.slice(0, 17)}${"A".repeat(43)}`],
  ["an unknown id", () => `lv_000000000000_${writer.slice(-43)}`],
])("%s is 401", async (_what, token) => {
  const answer = await call(`/api/tasks/${taskId}/`, token());
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toContain("invalid_token");
});

it("too many wrong keys from one address are 429, with the time to wait", async () => {
  const statuses = new Set<number>();
  // More than twice the limit: the minute may change in between.
  for (let tries = 0; tries < 70; tries += 1) {
    const answer = await call(`/api/tasks/${taskId}/`, "guess", undefined, "192.0.2.1");
    statuses.add(answer.status);
    if (answer.status === 429) expect(answer.headers.get("Retry-After")).toBe("60");
  }
  expect(statuses).toEqual(new Set([401, 429]));
  const right = await call(`/api/tasks/${taskId}/`, writer, undefined, "192.0.2.1");
  expect(right.status).toBe(200);
});

it("a key that expired or was revoked is 401", async () => {
  const expired = await keyFor("shop", ["admin"], { expiresAt: 1 });
  const revoked = await keyFor("shop", ["admin"], { revokedAt: 1 });
  expect((await call(`/api/tasks/${taskId}/`, expired)).status).toBe(401);
  expect((await call(`/api/tasks/${taskId}/`, revoked)).status).toBe(401);
});

it("a key without the scope is 403", async () => {
  const reader = await keyFor("shop", ["tasks:read"]);
  expect((await call(`/api/tasks/${taskId}/`, reader)).status).toBe(200);
  expect((await call("/api/tasks/process/", reader, { data: "x" })).status).toBe(403);
  expect((await call("/api/orders/mine/", reader)).status).toBe(403);
  expect((await call(`/api/tasks/${taskId}/revoke/`, writer, { terminate: true })).status).toBe(
    403,
  );
});

it("a key that may not read can call, but not wait for what comes of it", async () => {
  const sender = await keyFor("sender", ["tasks:write"]);
  const counted = () =>
    env.DB.prepare("SELECT count(*) AS n FROM tasks WHERE owner = 'sender'").first<{ n: number }>();
  const work = { name: "process_data", args: ["x"] };
  expect((await call("/api/tasks/?wait=10", sender, work)).status).toBe(403);
  const sent = await call("/api/tasks/", sender, work);
  expect(sent.status).toBe(202);
  const { task_id: id } = await sent.json<{ task_id: string }>();
  expect((await call(`/api/tasks/${id}/?wait=10`, admin)).status).toBe(200);
  // Only the one that was let in.
  await expect.poll(counted).toEqual({ n: 1 });
});

const BACKUP = { name: "backup_database" };
const DATA = { name: "process_data", args: ["x"] };
const mapOf = (name: string, items: unknown[]) => ({
  name,
  args: [{ task: BACKUP.name, kwargs: {} }, items],
});

it.each([
  ["a call", "/api/tasks/", BACKUP],
  ["a callback", "/api/tasks/", { ...DATA, link: [BACKUP] }],
  ["an errback", "/api/tasks/", { ...DATA, link_error: [BACKUP] }],
  ["one of many", "/api/tasks/bulk/", { tasks: [DATA, { name: "restore_database" }] }],
  ["a member of a chain", "/api/canvas/", { chain: [DATA, BACKUP] }],
  ["a member of a group in a chain", "/api/canvas/", { chain: [DATA, { group: [DATA, BACKUP] }] }],
  ["a chord's body", "/api/canvas/", { chord: { header: [DATA], body: BACKUP } }],
  ["a chord's header", "/api/canvas/", { chord: { header: [BACKUP], body: DATA } }],
  ["a map's task", "/api/canvas/", { map: { task: BACKUP, items: [] } }],
  ["a map's task, by position", "/api/tasks/", mapOf("celery.map", [{}])],
  ["a starmap's task in a chain", "/api/canvas/", { chain: [mapOf("celery.starmap", [[]])] }],
  ["a map's task in a link", "/api/tasks/", { ...DATA, link: [mapOf("celery.map", [{}])] }],
  ["Celery's form", "/api/canvas/", { task: BACKUP.name }],
  [
    "a canvas by its name",
    "/api/tasks/",
    { name: "celery.chain", kwargs: { tasks: [{ task: BACKUP.name }] } },
  ],
  ["an undo", "/api/canvas/", { chain: [{ ...DATA, undo: BACKUP }, DATA] }],
])("backups are made by admins alone, also as %s", async (_what, path, body) => {
  const answer = await call(path, writer, body);
  expect(answer.status).toBe(403);
  expect((await answer.json<{ code: string }>()).code).toBe("forbidden");
});

it.each([
  [["x"]],
  [[null]],
  [[{}]],
  [{ kwargs: 1 }],
  [[{ task: 1, options: "x" }]],
  [[{ task: "t", options: null }]],
  [[{ task: "celery.chain", kwargs: null }]],
  [[{ task: "celery.map", args: null }]],
  [[{ task: "celery.map", args: {} }]],
  [[{ name: "celery.map", kwargs: { it: [{}] } }]],
  [[{ task: { toString: 1, valueOf: 1 }, kwargs: {} }]],
  ...[
    ...[{ eta: "x" }, { link: "abc" }, { link: [null] }, { linkError: [{}] }, { slot: 5 }],
    ...[{ key: {} }, { queue: {} }, { labels: 5 }, { undo: "x" }, { errors: {} }, 5],
  ].map((options): [unknown] => [[{ task: "process_data", kwargs: { data: "x" }, options }]]),
  [[{ task: "process_data", args: { length: 1 }, kwargs: {} }]],
  [[{ task: "celery.group", kwargs: { tasks: [{ task: "process_data", args: 1 }] } }]],
])("a canvas by its name with %j in it is no error of ours", async (tasks: unknown) => {
  const canvas = { name: "celery.chain", kwargs: { tasks } };
  for (const [path, body] of [
    ["/api/tasks/", canvas],
    ["/api/canvas/", canvas],
    ["/api/tasks/", { ...DATA, link: [canvas] }],
    ["/api/canvas/", { group: [canvas] }],
  ] as const) {
    const answer = await call(path, writer, body);
    expect(answer.status).toBe(422);
  }
});

it("a canvas by its name is read as any other is", async () => {
  const options = { link_error: [{ name: "process_data" }] };
  const failing = { task: "process_data", kwargs: { data: "x" }, options };
  const canvas = { name: "celery.group", kwargs: { tasks: [failing] } };
  const sent = await call("/api/tasks/", writer, canvas);
  expect(sent.status).toBe(202);
  const { task_id: id } = await sent.json<{ task_id: string }>();
  const shown = await call(`/api/canvas/${id}/?wait=20`, writer);
  expect(await shown.json()).toMatchObject({ state: "SUCCESS" });
  const found = await call(`/api/tasks/search/?name=process_data&limit=20`, writer);
  const { tasks } = await found.json<{ tasks: { options: Record<string, unknown> }[] }>();
  const member = tasks.find(({ options: { canvas_id: canvasId } }) => canvasId === id);
  expect(member?.options["link_error"]).toHaveLength(1);
});

it.each(["link", "link_error", "undo"])("a map as %s is not told what to call", async (how) => {
  const map = { name: "celery.map", kwargs: { it: [{}] } };
  const member = { ...DATA, [how]: how === "undo" ? map : [map] };
  expect((await call("/api/canvas/", writer, { chain: [member, DATA] })).status).toBe(422);
});

it("an admin calls a backup by name", async () => {
  expect((await call("/api/tasks/", admin, BACKUP)).status).toBe(202);
});

it("what belongs to another owner answers like what is not there, to the letter", async () => {
  for (const [mine, nobodys] of [
    [`/api/tasks/${taskId}/`, `/api/tasks/${taskId.slice(0, -4)}0000/`],
    [`/api/tasks/status/${taskId}/`, `/api/tasks/status/${taskId.slice(0, -4)}0000/`],
    ["/api/orders/mine/", "/api/orders/nobodys/"],
    ["/api/orders/mine/emails/", "/api/orders/nobodys/emails/"],
  ] as const) {
    const theirs = await call(mine, stranger);
    expect(theirs.status).toBe(404);
    expect(await theirs.text()).toBe(await (await call(nobodys, stranger)).text());
    expect((await call(mine, writer)).status).toBe(200);
    expect((await call(mine, admin)).status).toBe(200);
  }
  expect((await call(`/api/tasks/${taskId}/revoke/`, stranger, {})).status).toBe(404);
});

it("the same Idempotency-Key of two owners is two tasks", async () => {
  const ids = await Promise.all(
    [writer, stranger].map(async (token) => {
      const ctx = createExecutionContext();
      const request = new Request("http://lovage/api/tasks/process/", {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Authorization: `Bearer ${token}`,
          "Idempotency-Key": "shared",
        },
        body: '{"data": "x"}',
      });
      const answer = await worker.fetch(request, closed, ctx);
      return (await answer.json<{ task_id: string }>()).task_id;
    }),
  );
  expect(new Set(ids).size).toBe(2);
});

it("a deployment without its secret answers 503 and tells nothing", async () => {
  const ctx = createExecutionContext();
  const request = new Request("http://lovage/healthz");
  const answer = await worker.fetch(request, { ...env, ID_SECRET: "short" }, ctx);
  expect(answer.status).toBe(503);
  expect(await answer.text()).not.toContain("ID_SECRET");
});

it("mail is seen by monitors, its suppressions by admins; a link to unsubscribe needs nobody's leave", async () => {
  const reader = await keyFor("shop", ["tasks:read", "orders:read"]);
  const monitor = await keyFor("watcher", ["monitor"]);
  const expected = {
    "/dashboard/mail/": 200,
    "/api/mail/templates/": 200,
    "/api/mail/suppressions/": 403,
  };
  for (const [path, status] of Object.entries(expected)) {
    expect((await call(path, null)).status).toBe(401);
    expect((await call(path, reader)).status).toBe(403);
    expect((await call(path, monitor)).status).toBe(status);
    expect((await call(path, admin)).status).toBe(200);
  }
  expect((await call("/api/mail/unsubscribe/forged/", null)).status).toBe(404);
});

it("who may monitor sees others' tasks and orders, and changes none of them", async () => {
  const monitor = await keyFor("watcher", ["monitor", "tasks:write", "orders:write"]);
  expect((await call(`/api/tasks/${taskId}/`, monitor)).status).toBe(200);
  expect((await call("/api/orders/mine/", monitor)).status).toBe(200);
  expect((await call("/api/queues/", monitor)).status).toBe(200);
  expect((await call(`/api/tasks/${taskId}/revoke/`, monitor, {})).status).toBe(403);
  expect((await call("/api/orders/mine/cancel/", monitor, {})).status).toBe(404);
  expect((await call("/api/control/purge/", monitor, { queue: "default" })).status).toBe(403);
});

it("a key that may monitor reads metrics, one of tasks doesn't", async () => {
  const monitor = await keyFor("prometheus", ["monitor"]);
  expect(await (await call("/metrics", monitor)).text()).toContain("flower_worker_online{");
  expect((await call("/metrics", writer)).status).toBe(403);
  expect((await call("/metrics", null)).status).toBe(401);
});

it("who may control changes others' tasks, and no others' orders", async () => {
  const operator = await keyFor("operations", ["control", "tasks:write", "orders:write"]);
  expect((await call(`/api/tasks/${taskId}/revoke/`, operator, {})).status).toBe(200);
  expect((await call("/api/orders/mine/cancel/", operator, {})).status).toBe(404);
  expect((await call("/api/users/", operator)).status).toBe(403);
});

it("who may call tasks charges no order of another's, nor one by a scope that has no orders", async () => {
  const order = { name: "process_payment", kwargs: { order_id: "mine" } };
  for (const token of [stranger, await keyFor("images", ["tasks:write", "tasks:read"])]) {
    expect((await call("/api/tasks/", token, order)).status).toBe(403);
    expect((await call("/api/tasks/bulk/", token, { tasks: [order] })).status).toBe(403);
  }
});

it("the shop's side and operators charge any order by name", async () => {
  const body = { name: "process_payment", kwargs: { order_id: "mine" } };
  for (const scope of ["orders:manage", "control"]) {
    const token = await keyFor("people", [scope, "tasks:write", "tasks:read"]);
    expect((await call("/api/tasks/", token, body)).status, scope).toBe(202);
  }
});
