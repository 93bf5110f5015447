import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { ask, ended, get, order, post } from "./api.ts";
import { emptyTables } from "./domain/shop.ts";

interface List {
  readonly differences: { readonly difference_id: string; readonly kind: string }[];
  readonly next_cursor: string | null;
  readonly last_run: Record<string, unknown> | null;
}

beforeEach(emptyTables);

async function list(query = ""): Promise<List> {
  const answer = await get(`/api/payments/differences/${query}`);
  expect(answer.status).toBe(200);
  return answer.json();
}

/** So many open differences, each seen a second after the other. */
async function stored(count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO payment_differences (id, kind, taken_minor, refunded_minor, is_mended, first_seen_at,
       last_seen_at) SELECT 'd' || i, 'unknown_order', 1050, 0, 0, (i / 2) * 1000, 9000 FROM n`,
  )
    .bind(count)
    .run();
}

const ids = ({ differences }: List) => differences.map((each) => each.difference_id);

it("a run that an admin asks for finds what differs, and a person resolves it with a note", async () => {
  const { data } = await order("1", { totalAmount: 150 });
  await ended(data.tasks.process_payment);
  await env.DB.batch([
    env.DB.prepare("UPDATE payments SET updated_at = updated_at - 3600000"),
    env.DB.prepare("UPDATE orders SET created_at = created_at - 3600000"),
    env.DB.prepare("DELETE FROM simulated_charges"),
  ]);
  const sent = await post("/api/tasks/", { name: "reconcile_payments", kwargs: {} });
  const { task_id: taskId } = await sent.json<{ task_id: string }>();
  expect(await ended(taskId)).toMatchObject({
    state: "SUCCESS",
    result: { differences: 1, mended: 0, new: 1, checked_payments: 1 },
  });
  const { differences, last_run: lastRun } = await list();
  expect(lastRun).toMatchObject({ task_id: taskId, differences: 1, new: 1 });
  const [difference] = differences;
  expect(difference).toMatchObject({
    ...{ kind: "captured_only_here", order_id: "1", reference: "sim_order:1:0", mended: false },
    shop: { order_state: "paid", payment_state: "captured", amount: 150, currency: "USD" },
    gateway: { captured: 0, refunded: 0, currency: null },
    resolved_at: null,
  });
  const path = `/api/payments/differences/${difference?.difference_id}/resolve/`;
  const resolved = await post(path, { note: "Paid in cash." });
  expect(resolved.status).toBe(200);
  expect(await resolved.json()).toMatchObject({
    ...{ resolved_by: "anonymous", note: "Paid in cash.", resolved_at: expect.any(String) },
  });
  expect((await post(path, { note: "Paid in cash." })).status).toBe(200);
  const other = await post(path, { note: "Something else." });
  expect(other.status).toBe(409);
  expect(await other.json()).toMatchObject({ code: "already_resolved" });
  expect(ids(await list())).toEqual([]);
  expect(ids(await list("?state=resolved"))).toEqual([difference?.difference_id]);
});

it("differences are listed page by page, the newest first, each once", async () => {
  await stored(7);
  const seen: string[] = [];
  for (let cursor: string | null = "", pages = 0; cursor !== null && pages < 9; pages += 1) {
    const page: List = await list(`?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...ids(page));
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(["d7", "d6", "d5", "d4", "d3", "d2", "d1"]);
});

it.each(["?state=all", "?limit=0", "?limit=201", "?cursor=x", "?cursor=WzFd", "?page=2"])(
  "a list with %s is refused",
  async (query) => {
    const answer = await get(`/api/payments/differences/${query}`);
    expect(answer.status).toBe(422);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  },
);

it.each([{}, { note: "" }, { note: " " }, { note: "x".repeat(1_001) }, { note: 1 }, { by: "me" }])(
  "a resolution that says %j is refused, and nothing is written",
  async (body) => {
    await stored(1);
    expect((await post("/api/payments/differences/d1/resolve/", body)).status).toBe(422);
    expect(ids(await list())).toEqual(["d1"]);
  },
);

it("there is nothing to resolve where there is no difference", async () => {
  expect((await post("/api/payments/differences/none/resolve/", { note: "?" })).status).toBe(404);
});

it("only who may manage orders sees and resolves differences", async () => {
  const secret = "s".repeat(43);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  const keys = { seller: ["orders:read", "orders:write"], keeper: ["orders:manage"] };
  await env.DB.batch(
    Object.entries(keys).map(([name, scopes]) =>
      env.DB.prepare("INSERT INTO api_keys VALUES (?, 'test', ?, ?, ?, 0, NULL, NULL)").bind(
        ...[`${name}000000`, name, hash.join(""), JSON.stringify(scopes)],
      ),
    ),
  );
  await stored(1);
  const as = (name: string, method: string, path: string, body?: string) =>
    ask(`http://lovage/api/payments/differences/${path}`, {
      method,
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer lv_${name}000000_${secret}`,
      },
      ...(body !== undefined && { body }),
    });
  expect((await as("seller", "GET", "")).status).toBe(403);
  expect((await as("seller", "POST", "d1/resolve/", '{"note": "x"}')).status).toBe(403);
  expect((await as("keeper", "GET", "")).status).toBe(200);
  const resolved = await as("keeper", "POST", "d1/resolve/", '{"note": "x"}');
  expect(await resolved.json()).toMatchObject({ resolved_by: "keeper" });
});
