import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { keyFor } from "./credentials.ts";
import { account, JSON_BODY, PAGE, post, postJson, send, signIn } from "./visitors.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

let admin = "";
let operator = "";
let operatorId = 0;

beforeAll(async () => {
  await account("anna", "admin");
  operatorId = await account("otto", "operator");
  admin = await signIn("anna");
  operator = await signIn("otto");
}, 60_000);

beforeEach(async () => {
  await env.DB.prepare("DELETE FROM audit_log").run();
});

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly user_id: number | null;
  readonly how: string;
  readonly action: string;
  readonly target: Record<string, string>;
  readonly detail: unknown;
  readonly status: number | null;
  readonly address: string | null;
  readonly trace_id: string | null;
}

interface Page {
  readonly entries: Entry[];
  readonly next_cursor: string | null;
}

async function log(query = ""): Promise<Page> {
  const answer = await send(`/api/audit/${query}`, { headers: { Cookie: admin } });
  expect(answer.status).toBe(200);
  return answer.json();
}

const actions = async (query = "") => (await log(query)).entries.map(({ action }) => action);
const asOperator = (path: string, body: unknown, headers = {}) =>
  postJson(path, body, { Cookie: operator, ...headers });
/** Whoever comes where access is open. */
const openly = (path: string, body: unknown) =>
  send(path, {
    method: "POST",
    headers: JSON_BODY,
    body: JSON.stringify(body),
    deployment: { OPEN_ACCESS: "true" },
  });

async function taskOf(owner: "operator" | "anonymous"): Promise<string> {
  const call = { name: "process_data", kwargs: { data: "x" }, countdown: 1_000 };
  const answer = await (owner === "operator" ? asOperator : openly)("/api/tasks/", call);
  expect(answer.status).toBe(202);
  return (await answer.json<{ task_id: string }>()).task_id;
}

it("says who did what, when, from where, and how it was answered", async () => {
  const from = {
    "CF-Connecting-IP": "203.0.113.7",
    traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
  };
  await asOperator("/api/control/rate_limit/", { task: "process_data", rate_limit: "5/s" }, from);
  expect((await log()).entries).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      actor: `user:${operatorId}`,
      user_id: operatorId,
      how: "session",
      action: "POST /api/control/rate_limit",
      target: {},
      detail: { task: "process_data", rate_limit: "5/s" },
      status: 200,
      address: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      trace_id: TRACE,
    },
  ]);
  await asOperator("/api/control/rate_limit/", { task: "process_data", rate_limit: null });
});

it("addresses are told apart and not named", async () => {
  for (const address of ["203.0.113.7", "203.0.113.8", "203.0.113.7"]) {
    const from = { "CF-Connecting-IP": address };
    await asOperator("/api/control/add_consumer/", { queue: "default" }, from);
  }
  const { entries } = await log();
  const [third, second, first] = entries.map(({ address }) => address);
  expect(first).toBe(third);
  expect(first).not.toBe(second);
  const rows = await env.DB.prepare("SELECT * FROM audit_log").all();
  expect(JSON.stringify(rows.results)).not.toContain("203.0.113");
});

it("what operators may not do is not in it, what was wrong is, with its status", async () => {
  expect((await asOperator("/api/maintenance/backup/", {})).status).not.toBe(202);
  expect((await asOperator("/api/control/purge/", { queue: "nowhere" })).status).toBe(422);
  expect((await asOperator("/api/tasks/", { name: "backup_database" })).status).toBe(403);
  const { entries } = await log();
  expect(entries.map(({ action, status }) => [action, status])).toEqual([
    ["POST /api/tasks", 403],
    ["POST /api/control/purge", 422],
  ]);
});

it.each<[string, (id: string) => readonly [string, unknown]]>([
  ["revoke", (id) => [`/api/tasks/${id}/revoke/`, { terminate: true }]],
  ["reschedule", (id) => [`/api/tasks/${id}/reschedule/`, { countdown: 5 }]],
  ["event", (id) => [`/api/tasks/${id}/events/go/`, { payload: { pin: "not for the log" } }]],
])("%s of any task by who is signed in for the dashboard is in it", async (_what, requestOf) => {
  for (const owner of ["operator", "anonymous"] as const) {
    const id = await taskOf(owner);
    await env.DB.prepare("DELETE FROM audit_log").run();
    const [path, body] = requestOf(id);
    await asOperator(path, body);
    const { entries } = await log();
    expect(entries).toHaveLength(1);
    expect(entries[0]?.target["id"]).toBe(id);
    expect(JSON.stringify(entries)).not.toContain("not for the log");
  }
});

it("where access is open, own tasks are not in it, others' and commands are", async () => {
  const mine = await taskOf("anonymous");
  await openly(`/api/tasks/${mine}/revoke/`, {});
  expect(await actions()).toEqual([]);
  const theirs = await taskOf("operator");
  await openly(`/api/tasks/${theirs}/revoke/`, {});
  await openly("/api/control/add_consumer/", { queue: "default" });
  const { entries } = await log();
  expect(entries.slice(0, 2).map(({ actor, how, action }) => [actor, how, action])).toEqual([
    ["anonymous", "open", "POST /api/control/add_consumer"],
    ["anonymous", "open", "POST /api/tasks/:id/revoke"],
  ]);
});

