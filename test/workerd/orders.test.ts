import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ask, ended, get, order, post } from "./api.ts";
import { documented } from "./documented.ts";
import { createShopApi } from "./shop-api.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const SECRET = "whsec_0123456789abcdef";
const SELLER = 77;

beforeAll(async () => {
  await env.DB.prepare(
    "INSERT INTO users VALUES (?, 'seller', 'seller@example.com', 'A', 'B', '', 'user', 'ru', 0, 1)",
  )
    .bind(SELLER)
    .run();
  await env.DB.prepare(
    "INSERT INTO users VALUES (5, 'five', 'five@example.com', '', '', '', 'user', NULL, 0, 1)",
  ).run();
  await put("/api/products/cup/", { name: "Cup", price: 10, sellerId: SELLER });
  await put("/api/products/plate/", { name: "Plate", price: 5.5 });
});

it("an order with items goes its whole way, and everybody is told", async () => {
  const items = [
    { sku: "cup", name: "Cup", quantity: 2, unitPrice: 10, sellerId: SELLER },
    { name: "Gift box", quantity: 1, unitPrice: 0.55 },
  ];
  const { data } = await order("whole", { totalAmount: 20.55, items });
  expect(await order("whole", { totalAmount: 20.55, items })).toMatchObject({ data });
  const tasks = data.tasks as Record<string, string>;
  await ended(tasks["process_payment"] ?? "");
  expect(await ended(tasks["send_seller_notification"] ?? "")).toMatchObject({
    state: "SUCCESS",
    result: { sent_count: 1, failed_count: 0 },
  });
  for (const [request, state] of [
    ["ship", "shipped"],
    ["ship", "shipped"],
    ["deliver", "delivered"],
  ]) {
    const answer = await post(`/api/orders/whole/${request}/`, {});
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ orderId: "whole", state });
  }
  expect((await post("/api/orders/whole/cancel/", {})).status).toBe(409);
  expect((await post("/api/orders/whole/reviews/", { sku: "cup", rating: 5 })).status).toBe(200);
  expect((await post("/api/orders/whole/refund/", {})).status).toBe(200);
  await expect.poll(async () => (await viewOf("whole"))["state"]).toBe("refunded");
  expect(await viewOf("whole")).toMatchObject({
    totalAmount: 20.55,
    payment: { state: "refunded", reference: "sim_order:whole:0" },
    items: [
      { sku: "cup", name: "Cup", quantity: 2, unitPrice: 10, sellerId: SELLER },
      { sku: null, name: "Gift box", quantity: 1, unitPrice: 0.55, sellerId: null },
    ],
    shippedAt: expect.stringMatching(/^\d{4}-/),
    refundedAt: expect.stringMatching(/^\d{4}-/),
  });
  const { emails } = await (
    await get("/api/orders/whole/emails/")
  ).json<{ emails: { template: string; to: string }[] }>();
  expect(emails.map(({ template }) => template).sort()).toEqual([
    ...["order_confirmation", "order_refunded", "order_shipped"],
  ]);
  expect(new Set(emails.map(({ to }) => to))).toEqual(new Set(["customer@example.com"]));
});

it("the list of orders is read page by page, and by state", async () => {
  for (const n of [1, 2, 3]) await order(`listed-${n}`);
  const page = async (query: string) =>
    (await get(`/api/orders/?${query}`)).json<{
      orders: { orderId: string; state: string }[];
      next_cursor: string | null;
    }>();
  const first = await page("limit=2");
  expect(first.orders.map(({ orderId }) => orderId)).toEqual(["listed-3", "listed-2"]);
  const second = await page(`limit=2&cursor=${encodeURIComponent(first.next_cursor ?? "")}`);
  expect(second.orders[0]?.orderId).toBe("listed-1");
  const refunded = await page("state=refunded");
  expect(refunded.orders.map(({ state }) => state)).toEqual(["refunded"]);
  expect(refunded.next_cursor).toBeNull();
});

