import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { apiRoutes } from "../../src/delivery/api/index.ts";
import type { ApiParts } from "../../src/delivery/api/route.ts";
import { ask, ended, get, order, post } from "./api.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const ORDER = {
  orderId: "bad-1",
  userId: 1,
  totalAmount: 10,
  customerEmail: "customer@example.com",
};

interface ProblemBody {
  status: number;
  code: string;
  errors?: { field: string; message: string }[];
}

function send(path: string, body: BodyInit | null, headers: Record<string, string> = JSON_TYPE) {
  return ask(`http://lovage${path}`, { method: "POST", headers, body });
}

async function problem(answer: Response): Promise<ProblemBody> {
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(answer.headers.get("Strict-Transport-Security")).toBe("max-age=31536000");
  const text = await answer.text();
  expect(text).not.toMatch(/SQLITE|D1_|SELECT|node_modules|\.ts:|\bat \w+ \(/);
  return JSON.parse(text) as ProblemBody;
}

beforeAll(async () => {
  await order("known");
});

it("every route declares who may use it", () => {
  const routes = apiRoutes({ queues: new Set() } as unknown as ApiParts);
  expect(routes.map(({ method, path, scope }) => `${method} ${path} ${scope}`))
    .toMatchInlineSnapshot(`
    [
      "POST /api/register public",
      "POST /api/login public",
      "POST /api/logout person",
      "GET /api/profile person",
      "PATCH /api/profile person",
      "GET /api/public public",
      "GET /api/protected person",
      "GET /api/sessions person",
      "DELETE /api/sessions person",
      "DELETE /api/sessions/:id person",
      "POST /api/password-change person",
      "POST /api/password-reset public",
      "POST /api/password-reset/confirm public",
      "GET /password-reset public",
      "GET /api/users admin",
      "PATCH /api/users/:id admin",
      "POST /api/create-order orders:write",
      "GET /api/orders orders:read",
      "GET /api/orders/:id orders:read",
      "GET /api/orders/:id/emails orders:read",
      "POST /api/orders/:id/ship orders:manage",
      "POST /api/orders/:id/deliver orders:manage",
      "POST /api/orders/:id/cancel orders:write",
      "POST /api/orders/:id/refund orders:manage",
      "POST /api/orders/:id/pay orders:write",
      "POST /api/payments/webhook public",
      "GET /api/payments/differences orders:manage",
      "POST /api/payments/differences/:id/resolve orders:manage",
      "GET /api/products public",
      "GET /api/products/:sku public",
      "PUT /api/products/:sku orders:manage",
      "GET /api/cart orders:write",
      "DELETE /api/cart orders:write",
      "PUT /api/cart/items/:sku orders:write",
      "DELETE /api/cart/items/:sku orders:write",
      "POST /api/cart/checkout orders:write",
      "POST /api/orders/:id/reviews orders:write",
      "GET /api/products/:sku/reviews public",
      "DELETE /api/reviews/:id admin",
      "POST /api/escrow/transactions person or shop",
      "GET /api/escrow/transactions person or shop",
      "GET /api/escrow/transactions/:id person or shop",
      "POST /api/escrow/transactions/:id/fund orders:manage",
      "POST /api/escrow/transactions/:id/start person or shop",
      "POST /api/escrow/transactions/:id/dispute person or shop",
      "POST /api/escrow/transactions/:id/cancel person or shop",
      "POST /api/escrow/transactions/:id/refund person or shop",
      "POST /api/escrow/transactions/:id/release person or shop",
      "POST /api/escrow/transactions/:id/milestones/:number/submit person or shop",
      "POST /api/escrow/transactions/:id/milestones/:number/approve person or shop",
      "POST /api/escrow/transactions/:id/milestones/:number/reject person or shop",
      "POST /api/escrow/verification person or shop",
      "GET /api/escrow/verification person or shop",
      "GET /api/escrow/verification/pending orders:manage",
      "POST /api/escrow/verification/:user_id/decide orders:manage",
      "GET /api/emails monitor",
      "GET /api/emails/:key/:to/:template monitor",
      "GET /api/mail/templates monitor",
      "GET /api/mail/templates/:name monitor",
      "GET /api/mail/suppressions admin",
      "POST /api/mail/suppressions admin",
      "DELETE /api/mail/suppressions/:address admin",
      "GET /api/mail/unsubscribe/:token public",
      "POST /api/mail/unsubscribe/:token public",
      "POST /api/files orders:write",
      "GET /api/files orders:read",
      "GET /api/files/:id orders:read",
      "GET /api/files/:id/content orders:read",
      "GET /api/files/:id/errors orders:read",
      "DELETE /api/files/:id orders:write",
      "GET /api/reports monitor",
      "POST /api/reports control",
      "GET /api/reports/:kind/:period monitor",
      "POST /api/backups admin",
      "GET /api/backups admin",
      "GET /api/backups/:id admin",
      "POST /api/backups/:id/restore admin",
      "POST /api/tasks/process tasks:write",
      "POST /api/tasks tasks:write",
      "POST /api/tasks/bulk tasks:write",
      "GET /api/tasks/definitions tasks:read",
      "GET /api/tasks/status/:id tasks:read",
      "GET /api/tasks/:id tasks:read",
      "GET /api/tasks/:id/result tasks:read",
      "GET /api/tasks/:id/events tasks:read",
      "POST /api/tasks/:id/events/:name tasks:write",
      "POST /api/tasks/:id/revoke tasks:write",
      "POST /api/tasks/:id/reschedule tasks:write",
      "POST /api/canvas tasks:write",
      "GET /api/canvas/:id tasks:read",
      "GET /api/schedules monitor",
      "POST /api/schedules control",
      "GET /api/schedules/:name monitor",
      "PATCH /api/schedules/:name control",
      "DELETE /api/schedules/:name control",
      "POST /api/schedules/:name/enable control",
      "POST /api/schedules/:name/disable control",
      "POST /api/schedules/:name/run control",
      "POST /api/schedules/:name/backfill control",
      "GET /api/schedules/:name/next monitor",
      "GET /api/schedules/:name/runs monitor",
      "GET /api/tasks/search tasks:read",
      "GET /api/events tasks:read",
      "GET /api/tasks tasks:read",
      "GET /api/task/types monitor",
      "GET /api/task/info/:id tasks:read",
      "GET /api/task/result/:id tasks:read",
      "POST /api/task/apply/:name tasks:write",
      "POST /api/task/async-apply/:name tasks:write",
      "POST /api/task/send-task/:name tasks:write",
      "POST /api/task/abort/:id tasks:write",
      "POST /api/task/revoke/:id tasks:write",
      "GET /api/workers monitor",
      "GET /api/queues/length monitor",
      "POST /api/worker/shutdown/:worker control",
      "POST /api/worker/pool/restart/:worker control",
      "POST /api/worker/pool/grow/:worker control",
      "POST /api/worker/pool/shrink/:worker control",
      "POST /api/worker/pool/autoscale/:worker control",
      "POST /api/worker/queue/add-consumer/:worker control",
      "POST /api/worker/queue/cancel-consumer/:worker control",
      "POST /api/task/rate-limit/:name control",
      "POST /api/task/timeout/:name control",
      "GET /api/task/events/:type tasks:read",
      "GET /api/task/events/:type/:task tasks:read",
      "GET /healthcheck public",
      "GET /api/dead-letters monitor",
      "GET /api/dead-letters/summary monitor",
      "POST /api/dead-letters/replay control",
      "POST /api/dead-letters/discard control",
      "POST /api/dead-letters/:id/replay control",
      "POST /api/control/rate_limit control",
      "POST /api/control/time_limit control",
      "POST /api/control/revoke control",
      "POST /api/control/cancel_consumer control",
      "POST /api/control/add_consumer control",
      "POST /api/control/shutdown control",
      "POST /api/control/start control",
      "POST /api/control/purge control",
      "GET /api/inspect/active monitor",
      "GET /api/inspect/reserved monitor",
      "GET /api/inspect/scheduled monitor",
      "GET /api/inspect/revoked monitor",
      "GET /api/inspect/registered monitor",
      "GET /api/inspect/query_task monitor",
      "GET /api/inspect/stats monitor",
      "GET /api/inspect/conf monitor",
      "GET /api/queues monitor",
      "GET /api/audit admin",
      "GET /api/system monitor",
      "GET /readyz public",
      "GET /dashboard/sign-in public",
      "POST /dashboard/sign-in public",
      "POST /dashboard/sign-out public",
      "GET /dashboard/account person",
      "POST /dashboard/account/end-session person",
      "POST /dashboard/account/end-others person",
      "GET /dashboard/accounts admin",
      "POST /dashboard/accounts/:id/role admin",
      "GET /dashboard/audit admin",
      "GET / public",
      "GET /dashboard monitor",
      "GET /dashboard/tasks monitor",
      "GET /dashboard/tasks/:id monitor",
      "POST /dashboard/tasks/:id/revoke control",
      "POST /dashboard/tasks/:id/replay control",
      "POST /dashboard/tasks/:id/reschedule control",
      "POST /dashboard/tasks/:id/event control",
      "POST /dashboard/tasks/bulk control",
      "GET /dashboard/canvas/:id monitor",
      "GET /dashboard/dead-letters monitor",
      "GET /dashboard/dead-letters/list monitor",
      "POST /dashboard/dead-letters/bulk control",
      "GET /dashboard/schedules monitor",
      "GET /dashboard/new-schedule control",
      "POST /dashboard/new-schedule control",
      "POST /dashboard/new-schedule/preview control",
      "POST /dashboard/schedules/:name/edit/preview control",
      "GET /dashboard/schedules/:name/edit control",
      "POST /dashboard/schedules/:name/edit control",
      "GET /dashboard/schedules/:name monitor",
      "POST /dashboard/schedules/:name/switch control",
      "POST /dashboard/schedules/:name/run control",
      "POST /dashboard/schedules/:name/backfill control",
      "POST /dashboard/schedules/:name/delete control",
      "GET /dashboard/queues monitor",
      "POST /dashboard/queues/cancel_consumer control",
      "POST /dashboard/queues/add_consumer control",
      "POST /dashboard/queues/shutdown control",
      "POST /dashboard/queues/start control",
      "POST /dashboard/queues/purge control",
      "POST /dashboard/queues/rate_limit control",
      "POST /dashboard/queues/time_limit control",
      "GET /dashboard/definitions monitor",
      "GET /dashboard/definitions/:name monitor",
      "POST /dashboard/definitions/:name tasks:write",
      "GET /dashboard/orders monitor",
      "GET /dashboard/orders/:id monitor",
      "GET /dashboard/mail monitor",
      "GET /dashboard/mail/sent monitor",
      "GET /dashboard/mail/sent/:key/:to/:template monitor",
      "GET /dashboard/mail/suppressions admin",
      "POST /dashboard/mail/suppressions admin",
      "POST /dashboard/mail/suppressions/remove admin",
      "GET /dashboard/reports monitor",
      "POST /dashboard/reports control",
      "GET /dashboard/reports/:kind/:period monitor",
      "GET /dashboard/system monitor",
      "GET /dashboard/settings monitor",
      "POST /dashboard/theme public",
      "GET /metrics monitor",
      "GET /healthz public",
      "GET /openapi.json public",
      "GET /docs public",
    ]
  `);
});

const orderWith = (over: Record<string, unknown>) => JSON.stringify({ ...ORDER, ...over });

it.each<[what: string, body: string, field: string]>([
  ["no order id", orderWith({ orderId: undefined }), "orderId"],
  ["a number as order id", orderWith({ orderId: 7 }), "orderId"],
  ["an order id with a slash", orderWith({ orderId: "a/b" }), "orderId"],
  ["an order id that no path can have", orderWith({ orderId: ".." }), "orderId"],
  ["an order id of 65 characters", orderWith({ orderId: "a".repeat(65) }), "orderId"],
  ["a user id of 0", orderWith({ userId: 0 }), "userId"],
  ["a user id with decimals", orderWith({ userId: 1.5 }), "userId"],
  ["an amount of 0", orderWith({ totalAmount: 0 }), "totalAmount"],
  ["a negative amount", orderWith({ totalAmount: -1 }), "totalAmount"],
  ["an amount with three decimals", orderWith({ totalAmount: 1.005 }), "totalAmount"],
  ["an amount over the limit", orderWith({ totalAmount: 1_000_000 }), "totalAmount"],
  ["an amount as text", orderWith({ totalAmount: "150" }), "totalAmount"],
  ["an amount that is Infinity", '{"totalAmount": 1e400}', "totalAmount"],
  ["an address without @", orderWith({ customerEmail: "customer" }), "customerEmail"],
  [
    "an address with a line break",
    orderWith({ customerEmail: "a@b.c\r\nBcc: x@y.z" }),
    "customerEmail",
  ],
  ["two addresses", orderWith({ customerEmail: "a@b.cc,d@e.ff" }), "customerEmail"],
  ["an address with a name", orderWith({ customerEmail: "A <a@b.cc>" }), "customerEmail"],
  ["a local part of 65", orderWith({ customerEmail: `${"a".repeat(65)}@b.cc` }), "customerEmail"],
  ["an address with NUL", orderWith({ customerEmail: "a\0@b.cc" }), "customerEmail"],
  ["an unknown locale", orderWith({ locale: "xx" }), "locale"],
  ["an unknown currency", orderWith({ currency: "dollar" }), "currency"],
  ["a field that is not there", orderWith({ isAdmin: true }), "isAdmin"],
  ["__proto__", '{"__proto__": {"isAdmin": true}}', "body"],
  ["half a surrogate pair", '{"orderId": "\\ud800"}', "orderId"],
  ["a list", "[]", "body"],
  ["null", "null", "body"],
  ["a string", '"x"', "body"],
])("an order with %s is 422 and names the field", async (_what, body, field) => {
  const answer = await send("/api/create-order/", body);
  expect(answer.status).toBe(422);
  const { errors } = await problem(answer);
  expect(errors?.map((error) => error.field)).toContain(field);
});

it("what was refused left nothing behind", async () => {
  expect((await get("/api/orders/bad-1/")).status).toBe(404);
  const left = await env.DB.prepare("SELECT count(*) AS n FROM outbox").first<{ n: number }>();
  expect(left?.n).toBe(0);
});

it.each([
  ["user@xn--e1afmkfd.xn--p1ai"],
  ["o'brien+tag@mail.example.co.uk"],
  [`${"a".repeat(64)}@example.com`],
])("the address %s is taken", async (customerEmail) => {
  const orderId = `mail-${customerEmail.length}`;
  const answer = await send("/api/create-order", orderWith({ orderId, customerEmail }));
  expect(answer.status).toBe(200);
});

it("amounts become minor units without the errors of floating point", async () => {
  const amounts = [4.35, 0.29, 1.1, 999_999.99, 19.9, 100];
  for (const [index, totalAmount] of amounts.entries()) {
    await order(`amount-${index}`, { totalAmount });
  }
  const { results } = await env.DB.prepare(
    "SELECT amount_minor AS minor FROM orders WHERE id LIKE 'amount-%' ORDER BY id",
  ).all<{ minor: number }>();
  expect(results.map(({ minor }) => minor)).toEqual([435, 29, 110, 99_999_999, 1_990, 10_000]);
});

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
const TASK = "/api/tasks/";

it.each<
  [
    what: string,
    path: string,
    body: BodyInit | null,
    headers: Record<string, string>,
    status: number,
  ]
>([
  ["not JSON", TASK, "{", JSON_TYPE, 400],
  ["an empty body", TASK, "", JSON_TYPE, 400],
  ["no body", TASK, null, JSON_TYPE, 400],
  ["invalid UTF-8", TASK, new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE, 400],
  ["a byte order mark", TASK, new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), JSON_TYPE, 400],
  ["a form", TASK, "a=b", { "Content-Type": "application/x-www-form-urlencoded" }, 415],
  ["no content type", TASK, new Uint8Array([0x7b, 0x7d]), {}, 415],
  ["100,000 levels", TASK, DEEP, JSON_TYPE, 422],
  ["more than 1 MiB", TASK, `"${"a".repeat(1_048_576)}"`, JSON_TYPE, 413],
  ["10,001 items", TASK, JSON.stringify({ args: Array(10_001).fill(1) }), JSON_TYPE, 422],
  ["an unknown task", TASK, '{"name": "nope"}', JSON_TYPE, 422],
  ["a task of Object's", TASK, '{"name": "constructor"}', JSON_TYPE, 422],
  ["too many args", TASK, '{"name": "process_data", "args": ["a", "b"]}', JSON_TYPE, 422],
  [
    "an arg twice",
    TASK,
    '{"name": "process_data", "args": ["a"], "kwargs": {"data": "b"}}',
    JSON_TYPE,
    422,
  ],
  ["a wrong arg", TASK, '{"name": "process_data", "args": [1]}', JSON_TYPE, 422],
  [
    "an unknown queue",
    TASK,
    '{"name": "process_data", "args": ["a"], "queue": "x"}',
    JSON_TYPE,
    422,
  ],
  [
    "a priority of 10",
    TASK,
    '{"name": "process_data", "args": ["a"], "priority": 10}',
    JSON_TYPE,
    422,
  ],
  [
    "a negative countdown",
    TASK,
    '{"name": "process_data", "args": ["a"], "countdown": -1}',
    JSON_TYPE,
    422,
  ],
  [
    "a countdown of 1e300",
    TASK,
    '{"name": "process_data", "args": ["a"], "countdown": 1e300}',
    JSON_TYPE,
    422,
  ],
  [
    "an eta that is no time",
    TASK,
    '{"name": "process_data", "args": ["a"], "eta": "soon"}',
    JSON_TYPE,
    422,
  ],
  [
    "countdown and eta",
    TASK,
    '{"name": "process_data", "args": ["a"], "countdown": 1, "eta": "2030-01-01T00:00:00Z"}',
    JSON_TYPE,
    422,
  ],
  [
    "expires before eta",
    TASK,
    '{"name": "process_data", "args": ["a"], "countdown": 60, "expires": 30}',
    JSON_TYPE,
    422,
  ],
  [
    "a time limit of an hour",
    TASK,
    '{"name": "process_data", "args": ["a"], "time_limit": 3600}',
    JSON_TYPE,
    422,
  ],
  [
    "soft over hard",
    TASK,
    '{"name": "process_data", "args": ["a"], "soft_time_limit": 60, "time_limit": 30}',
    JSON_TYPE,
    422,
  ],
  [
    "a result that expires at no time",
    TASK,
    '{"name": "process_data", "args": ["a"], "result_expires": 1e308}',
    JSON_TYPE,
    422,
  ],
  [
    "retries of -1",
    TASK,
    '{"name": "process_data", "args": ["a"], "max_retries": -1}',
    JSON_TYPE,
    422,
  ],
  ["no tasks in bulk", "/api/tasks/bulk/", '{"tasks": []}', JSON_TYPE, 422],
  ["a key in bulk", "/api/tasks/bulk/", "{}", { ...JSON_TYPE, "Idempotency-Key": "a" }, 422],
  [
    "an empty key",
    TASK,
    '{"name": "process_data", "args": ["a"]}',
    { ...JSON_TYPE, "Idempotency-Key": " " },
    422,
  ],
])("%s is a clear problem", async (_what, path, body, headers, status) => {
  const answer = await send(path, body, headers);
  expect(answer.status).toBe(status);
  expect((await problem(answer)).status).toBe(status);
});

