import { beforeAll, expect, it } from "vitest";
import { get, post } from "./api.ts";
import { addUsers } from "./domain/escrow.ts";
import { rows } from "./domain/shop.ts";
import { createShopApi } from "./shop-api.ts";

const PATH = "/api/escrow/transactions/";
const VERIFY = "/api/escrow/verification/";

interface TransactionAnswer {
  readonly transaction_id: string;
  readonly state: string;
  readonly milestones: { readonly number: number; readonly state: string }[];
  readonly balance: Record<string, number>;
  readonly history: { readonly event: string; readonly detail: string | null }[];
}

const NEW = {
  user_id: 1,
  seller_id: 2,
  title: "A website",
  amount: 150.5,
  milestones: [
    { title: "Design", amount: 100 },
    { title: "Code", amount: 50.5 },
  ],
};
const SUBMISSION = { user_id: 2, legal_name: "Seller Ltd", country: "DE", details: "HRB 1" };

beforeAll(async () => {
  await addUsers(1, 2, 3, 4, 5);
  await post(VERIFY, SUBMISSION);
  await post(`${VERIFY}2/decide/`, { status: "VERIFIED" });
});

async function create(over: object = {}): Promise<string> {
  const answer = await post(PATH, { ...NEW, ...over });
  expect(answer.status).toBe(201);
  return (await answer.json<TransactionAnswer>()).transaction_id;
}

async function act(id: string, action: string, body: object): Promise<TransactionAnswer> {
  const answer = await post(`${PATH}${id}/${action}/`, body);
  expect(answer.status).toBe(200);
  return answer.json();
}

it("the way of a transaction: created, funded, started, delivered, approved, completed", async () => {
  const id = await create();
  await act(id, "fund", { reference: "pay-1" });
  await act(id, "start", { user_id: 2 });
  for (const number of [1, 2]) {
    await act(id, `milestones/${number}/submit`, { user_id: 2 });
    await act(id, `milestones/${number}/approve`, { user_id: 1 });
  }
  const shown = await (await get(`${PATH}${id}/`)).json<TransactionAnswer>();
  expect(shown).toMatchObject({
    buyer_id: 1,
    seller_id: 2,
    amount: 150.5,
    currency: "USD",
    state: "completed",
    milestones: [
      { number: 1, title: "Design", amount: 100, state: "released" },
      { number: 2, title: "Code", amount: 50.5, state: "released" },
    ],
    balance: { funded: 150.5, held: 0, released: 150.5, refunded: 0 },
  });
  expect(shown.history.map(({ event }) => event)).toEqual([
    ...["approve", "submit", "approve", "submit", "start", "fund", "create"],
  ]);
  // Both are told of every state, by tasks that ran by themselves.
  await expect
    .poll(() => rows("SELECT count(*) AS n FROM emails WHERE template LIKE 'escrow_%'"), {
      timeout: 20_000,
    })
    .toEqual([{ n: 14 }]);
});

it("a seller's verification: submitted, pending, decided, and told of", async () => {
  const status = async () =>
    (await (await get(`${VERIFY}?user_id=3`)).json<{ status: string }>()).status;
  expect(await status()).toBe("NONE");
  await post(VERIFY, { ...SUBMISSION, user_id: 3 });
  expect(await status()).toBe("PENDING");
  const pending = await (await get(`${VERIFY}pending/`)).json<{ verifications: object[] }>();
  expect(pending.verifications).toMatchObject([
    { user_id: 3, status: "PENDING", legal_name: "Seller Ltd", decided_at: null },
  ]);
  const decided = await post(`${VERIFY}3/decide/`, { status: "REJECTED", reason: "No register" });
  expect(await decided.json()).toMatchObject({ status: "REJECTED", reason: "No register" });
  await expect
    .poll(() => rows("SELECT state FROM emails WHERE to_address = 'user3@example.com'"), {
      timeout: 20_000,
    })
    .toEqual([{ state: "sent" }, { state: "sent" }]);
});