it("a cart is filled, changed, and becomes an order", async () => {
  const cart = "/api/cart/?user_id=5";
  await put("/api/cart/items/cup/?user_id=5", { quantity: 1 });
  await put("/api/cart/items/plate/?user_id=5", { quantity: 1 });
  await put("/api/cart/items/cup/?user_id=5", { quantity: 3 });
  const answer = await send("DELETE", "/api/cart/items/plate/?user_id=5");
  expect(await answer.json()).toMatchObject({
    items: [{ sku: "cup", quantity: 3, unitPrice: 10, amount: 30 }],
    totals: [{ currency: "USD", amount: 30 }],
  });
  const body = { orderId: "cart-1", customerEmail: "c@example.com", expectedTotal: 29 };
  const refused = await post("/api/cart/checkout/?user_id=5", body);
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    code: "cart_changed",
    cart: { totals: [{ currency: "USD", amount: 30 }] },
  });
  const right = { ...body, expectedTotal: 30 };
  const made = await post("/api/cart/checkout/?user_id=5", right);
  expect(made.status).toBe(200);
  expect(await made.json()).toMatchObject({ orderId: "cart-1", userId: 5, totalAmount: 30 });
  expect((await post("/api/cart/checkout/?user_id=5", right)).status).toBe(200);
  expect(await (await get(cart)).json()).toMatchObject({ items: [], totals: [] });
  expect(
    (await post("/api/cart/checkout/?user_id=5", { ...right, orderId: "cart-2" })).status,
  ).toBe(409);
  expect(await (await get("/api/cart/?user_id=6")).json()).toMatchObject({ items: [] });
});

it("an account's own address is where its order is confirmed", async () => {
  const cart = `?user_id=${SELLER}`;
  await put(`/api/cart/items/plate/${cart}`, { quantity: 2 });
  const answer = await post(`/api/cart/checkout/${cart}`, { orderId: "mine", expectedTotal: 11 });
  expect(await answer.json()).toMatchObject({ customerEmail: "seller@example.com" });
});

it("an address that is another account's is not where an order is confirmed", async () => {
  await env.DB.prepare(
    `INSERT INTO users VALUES (78, 'other', 'seller@example.com', 'A', 'B', '', 'user', 'en', 0, 0)`,
  ).run();
  await put("/api/cart/items/plate/?user_id=78", { quantity: 2 });
  const checkout = { orderId: "theirs", expectedTotal: 11 };
  const answer = await post("/api/cart/checkout/?user_id=78", checkout);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ errors: [{ field: "customerEmail" }] });
  expect((await get("/api/orders/theirs/")).status).toBe(404);
});

it("reviews of an article are public, changed by who wrote them, and deleted by an admin", async () => {
  const list = async () =>
    (await get("/api/products/plate/reviews/")).json<{
      count: number;
      average: number | null;
      reviews: Record<string, unknown>[];
    }>();
  expect(await list()).toMatchObject({ count: 0, average: null, reviews: [] });
  const items = [{ sku: "plate", name: "Plate", quantity: 1, unitPrice: 5.5 }];
  const { data } = await order("reviewed", { totalAmount: 5.5, items });
  const path = "/api/orders/reviewed/reviews/";
  const review = { sku: "plate", rating: 2, text: "Сломалась" };
  expect((await post(path, review)).status).toBe(409);
  await ended(data.tasks.process_payment);
  for (const request of ["ship", "deliver"]) await post(`/api/orders/reviewed/${request}/`, {});
  await post(path, review);
  await post(path, { ...review, rating: 4 });
  const { reviews, ...numbers } = await list();
  expect(numbers).toMatchObject({ count: 1, average: 4 });
  expect(Object.keys(reviews[0] ?? {}).sort()).toEqual([
    "createdAt",
    "id",
    "rating",
    "sku",
    "text",
    "updatedAt",
  ]);
  const written = `/api/reviews/${String(reviews[0]?.["id"])}/`;
  expect((await send("DELETE", written)).status).toBe(204);
  expect((await send("DELETE", written)).status).toBe(404);
  expect(await list()).toMatchObject({ count: 0, average: null, reviews: [] });
});

it("products are written by the shop and read page by page by everybody", async () => {
  const first = await (await get("/api/products/?limit=1")).json<{ next_cursor: string }>();
  expect(first).toMatchObject({ products: [{ sku: "cup", price: 10, sellerId: SELLER }] });
  const rest = await (await get(`/api/products/?cursor=${first.next_cursor}`)).json();
  expect(rest).toMatchObject({ products: [{ sku: "plate", price: 5.5 }], next_cursor: null });
  await put("/api/products/cup/", { name: "Cup", price: 10, sellerId: SELLER });
  expect(await (await get("/api/products/cup/")).json()).toMatchObject({ name: "Cup" });
  expect((await get("/api/products/fork/")).status).toBe(404);
});