it("what only reads, and what somebody does with the own account, is not in it", async () => {
  await send("/api/queues/", { headers: { Cookie: operator } });
  await asOperator("/api/profile/", {});
  const other = await signIn("otto");
  await env.DB.prepare("DELETE FROM audit_log").run();
  await post("/dashboard/account/end-others", {}, { Cookie: other });
  operator = other;
  expect(await actions()).toEqual([]);
});

it("whoever comes to the dashboard is in it", async () => {
  await signIn("otto");
  const { entries } = await log();
  expect(entries).toMatchObject([
    { actor: `user:${operatorId}`, action: "POST /dashboard/sign-in", detail: null, status: 303 },
  ]);
});

it("a role that is given on a page is in it as one that is given over the API", async () => {
  const id = await account("emil", "user");
  await post(`/dashboard/accounts/${id}/role`, { role: "viewer" }, { Cookie: admin });
  const headers = { ...JSON_BODY, Cookie: admin, Origin: "http://lovage" };
  await send(`/api/users/${id}/`, { method: "PATCH", headers, body: '{"role":"user"}' });
  const { entries } = await log();
  expect(
    entries.map(({ action, target, detail, status }) => [action, target, detail, status]),
  ).toEqual([
    ["PATCH /api/users/:id", { id: String(id) }, { role: "user" }, 200],
    ["POST /dashboard/accounts/:id/role", { id: String(id) }, { role: "viewer" }, 303],
  ]);
});

it("nothing secret is in it: no arguments, no passwords, no texts", async () => {
  const secret = "s3cret-value";
  await asOperator("/api/tasks/", { name: "process_data", args: [secret], labels: { a: secret } });
  await asOperator("/api/tasks/", { name: "process_data", kwargs: { data: secret } });
  await asOperator("/api/tasks/bulk/", {
    tasks: [
      { name: "process_data", kwargs: { data: secret }, callback_url: `https://e.x/${secret}` },
    ],
  });
  await asOperator("/api/canvas/", {
    chain: [
      { task: "process_data", kwargs: { data: secret } },
      { task: "process_data", args: [] },
    ],
  });
  await asOperator("/api/control/purge/", { [secret.slice(0, 3)]: secret, password: secret });
  await asOperator(`/api/tasks/${crypto.randomUUID()}/events/go/`, { payload: secret });
  await postJson("/api/mail/suppressions/", { email: `${secret}@example.com` }, { Cookie: admin });
  const { results } = await env.DB.prepare("SELECT * FROM audit_log").all();
  expect(results.length).toBeGreaterThanOrEqual(6);
  expect(JSON.stringify(results)).not.toContain(secret);
  expect(JSON.stringify(results)).toContain("process_data");
});

it("nothing that is typed into a form is in it either", async () => {
  const secret = "s3cret-value";
  const id = await taskOf("operator");
  await env.DB.prepare("DELETE FROM audit_log").run();
  const timing = { kind: "interval", every: "1", period: "hours" };
  const forms: [string, Record<string, string>][] = [
    ["/dashboard/definitions/process_data", { "kwargs.data": secret, data: secret }],
    ["/dashboard/new-schedule", { name: "mine", task: "process_data", data: secret, ...timing }],
    ["/dashboard/new-schedule", { name: "mine", kwargs: JSON.stringify({ data: secret }) }],
    [`/dashboard/tasks/${id}/replay`, { kwargs: JSON.stringify({ name: secret }) }],
    [`/dashboard/tasks/${id}/event`, { name: "go", payload: secret }],
    ["/dashboard/tasks/bulk", { id, what: "revoke", next: `/dashboard/tasks?text=${secret}` }],
    ["/dashboard/mail/suppressions", { email: `${secret}@example.com` }],
    ["/dashboard/mail/suppressions/remove", { address: `${secret}@example.com` }],
  ];
  for (const [path, fields] of forms) await post(path, fields, { Cookie: admin });
  await post("/dashboard/sign-in", { username: "anna", password: secret });
  const { results } = await env.DB.prepare("SELECT * FROM audit_log").all();
  expect(results).toHaveLength(forms.length);
  expect(JSON.stringify(results)).not.toContain(secret);
});

it("an address that is taken off the list is not kept in it", async () => {
  const address = "someone@example.com";
  await postJson("/api/mail/suppressions/", { email: address }, { Cookie: admin });
  await send(`/api/mail/suppressions/${encodeURIComponent(address)}/`, {
    method: "DELETE",
    headers: { Cookie: admin, Origin: "http://lovage" },
  });
  const { results } = await env.DB.prepare("SELECT * FROM audit_log").all();
  expect(results).toHaveLength(2);
  expect(JSON.stringify(results)).not.toContain(address);
});

