import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, expect, it, vi } from "vitest";
import { searchOrders, type OrderState } from "#domain/orders";
import { ended, get, order as createOrder, post as postJson } from "./api.ts";
import { account, OURS, PAGE, post, send, signIn } from "./visitors.ts";

const HOSTILE = `"><script>alert(1)</script>'`;
const PAGES = [
  "/dashboard/dead-letters",
  "/dashboard/dead-letters/list",
  "/dashboard/schedules",
  "/dashboard/schedules/hostile",
  "/dashboard/queues",
  "/dashboard/definitions",
  "/dashboard/definitions/process_data",
  "/dashboard/orders",
  "/dashboard/orders/pages-1",
  "/dashboard/mail",
  "/dashboard/mail/sent",
  "/dashboard/reports",
  "/dashboard/system",
  "/dashboard/settings",
];
/** What changes something, with a form that it would take. */
const ACTIONS: readonly (readonly [string, Record<string, string>])[] = [
  ["/dashboard/dead-letters/bulk", { do: "replay", ids: "x", next: "" }],
  ["/dashboard/new-schedule", {}],
  ["/dashboard/new-schedule/preview", {}],
  ["/dashboard/schedules/hostile/edit", {}],
  ["/dashboard/schedules/hostile/edit/preview", {}],
  ["/dashboard/schedules/hostile/switch", { enabled: "false" }],
  ["/dashboard/schedules/hostile/run", { key: "k" }],
  ["/dashboard/schedules/hostile/backfill", {}],
  ["/dashboard/schedules/hostile/delete", {}],
  ["/dashboard/queues/cancel_consumer", { queue: "emails" }],
  ["/dashboard/queues/purge", { queue: "emails" }],
  ["/dashboard/queues/shutdown", {}],
  ["/dashboard/queues/rate_limit", { task: "process_data", rate_limit: "1/m" }],
  ["/dashboard/definitions/process_data", { "p/data": "x" }],
  ["/dashboard/mail/suppressions", { address: "a@example.com", reason: "hard_bounce", detail: "" }],
  ["/dashboard/reports", { kind: "daily" }],
];

let viewer = "";
let operator = "";

const read = async (path: string, cookie: string) => {
  const answer = await send(path, { headers: { ...PAGE, Cookie: cookie } });
  return { status: answer.status, text: await answer.text() };
};
/** Posts a form with the same field more than once. */
const postAll = (path: string, fields: [string, string][], cookie: string) =>
  send(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      ...PAGE,
      ...OURS,
      Cookie: cookie,
    },
    body: new URLSearchParams(fields).toString(),
  });

async function deadLetter(order: string): Promise<string> {
  const call = { name: "process_payment", kwargs: { order_id: order } };
  const { task_id: id } = await (await postJson("/api/tasks/", call)).json<{ task_id: string }>();
  await ended(id);
  const isKept = async () =>
    (await env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(id).first()) !== null;
  await vi.waitUntil(isKept, { timeout: 20_000, interval: 20 });
  return id;
}

beforeAll(async () => {
  await account("vera", "viewer");
  await account("otto", "operator");
  viewer = await signIn("vera");
  operator = await signIn("otto");
  const order = await postJson("/api/create-order/", {
    orderId: "pages-1",
    userId: 1,
    totalAmount: 1,
    customerEmail: "customer@example.com",
    items: [{ name: HOSTILE, sku: "x", quantity: 1, unitPrice: 1 }],
  });
  expect(order.status).toBe(200);
  const schedule = await postJson("/api/schedules/", {
    name: "hostile",
    task: "process_data",
    kwargs: { data: HOSTILE },
    description: HOSTILE,
    headers: { customer: HOSTILE },
    interval: { every: 3, period: "hours" },
  });
  expect(schedule.status).toBe(201);
  await deadLetter(HOSTILE);
});

it.each(PAGES)(
  "%s shows a viewer everything and no button; nothing in it is markup",
  async (path) => {
    const { status, text } = await read(path, viewer);
    expect(status).toBe(200);
    expect(text).not.toContain("<script>alert");
    const forms = [...text.matchAll(/<form[^>]*method="post"[^>]*action="([^"]*)"/g)];
    const actions = new Set(forms.map(([, action]) => action));
    expect(actions).toEqual(new Set(["/dashboard/sign-out", "/dashboard/theme"]));
  },
);