const ITEM = { name: "Cup", quantity: 1, unitPrice: 10 };
const items = (...all: unknown[]) => ({ ...ORDER, items: all });
const ORDER = { orderId: "bad", userId: 1, totalAmount: 10, customerEmail: "c@example.com" };
const CREATE = "/api/create-order/";
const CHECKOUT = "/api/cart/checkout/?user_id=1";
const PRODUCT = "/api/products/bad/";
const REVIEW = "/api/orders/reviewed/reviews/";
const IN_CART = "/api/cart/items/cup/?user_id=1";

it.each<[string, string, string, unknown, string]>([
  ["a total that is not the sum", "POST", CREATE, items(ITEM, ITEM), "totalAmount"],
  ["a currency without decimals", "POST", CREATE, { ...ORDER, currency: "JPY" }, "currency"],
  ["a price in such a one", "PUT", PRODUCT, { name: "x", price: 1, currency: "KRW" }, "currency"],
  ["an item of nothing", "POST", CREATE, items({ ...ITEM, quantity: 0 }), "items.0.quantity"],
  ["half an item", "POST", CREATE, items({ ...ITEM, quantity: 0.5 }), "items.0.quantity"],
  [
    "an item for three decimals",
    "POST",
    CREATE,
    items({ ...ITEM, unitPrice: 9.999 }),
    "items.0.unitPrice",
  ],
  ["an item without a name", "POST", CREATE, items({ ...ITEM, name: "" }), "items.0.name"],
  [
    "a seller who is no account",
    "POST",
    CREATE,
    items({ ...ITEM, sellerId: 9 }),
    "items.0.sellerId",
  ],
  ["a sku with a slash", "POST", CREATE, items({ ...ITEM, sku: "a/b" }), "items.0.sku"],
  ["a discount", "POST", CREATE, items({ ...ITEM, discount: 1 }), "items.0.discount"],
  ["101 items", "POST", CREATE, items(...Array.from({ length: 101 }, () => ITEM)), "items"],
  ["no items list", "POST", CREATE, { ...ORDER, items: {} }, "items"],
  ["a price of 0", "PUT", PRODUCT, { name: "X", price: 0 }, "price"],
  ["a product without a name", "PUT", PRODUCT, { price: 1 }, "name"],
  ["a product of nobody", "PUT", PRODUCT, { name: "X", price: 1, sellerId: 9 }, "sellerId"],
  [
    "a currency of two letters",
    "PUT",
    PRODUCT,
    { name: "X", price: 1, currency: "US" },
    "currency",
  ],
  ["a sku with a space", "PUT", "/api/products/a%20b/", { name: "X", price: 1 }, "sku"],
  ["a quantity of 1000", "PUT", IN_CART, { quantity: 1_000 }, "quantity"],
  ["a quantity as text", "PUT", IN_CART, { quantity: "1" }, "quantity"],
  ["an article there is not", "PUT", "/api/cart/items/fork/?user_id=1", { quantity: 1 }, "sku"],
  ["a cart of nobody", "PUT", "/api/cart/items/cup/", { quantity: 1 }, "user_id"],
  ["a cart of user 0", "GET", "/api/cart/?user_id=0", undefined, "user_id"],
  ["a cart of two", "GET", "/api/cart/?user_id=1&user_id=2", undefined, "user_id"],
  ["no expected total", "POST", CHECKOUT, { orderId: "bad" }, "expectedTotal"],
  [
    "no address and no account",
    "POST",
    CHECKOUT,
    { orderId: "bad", expectedTotal: 1 },
    "customerEmail",
  ],
  ["six stars", "POST", REVIEW, { sku: "plate", rating: 6 }, "rating"],
  ["half a star", "POST", REVIEW, { sku: "plate", rating: 0.5 }, "rating"],
  ["a text of 5,001", "POST", REVIEW, { sku: "plate", rating: 5, text: "a".repeat(5_001) }, "text"],
  ["half a surrogate pair", "POST", REVIEW, { sku: "plate", rating: 5, text: "\ud800" }, "text"],
  ["an article that was not ordered", "POST", REVIEW, { sku: "cup", rating: 5 }, "sku"],
  ["no article", "POST", REVIEW, { rating: 5 }, "sku"],
  ["a state there is not", "GET", "/api/orders/?state=lost", undefined, "state"],
  ["a cursor of one's own", "GET", "/api/orders/?cursor=x", undefined, "cursor"],
  ["a page of 201", "GET", "/api/orders/?limit=201", undefined, "limit"],
  ["an unknown parameter", "GET", "/api/products/?q=cup", undefined, "q"],
  ["a cursor of words", "GET", "/api/products/cup/reviews/?cursor=x", undefined, "cursor"],
])("%s is 422 and names the field", async (_what, method, path, body, field) => {
  const answer = await send(method, path, body);
  expect(answer.status).toBe(422);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors.map((error) => error.field)).toContain(field);
  expect((await get("/api/orders/bad/")).status).toBe(404);
  expect((await get("/api/products/bad/")).status).toBe(404);
});