it("what the shop's side does to orders and escrows that are there is in it, also by a key", async () => {
  const key = await keyFor("back office", ["orders:manage", "orders:write"]);
  const customer = await keyFor("shop", ["orders:write"]);
  const paths = ["/api/orders/none/cancel/", "/api/escrow/transactions/none/release/"];
  for (const token of [customer, key]) {
    for (const path of paths) {
      const headers = { ...JSON_BODY, Authorization: `Bearer ${token}` };
      await send(path, { method: "POST", headers, body: "{}" });
    }
  }
  const { entries } = await log();
  expect(entries.map(({ actor, how, action }) => [actor, how, action])).toEqual([
    ["back office", "key", "POST /api/escrow/transactions/:id/release"],
    ["back office", "key", "POST /api/orders/:id/cancel"],
  ]);
});

it("a body that is large, broken or of another kind is no hindrance", async () => {
  const call = { name: "process_data", kwargs: { data: "x".repeat(90_000) } };
  expect((await asOperator("/api/tasks/", call)).status).toBe(202);
  const many = {
    tasks: Array.from({ length: 500 }, () => ({ name: "process_data", kwargs: { data: "" } })),
  };
  expect((await asOperator("/api/tasks/bulk/", many)).status).toBe(202);
  const headers = { ...JSON_BODY, Cookie: operator, Origin: "http://lovage" };
  const broken = await send("/api/tasks/", { method: "POST", headers, body: "{" });
  expect(broken.status).toBe(400);
  const { entries } = await log();
  expect(entries).toHaveLength(3);
  const sizes = await env.DB.prepare("SELECT max(octet_length(detail)) AS n FROM audit_log").first(
    "n",
  );
  expect(Number(sizes)).toBeLessThanOrEqual(2_048);
});

it("without the log nothing is done", async () => {
  const id = await account("fred", "user");
  const database = {
    prepare: (query: string) => {
      if (query.includes("audit_log")) throw new Error("D1 is away");
      return env.DB.prepare(query);
    },
    batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
  };
  const answer = await send(`/api/users/${id}/`, {
    method: "PATCH",
    headers: { ...JSON_BODY, Cookie: admin, Origin: "http://lovage" },
    body: '{"role":"admin"}',
    deployment: { DB: database },
  });
  expect(answer.status).toBe(503);
  expect((await answer.json<{ code: string }>()).code).toBe("not_audited");
  const role = await env.DB.prepare("SELECT role FROM users WHERE id = ?").bind(id).first("role");
  expect(role).toBe("user");
});

it("pages follow each other, the newest first, filtered by who, what and when", async () => {
  await env.DB.batch(
    Array.from({ length: 25 }, (_, n) =>
      env.DB.prepare(
        "INSERT INTO audit_log (at, id, actor, how, action, target, status) VALUES (?, ?, ?, 'key', ?, '{}', 200)",
      ).bind(
        // Some at the same time.
        1_700_000_000_000 + Math.floor(n / 3) * 1_000,
        String(n).padStart(2, "0"),
        n % 2 === 0 ? "shop" : "other",
        n % 5 === 0 ? "POST /api/control/purge" : "POST /api/tasks",
      ),
    ),
  );
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await log(`?limit=4${cursor === null ? "" : `&cursor=${cursor}`}`);
    ids.push(...page.entries.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(ids).toEqual(Array.from({ length: 25 }, (_, n) => String(24 - n).padStart(2, "0")));
  expect((await log("?actor=shop&limit=100")).entries).toHaveLength(13);
  expect((await log("?action=PURGE")).entries.map(({ id }) => id)).toEqual([
    "20",
    "15",
    "10",
    "05",
    "00",
  ]);
  const between = "?since=2023-11-14T22:13:21Z&until=2023-11-14T22:13:23Z";
  expect((await log(between)).entries.map(({ id }) => id)).toEqual([
    "08",
    "07",
    "06",
    "05",
    "04",
    "03",
  ]);
});

it.each([["limit=0"], ["limit=501"], ["cursor=x"], ["since=yesterday"], ["who=x"], ["actor="]])(
  "?%s is refused by its field",
  async (query) => {
    const answer = await send(`/api/audit/?${query}`, { headers: { Cookie: admin } });
    expect(answer.status).toBe(422);
    const { errors } = await answer.json<{ errors: { field: string }[] }>();
    expect(errors.map(({ field }) => field)).toEqual([query.split("=")[0]]);
  },
);

it("the page shows names instead of numbers, and takes a browser's form", async () => {
  await asOperator("/api/control/add_consumer/", { queue: "default" });
  const headers = { ...PAGE, Cookie: admin };
  const query = "?actor=&action=consumer&since=2020-01-01T00:00&until=";
  const answer = await send(`/dashboard/audit${query}`, { headers });
  expect(answer.status).toBe(200);
  const html = await answer.text();
  expect(html).toContain("POST /api/control/add_consumer");
  expect(html).toContain(`<a href="/dashboard/audit?actor=user%3A${operatorId}">otto</a>`);
  const wrong = await send("/dashboard/audit?since=never", { headers });
  expect(wrong.status).toBe(422);
});