it.each(ACTIONS)("%s is refused to a viewer", async (path, fields) => {
  const answer = await post(path, fields, { Cookie: viewer });
  expect(answer.status).toBe(403);
});

it("an operator's page about settings says nothing of API keys, nor are suppressed addresses theirs", async () => {
  const { text } = await read("/dashboard/settings", operator);
  expect(text).not.toContain("API keys");
  expect(text).not.toContain(env.ID_SECRET);
  expect((await read("/dashboard/mail/suppressions", operator)).status).toBe(403);
});

it("an admin sees API keys without what they are checked by", async () => {
  await env.DB.prepare(
    "INSERT INTO api_keys (id, name, owner, secret_hash, scopes, created_at) VALUES (?, ?, ?, ?, ?, ?)",
  )
    .bind("abcdefghijkl", HOSTILE, "billing", "feedface", '["tasks:read"]', 1)
    .run();
  const text = await (await get("/dashboard/settings")).text();
  expect(text).toContain("abcdefghijkl");
  expect(text).not.toContain("feedface");
  expect(text).not.toContain("<script>alert");
});

it("what is typed into a form comes back as text", async () => {
  const fields = { name: HOSTILE, task: "process_data", kind: "crontab" };
  const answer = await post(
    "/dashboard/new-schedule",
    { ...fields, minute: HOSTILE, kwargs: HOSTILE, headers: HOSTILE },
    { Cookie: operator },
  );
  expect(answer.status).toBe(422);
  const text = await answer.text();
  expect(text).not.toContain("<script>alert");
  expect(text).toContain("This is not JSON.");
});

it("a schedule whose interval is not touched keeps its beat when it is changed", async () => {
  const timing = async () => {
    const answer = await get("/api/schedules/hostile/next/?count=1");
    return (await answer.json<{ next: { at: string }[] }>()).next[0]?.at;
  };
  const before = await timing();
  const fields = {
    do: "save",
    task: "process_data",
    kind: "interval",
    every: "3",
    period: "hours",
  };
  const rules = { missed: "once", overlap: "skip", description: "new", enabled: "on" };
  const answer = await post(
    "/dashboard/schedules/hostile/edit",
    { ...fields, ...rules, kwargs: '{"data": "y"}', args: "[]" },
    { Cookie: operator },
  );
  expect(answer.status).toBe(303);
  expect(await timing()).toBe(before);
  expect(await (await get("/api/schedules/hostile/")).json()).toMatchObject({
    description: "new",
    overlap: "skip",
    kwargs: { data: "y" },
  });
});

it("what an operator may not call is no schedule of theirs, and says so", async () => {
  const fields = { name: "backup", task: "backup_database", kind: "crontab" };
  const rules = { missed: "once", overlap: "skip", kwargs: "{}", args: "[]" };
  const answer = await post(
    "/dashboard/new-schedule",
    { ...fields, ...rules },
    { Cookie: operator },
  );
  expect(answer.status).toBe(403);
  expect((await get("/api/schedules/backup/")).status).toBe(404);
});

it("a preview writes nothing, not into the audit log either", async () => {
  const logged = async () => env.DB.prepare("SELECT count(*) AS n FROM audit_log").first("n");
  const before = await logged();
  const fields = { name: "only-seen", task: "process_data", kind: "crontab" };
  const rules = { missed: "once", overlap: "skip", kwargs: '{"data": ""}', args: "[]" };
  const answer = await post(
    "/dashboard/new-schedule/preview",
    { ...fields, ...rules },
    { Cookie: operator },
  );
  expect(answer.status).toBe(200);
  expect((await answer.text()).match(/<ol class="slots">/g)).toHaveLength(1);
  expect(await logged()).toBe(before);
  expect((await get("/api/schedules/only-seen/")).status).toBe(404);
});

it("of a group all are dealt with and no others; those that are ticked alone otherwise", async () => {
  const ids = [await deadLetter("a"), await deadLetter("b")];
  const path = "/dashboard/dead-letters/bulk";
  const next: [string, string] = ["next", "/dashboard/dead-letters"];
  const ticked = await postAll(
    path,
    [["do", "discard"], ...ids.map((id): [string, string] => ["ids", id]), next],
    operator,
  );
  expect(decodeURIComponent(ticked.headers.get("Set-Cookie") ?? "")).toContain("2 discarded.");
  const kept = await deadLetter("c");
  const other = await post(
    path,
    { do: "discard", all: "on", name: "process_payment", exc_type: "OtherError", next: "/" },
    { Cookie: operator },
  );
  expect(decodeURIComponent(other.headers.get("Set-Cookie") ?? "")).toContain(
    "There was none left.",
  );
  const group = { name: "process_payment", exc_type: "OrderNotFoundError" };
  await post(path, { do: "discard", all: "on", ...group, next: "/" }, { Cookie: operator });
  expect(await (await get(`/api/tasks/${kept}/`)).json()).toMatchObject({
    resolution: "discarded",
  });
});