it.each([
  ["POST", "/api/orders/none/ship/"],
  ["POST", "/api/orders/none/deliver/"],
  ["POST", "/api/orders/none/cancel/"],
  ["POST", "/api/orders/none/refund/"],
  ["POST", "/api/orders/%00/cancel/"],
  ["GET", "/api/orders/none/emails/"],
  ["GET", "/api/products/%00/"],
  ["GET", "/api/products/none/reviews/"],
  ["DELETE", "/api/reviews/x/"],
  ["DELETE", "/api/reviews/999999999999999/"],
])("%s %s is 404", async (method, path) => {
  expect((await send(method, path)).status).toBe(404);
});

it("a review of an order that there is not is 404", async () => {
  expect((await post("/api/orders/none/reviews/", { rating: 5 })).status).toBe(404);
});

/** The API for a caller who is this. */
function apiFor(caller: { owner: string; scopes: readonly string[]; userId: number | null }) {
  const api = createShopApi(() => Promise.resolve({ ...caller, scopes: new Set(caller.scopes) }));
  return (method: string, path: string, body?: unknown) => api("x", method, path, body);
}

const PERSON = { owner: "user:5", scopes: ["orders:read", "orders:write"], userId: 5 };
const STRANGER = { ...PERSON, owner: "user:6", userId: 6 };
const STAFF = { owner: "staff", scopes: ["orders:read", "orders:manage"], userId: null };

it("a person orders what is in their own cart, and names no prices", async () => {
  const person = apiFor(PERSON);
  const mine = { ...ORDER, orderId: "person-1", userId: 5 };
  expect((await person("POST", CREATE, mine)).status).toBe(403);
  expect((await person("POST", "/api/files/?name=o.csv&kind=orders", {})).status).toBe(403);
  expect((await person("PUT", "/api/cart/items/cup/", { quantity: 1 })).status).toBe(200);
  expect(await (await person("GET", "/api/cart/")).json()).toMatchObject({
    items: [{ sku: "cup" }],
  });
  expect((await person("GET", "/api/cart/?user_id=6")).status).toBe(422);
  expect(await (await apiFor(STRANGER)("GET", "/api/cart/")).json()).toMatchObject({ items: [] });
});

it("a person takes no order number that others may be about to use", async () => {
  const person = apiFor(PERSON);
  await person("PUT", "/api/cart/items/cup/", { quantity: 1 });
  for (const orderId of ["1002", "6-1", "55-1", "5"]) {
    const answer = await person("POST", "/api/cart/checkout/", { orderId, expectedTotal: 10 });
    expect(answer.status, orderId).toBe(422);
  }
  await order("1002", { totalAmount: 10 });
  const taken = { orderId: "1002", expectedTotal: 10 };
  expect((await person("POST", "/api/cart/checkout/", taken)).status).toBe(422);
});

it("an order is cancelled by its owner or the shop's people, and is not there for others", async () => {
  const [person, stranger, staff] = [apiFor(PERSON), apiFor(STRANGER), apiFor(STAFF)];
  for (const orderId of ["5-1", "5-2"]) {
    await person("PUT", "/api/cart/items/cup/", { quantity: 1 });
    const checkout = { orderId, expectedTotal: 10, customerEmail: "five@example.com" };
    expect((await person("POST", "/api/cart/checkout/", checkout)).status).toBe(200);
  }
  const theirs = await stranger("POST", "/api/orders/5-1/cancel/");
  expect(theirs.status).toBe(404);
  expect(await theirs.text()).toBe(
    await (await stranger("POST", "/api/orders/none/cancel/")).text(),
  );
  expect((await stranger("POST", "/api/orders/5-1/reviews/", { rating: 5 })).status).toBe(404);
  expect((await person("POST", "/api/orders/5-1/ship/")).status).toBe(403);
  expect((await person("POST", "/api/orders/5-1/refund/")).status).toBe(403);
  const cancelled = await person("POST", "/api/orders/5-1/cancel/");
  expect(await cancelled.json()).toMatchObject({ state: "cancelled" });
  expect((await staff("POST", "/api/orders/5-2/ship/")).status).toBe(409);
  expect((await staff("GET", "/api/orders/5-2/")).status).toBe(200);
  const list = await (await stranger("GET", "/api/orders/")).json();
  expect(list).toMatchObject({ orders: [] });
});