it("one bad call refuses the whole bulk, and says which", async () => {
  const before = await env.DB.prepare("SELECT count(*) AS n FROM tasks").first<{ n: number }>();
  const good = { name: "process_data", args: ["a"] };
  const answer = await post("/api/tasks/bulk/", { tasks: [good, { ...good, args: [1] }, good] });
  expect(answer.status).toBe(422);
  const { errors } = await problem(answer);
  expect(errors?.[0]?.field).toBe("tasks.1.kwargs.data");
  const after = await env.DB.prepare("SELECT count(*) AS n FROM tasks").first<{ n: number }>();
  expect(after).toEqual(before);
});

it.each([
  ["PUT", "/api/create-order/", "POST"],
  ["GET", "/api/tasks/process/", "POST"],
  ["DELETE", "/api/orders/known", "GET, HEAD"],
  ["PATCH", "/api/tasks/", "POST, GET, HEAD"],
])("%s %s is 405 and says what is allowed", async (method, path, allowed) => {
  const answer = await ask(`http://lovage${path}`, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("Allow")).toBe(allowed);
  await problem(answer);
});

it.each([
  "/api/nothing/",
  "/",
  "/api/tasks/not-an-id/",
  "/api/orders/unknown/",
  "/%00",
  "/api/tasks/%ff",
])("%s is 404", async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  await problem(answer);
});