it("the same form of a run pressed twice is one run", async () => {
  const places = [];
  for (let press = 0; press < 2; press += 1) {
    const answer = await post(
      "/dashboard/schedules/hostile/run",
      { key: "pressed" },
      { Cookie: operator },
    );
    places.push(answer.headers.get("Location"));
  }
  expect(places[0]).toMatch(/^\/dashboard\/tasks\/[0-9a-f-]{36}$/);
  expect(places[1]).toBe(places[0]);
});

it("a call with an idempotency key is one task; with other arguments the form says why not", async () => {
  const call = (data: string) =>
    post(
      "/dashboard/definitions/process_data",
      { "p/data": data, idempotency_key: "once" },
      { Cookie: operator },
    );
  const [first, second] = [await call("x"), await call("x")];
  expect(second.headers.get("Location")).toBe(first.headers.get("Location"));
  const other = await call("y");
  expect(other.status).toBe(422);
  expect(await other.text()).toContain("This Idempotency-Key was used for another request.");
});

it("an order's page counts no try of a task that was called off before it began", async () => {
  await postJson("/api/control/cancel_consumer/", { queue: "payments" });
  const answer = await createOrder("called-off");
  const { process_payment: id } = answer.data.tasks;
  const page = async () => {
    const text = await (await get("/dashboard/orders/called-off")).text();
    const [row = ""] = text.match(new RegExp(`<tr>(?:(?!<tr>).)*${id}.*?</tr>`, "s")) ?? [];
    return /data-name="Tries"[^>]*>([^<]*)</.exec(row)?.[1];
  };
  expect(await page()).toBe("0");
  await postJson("/api/control/purge/", { queue: "payments" });
  expect((await ended(id)).state).toBe("REVOKED");
  expect(await page()).toBe("0");
  await postJson("/api/control/add_consumer/", { queue: "payments" });
});

it("a purge takes what waits for its time too, and its button says so", async () => {
  const call = { name: "process_data", args: ["x"], queue: "high-priority", countdown: 3_600 };
  const { task_id: id } = await (await postJson("/api/tasks/", call)).json<{ task_id: string }>();
  const { text } = await read("/dashboard/queues", operator);
  expect(text).toContain("tasks that wait in high-priority, also for a time or a retry?");
  await post("/dashboard/queues/purge", { queue: "high-priority" }, { Cookie: operator });
  expect((await ended(id)).state).toBe("REVOKED");
});

it("orders of all owners come page by page, by state and by the customer's address", async () => {
  const insert = env.DB.prepare(
    `INSERT INTO orders (id, owner, user_id, amount_minor, currency, customer_email, state,
       email_task_id, payment_task_id, created_at) VALUES (?, ?, 1, 100, 'USD', ?, ?, 'e', 'p', ?)`,
  );
  const states: OrderState[] = ["paid", "pending", "paid"];
  await env.DB.batch(
    Array.from({ length: 9 }, (_, index) =>
      insert.bind(
        `all-${index}`,
        `owner-${index % 2}`,
        index % 3 === 0 ? "Ada@example.com" : "bob@example.com",
        states[index % 3] ?? "paid",
        // In threes made in the same moment, long before all others.
        1_000 + Math.floor(index / 3),
      ),
    ),
  );
  const db = drizzle(env.DB);
  const all = async (query: { state: OrderState | null; email: string | null }) => {
    const ids: string[] = [];
    let after: { createdAt: number; id: string } | null = { createdAt: 2_000, id: "" };
    for (let pages = 0; after !== null && pages < 20; pages += 1) {
      const { orders, next } = await searchOrders(db, query, { limit: 2, after });
      ids.push(...orders.map(({ id }) => id));
      after = next;
    }
    return ids.map((id) => Number(id.slice("all-".length)));
  };
  expect(await all({ state: null, email: null })).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(await all({ state: "pending", email: null })).toEqual([7, 4, 1]);
  expect(await all({ state: null, email: "ADA@example.com" })).toEqual([6, 3, 0]);
});