it("the gateway's event is verified, stored once and applied", async () => {
  const { data } = await order("hooked", { totalAmount: 10.02 });
  await ended(data.tasks.process_payment);
  const event = eventOf("evt_1", { order_id: "hooked" });
  const first = await hook(event);
  expect(first.status).toBe(200);
  const { task_id: taskId } = await first.json<{ task_id: string }>();
  expect(await ended(taskId)).toMatchObject({
    state: "SUCCESS",
    result: { order_id: "hooked", order_state: "paid" },
  });
  expect(await (await hook(event)).json()).toEqual({ received: true, task_id: taskId });
});

it("an event of no concern is taken and forgotten", async () => {
  const answer = await hook(JSON.stringify({ id: "evt_x", type: "payout.paid", data: {} }));
  expect(await answer.json()).toEqual({ received: true });
});

it.each<[string, string, Record<string, string>, number]>([
  ["forged", eventOf("evt_f"), { secret: "guessed by somebody" }, 400],
  ["stale", eventOf("evt_s"), { time: "1000000000" }, 400],
  ["unsigned", eventOf("evt_u"), { header: "" }, 400],
  ["too large", `"${"a".repeat(65_536)}"`, {}, 413],
  ["not JSON", "{", {}, 400],
  ["without an order", JSON.stringify({ ...JSON.parse(eventOf("evt_o")), data: {} }), {}, 422],
  ["with a broken amount", eventOf("evt_a", { amount_minor: 1.5 }), {}, 422],
  ["a list", "[]", {}, 422],
  ["null", "null", {}, 422],
])("an event that is %s is refused and stored nowhere", async (_what, body, how, status) => {
  const before = await env.DB.prepare("SELECT count(*) AS n FROM payment_events").first();
  const answer = await hook(body, how);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(await env.DB.prepare("SELECT count(*) AS n FROM payment_events").first()).toEqual(before);
});

it("a secret that was rotated out holds as the previous one, and without any secret all is refused", async () => {
  const body = eventOf("evt_rotated");
  const next = { WEBHOOK_SECRET: "the next secret of it", WEBHOOK_SECRET_PREVIOUS: SECRET };
  expect((await hook(body, {}, next)).status).toBe(200);
  expect((await hook(body, {}, { ...next, WEBHOOK_SECRET_PREVIOUS: "" })).status).toBe(400);
  expect((await hook(body, {}, { WEBHOOK_SECRET: "" })).status).toBe(503);
});

function send(method: string, path: string, body?: unknown): Promise<Response> {
  return ask(`http://lovage${path}`, {
    method,
    headers: JSON_TYPE,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

function put(path: string, body: unknown): Promise<Response> {
  return send("PUT", path, body);
}

async function viewOf(orderId: string): Promise<Record<string, unknown>> {
  return (await get(`/api/orders/${orderId}/`)).json();
}

function eventOf(id: string, data: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...{ id, type: "payment.captured", created: 1_900_000_000 },
    data: {
      ...{ order_id: "hooked", reference: "sim_order:hooked:0" },
      ...{ amount_minor: 1_002, currency: "USD" },
      ...data,
    },
  });
}

/** Calls the webhook as the gateway does, or as somebody who is not the gateway. */
async function hook(
  body: string,
  {
    secret = SECRET,
    time = String(Math.floor(Date.now() / 1_000)),
    header,
  }: Record<string, string> = {},
  settings: Record<string, string> = { WEBHOOK_SECRET: SECRET },
): Promise<Response> {
  const encode = (text: string) => new TextEncoder().encode(text);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encode(secret), algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, encode(`${time}.${body}`)));
  const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const ctx = createExecutionContext();
  const answer = await worker.fetch(
    new Request("http://lovage/api/payments/webhook/", {
      method: "POST",
      headers: { "Stripe-Signature": header ?? `t=${time},v1=${hex}` },
      body,
    }),
    { ...env, ...settings },
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return documented("POST", "http://lovage/api/payments/webhook/", answer);
}