it("a repeated request answers the same and changes nothing", async () => {
  const key = { "Idempotency-Key": "deal-7" };
  const [first, second] = [await post(PATH, NEW, key), await post(PATH, NEW, key)];
  expect([first.status, second.status]).toEqual([201, 201]);
  const text = await first.text();
  expect(await second.text()).toBe(text);
  const other = await post(PATH, { ...NEW, title: "Other" }, key);
  expect(other.status).toBe(422);
  expect(await other.json()).toMatchObject({ code: "idempotency_key_reused" });
  const { transaction_id: id } = JSON.parse(text) as TransactionAnswer;
  const funded = await act(id, "fund", { reference: "pay-7" });
  expect(await act(id, "fund", { reference: "pay-7" })).toEqual(funded);
});

it.each([
  ["a funding with a payment that was used", "fund", { reference: "taken" }, 409, "reference_used"],
  ["a start before the funding", "start", { user_id: 2 }, 409, "wrong_state"],
  ["a start by the buyer", "start", { user_id: 1 }, 403, "forbidden"],
  ["a milestone that is not there", "milestones/3/submit", { user_id: 2 }, 404, "not_found"],
  ["milestone 0", "milestones/0/submit", { user_id: 2 }, 404, "not_found"],
  ["a milestone that is no number", "milestones/x/submit", { user_id: 2 }, 404, "not_found"],
  ["a stranger", "cancel", { user_id: 4 }, 404, "not_found"],
])("%s is refused", async (_what, action, body, status, code) => {
  if (action === "fund") {
    const other = await create();
    await post(`${PATH}${other}/fund/`, { reference: "taken" });
  }
  const id = await create();
  const answer = await post(`${PATH}${id}/${action}/`, body);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ code });
  const shown = await (await get(`${PATH}${id}/`)).json<TransactionAnswer>();
  expect(shown.state).toBe("pending_funding");
});

it("an unverified seller's transaction can't be funded", async () => {
  const id = await create({ seller_id: 4 });
  const answer = await post(`${PATH}${id}/fund/`, { reference: "pay-9" });
  expect(answer.status).toBe(409);
  expect(await answer.json()).toMatchObject({ code: "seller_not_verified" });
});