it.each(["-1", "61", "x", "", "NaN"])("wait=%s is refused", async (wait) => {
  const answer = await get(`/api/tasks/01a1fb55-b0fc-8001-9ade-b653eac2d0b6/?wait=${wait}`);
  expect(answer.status).toBe(422);
});

it.each([
  ["as its browser says", { "Sec-Fetch-Site": "cross-site" }],
  ["by an old browser, which names its origin", { Origin: "https://evil.example" }],
])("where access is open, pages of other sites change nothing: %s", async (_how, headers) => {
  const path = "/api/orders/known/cancel/";
  const answer = await send(path, "{}", headers);
  expect(answer.status).toBe(403);
  expect((await problem(answer)).code).toBe("cross_site");
  const known = await get("/api/orders/known/");
  expect((await known.json<{ state: string }>()).state).not.toBe("cancelled");
});

it.each([{ "Sec-Fetch-Site": "same-origin" }, { Origin: "http://lovage" }])(
  "where access is open, its own pages may: %o",
  async (headers) => {
    expect((await send("/api/orders/none/cancel/", "{}", headers)).status).toBe(404);
  },
);

it.each(["%25", "%", "%ff", "%ED%A0%80"])("an event named %s is no error of ours", async (name) => {
  const answer = await send(
    `/api/tasks/019aa5a0-0000-8000-8000-000000000000/events/${name}/`,
    "{}",
  );
  expect(answer.status).toBe(404);
});

it("a repeated request with an Idempotency-Key is one task, also after it ended; another body is refused", async () => {
  const headers = { "Idempotency-Key": "key-1" };
  const body = { data: "once" };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post("/api/tasks/process/", body, headers)),
  );
  for (const answer of answers) expect([202, 409]).toContain(answer.status);
  const taken = answers.filter(({ status }) => status === 202);
  expect(taken.length).toBeGreaterThan(0);
  const ids = new Set(
    await Promise.all(
      taken.map(async (answer) => (await answer.json<{ task_id: string }>()).task_id),
    ),
  );
  expect(ids.size).toBe(1);
  const [id = ""] = ids;
  expect((await ended(id)).result).toEqual({ processed_data: "ONCE" });
  await expect
    .poll(() => env.DB.prepare("SELECT count(*) AS n FROM tasks WHERE id = ?").bind(id).first())
    .toEqual({ n: 1 });
  const again = await post("/api/tasks/process/", body, headers);
  expect(await again.json()).toEqual({ task_id: id });
  expect((await ended(id)).attempts).toHaveLength(1);
  const other = await post("/api/tasks/process/", { data: "twice" }, headers);
  expect(other.status).toBe(422);
  expect((await problem(other)).code).toBe("idempotency_key_reused");
});