it("lists are of one side's own, by pages, by state; over all only those in dispute", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    const sides = n % 2 === 0 ? { user_id: 5, seller_id: 2 } : { user_id: 2, seller_id: 5 };
    ids.unshift(await create({ ...sides, amount: 1, milestones: [{ title: "M", amount: 1 }] }));
  }
  await act(ids[4] ?? "", "cancel", { user_id: 5 });
  const list = async (query: string) => {
    const answer = await get(`${PATH}?${query}`);
    expect(answer.status).toBe(200);
    return answer.json<{
      transactions: { transaction_id: string; state: string }[];
      next_cursor: string | null;
    }>();
  };
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: Awaited<ReturnType<typeof list>> = await list(
      `user_id=5&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    seen.push(...page.transactions.map((each) => each.transaction_id));
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(ids);
  const cancelled = await list("user_id=5&state=cancelled");
  expect(cancelled.transactions.map((each) => each.transaction_id)).toEqual([ids[4]]);
  await act(ids[0] ?? "", "fund", { reference: "pay-list" });
  await act(ids[0] ?? "", "dispute", { user_id: 5, reason: "Late" });
  const disputed = await list("state=disputed");
  expect(disputed.transactions.map((each) => each.transaction_id)).toEqual([ids[0]]);
  expect((await list("limit=200")).transactions.length).toBeGreaterThan(5);
});

const long = "x".repeat(2_001);

it.each<[what: string, path: string, body: unknown, field: string]>([
  ["no account", PATH, { ...NEW, user_id: undefined }, "user_id"],
  ["an account that is not there", PATH, { ...NEW, user_id: 99 }, "user_id"],
  ["a seller that is not there", PATH, { ...NEW, seller_id: 99 }, "seller_id"],
  ["oneself as seller", PATH, { ...NEW, seller_id: 1 }, "seller_id"],
  ["a seller as text", PATH, { ...NEW, seller_id: "2" }, "seller_id"],
  ["no title", PATH, { ...NEW, title: "  " }, "title"],
  ["a title of two lines", PATH, { ...NEW, title: "a\nb" }, "title"],
  ["half a surrogate pair", PATH, { ...NEW, title: "\ud800" }, "title"],
  ["a title of 201", PATH, { ...NEW, title: "x".repeat(201) }, "title"],
  ["an amount with three decimals", PATH, { ...NEW, amount: 1.005 }, "amount"],
  ["a currency without decimals", PATH, { ...NEW, currency: "JPY" }, "currency"],
  ["a currency that is none", PATH, { ...NEW, currency: "usd" }, "currency"],
  ["milestones that add up to less", PATH, { ...NEW, amount: 151 }, "milestones"],
  ["no milestones", PATH, { ...NEW, milestones: [] }, "milestones"],
  [
    "51 milestones",
    PATH,
    {
      ...NEW,
      amount: 51,
      milestones: Array.from({ length: 51 }, () => ({ title: "M", amount: 1 })),
    },
    "milestones",
  ],
  [
    "a milestone for nothing",
    PATH,
    { ...NEW, milestones: [{ title: "M", amount: 0 }] },
    "milestones.0.amount",
  ],
  ["a field that is not there", PATH, { ...NEW, state: "funded" }, "state"],
  ["a funding without reference", `${PATH}x/fund/`, {}, "reference"],
  ["a funding in somebody's name", `${PATH}x/fund/`, { reference: "a", user_id: 1 }, "user_id"],
  ["a reference of two lines", `${PATH}x/fund/`, { reference: "a\r\nb" }, "reference"],
  ["a start with more", `${PATH}x/start/`, { reason: "x" }, "reason"],
  ["a dispute without reason", `${PATH}x/dispute/`, { user_id: 1 }, "reason"],
  ["a reason of 2,001", `${PATH}x/dispute/`, { reason: long }, "reason"],
  ["a cancellation for no reason", `${PATH}x/cancel/`, { reason: "" }, "reason"],
  ["a refund by user 0", `${PATH}x/refund/`, { user_id: 0 }, "user_id"],
  ["a release by user 1.5", `${PATH}x/release/`, { user_id: 1.5 }, "user_id"],
  ["a submission by a list", `${PATH}x/milestones/1/submit/`, { user_id: [] }, "user_id"],
  ["an approval that is a list", `${PATH}x/milestones/1/approve/`, [], "body"],
  ["a rejection without reason", `${PATH}x/milestones/1/reject/`, {}, "reason"],
  ["a verification of nobody", VERIFY, { ...SUBMISSION, user_id: undefined }, "user_id"],
  ["a verification of who is not there", VERIFY, { ...SUBMISSION, user_id: 99 }, "user_id"],
  ["a country that is none", VERIFY, { ...SUBMISSION, country: "Germany" }, "country"],
  ["no name", VERIFY, { ...SUBMISSION, legal_name: undefined }, "legal_name"],
  ["a decision that is none", `${VERIFY}2/decide/`, { status: "PENDING" }, "status"],
])("%s is 422 and names the field", async (_what, path, body, field) => {
  const before = await rows("SELECT count(*) AS n FROM escrow_events");
  const answer = await post(path, body);
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors.map((error) => error.field)).toContain(field);
  expect(await rows("SELECT count(*) AS n FROM escrow_events")).toEqual(before);
});

it.each([
  [`${PATH}?limit=0`, "limit"],
  [`${PATH}?limit=201`, "limit"],
  [`${PATH}?state=paid`, "state"],
  [`${PATH}?state=funded`, "state"],
  [`${PATH}?cursor=%27`, "cursor"],
  [`${PATH}?user_id=x`, "user_id"],
  [`${PATH}?user_id=1&user_id=2`, "user_id"],
  [`${PATH}?nothing=1`, "nothing"],
  [`${PATH}x/?limit=1`, "limit"],
  [VERIFY, "user_id"],
  [`${VERIFY}?user_id=-1`, "user_id"],
  [`${VERIFY}pending/?limit=x`, "limit"],
])("GET %s is 422 and names %s", async (path, field) => {
  const answer = await get(path);
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors.map((error) => error.field)).toEqual([field]);
});

it.each([
  ["GET", `${PATH}nothing/`, null],
  ["GET", `${PATH}%00/`, null],
  ["GET", `${PATH}%ff/`, null],
  ["POST", `${PATH}nothing/cancel/`, {}],
  ["POST", `${PATH}nothing/settle/`, {}],
  ["POST", `${VERIFY}99/decide/`, { status: "VERIFIED" }],
  ["POST", `${VERIFY}x/decide/`, { status: "VERIFIED" }],
  ["POST", `${VERIFY}1e3/decide/`, { status: "VERIFIED" }],
])("%s %s is 404", async (method, path, body) => {
  const answer = method === "GET" ? await get(path) : await post(path, body);
  expect(answer.status).toBe(404);
});

/** The API with people signed in, whose tokens are their ids, and a key that may not act for anybody. */
function closedApi() {
  const api = createShopApi((token) =>
    Promise.resolve({
      owner: /^\d+$/.test(token) ? `user:${token}` : token,
      userId: /^\d+$/.test(token) ? Number(token) : null,
      scopes: new Set(token === "manager" ? ["orders:manage"] : ["orders:read", "orders:write"]),
    }),
  );
  return (token: string, path: string, body?: object) =>
    api(token, body === undefined ? "GET" : "POST", path, body);
}

it("people act as themselves, each side for itself, and nobody else finds it", async () => {
  const call = closedApi();
  const mine = { ...NEW, user_id: undefined };
  const created = await call("1", PATH, mine);
  expect(created.status).toBe(201);
  const { transaction_id: id } = await created.json<TransactionAnswer>();
  const path = `${PATH}${id}/`;
  for (const [token, status] of [
    ["1", 200],
    ["2", 200],
    ["manager", 200],
    ["4", 404],
    ["clerk", 403],
  ] as const) {
    expect((await call(token, path)).status, token).toBe(status);
  }
  const stranger = await call("4", path);
  const nobodys = await call("4", `${PATH}nothing/`);
  expect(await stranger.text()).toBe(await nobodys.text());
  // Only the shop can say that money has come in.
  expect((await call("1", `${path}fund/`, { reference: "own" })).status).toBe(403);
  expect((await call("manager", `${path}fund/`, { reference: "own" })).status).toBe(200);
  expect((await call("1", `${path}start/`, {})).status).toBe(403);
  expect((await call("2", `${path}start/`, {})).status).toBe(200);
  expect((await call("4", `${path}dispute/`, { reason: "x" })).status).toBe(404);
  const seen = await (await call("2", path)).json<TransactionAnswer>();
  expect(seen.history.find(({ event }) => event === "fund")?.detail).toBeNull();
});

it("people can't act for others; who manages orders can, with the other's rights alone", async () => {
  const call = closedApi();
  expect((await call("1", PATH, { ...NEW, user_id: 3 })).status).toBe(403);
  expect((await call("1", `${PATH}?user_id=3`)).status).toBe(403);
  expect((await call("1", `${VERIFY}?user_id=3`)).status).toBe(403);
  expect((await call("1", `${PATH}?user_id=1`)).status).toBe(200);
  const answer = await call("manager", PATH, NEW);
  expect(answer.status).toBe(201);
  const { transaction_id: id } = await answer.json<TransactionAnswer>();
  expect((await call("manager", `${PATH}${id}/refund/`, { user_id: 1 })).status).toBe(403);
  expect((await call("manager", `${PATH}${id}/cancel/`, { user_id: 4 })).status).toBe(404);
  expect((await call("manager", `${PATH}${id}/cancel/`, { user_id: 2 })).status).toBe(200);
});

it("a person sees their own verification alone, and decides over none", async () => {
  const call = closedApi();
  const submission = { ...SUBMISSION, user_id: undefined };
  expect((await call("4", VERIFY, submission)).status).toBe(200);
  expect(await (await call("4", VERIFY)).json()).toMatchObject({ user_id: 4, status: "PENDING" });
  expect(await (await call("1", VERIFY)).json()).toEqual({ user_id: 1, status: "NONE" });
  expect((await call("4", `${VERIFY}4/decide/`, { status: "VERIFIED" })).status).toBe(403);
  expect((await call("4", `${VERIFY}pending/`)).status).toBe(403);
});

it("without a token nothing of it is there to see", async () => {
  const call = closedApi();
  for (const path of [PATH, `${PATH}x/`, VERIFY]) {
    const answer = await call("", path);
    expect(answer.status).toBe(401);
  }
});
