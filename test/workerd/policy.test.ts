import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { Route } from "../../src/delivery/api/route.ts";
import { declaredRoutes } from "../../scripts/openapi/declared-routes.ts";
import { keyFor } from "./credentials.ts";
import { account, OURS, send, signIn } from "./visitors.ts";

/*
 * Every route with every kind of caller. What is allowed is asked with what fits nothing, so that nothing is done;
 * what is not has to be refused before anybody looks.
 */

const routes = declaredRoutes();
const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

const CALLERS = [
  "nobody",
  ...["user", "viewer", "operator", "admin"],
  ...["tasks:read", "tasks:write", "orders:read", "orders:write", "orders:manage"],
  ...["monitor", "control"],
] as const;
type Caller = (typeof CALLERS)[number];

/** Who passes, by what routes say; nobody else does. */
const ALLOWED: Readonly<Record<string, readonly Caller[]>> = {
  public: CALLERS,
  person: ["user", "viewer", "operator", "admin"],
  "person or shop": ["user", "viewer", "operator", "admin", "orders:manage"],
  "tasks:read": [
    ...(["user", "viewer", "operator", "admin"] as const),
    ...(["tasks:read", "monitor", "control"] as const),
  ],
  "tasks:write": ["operator", "admin", "tasks:write"],
  "orders:read": [
    ...(["user", "viewer", "operator", "admin"] as const),
    ...(["orders:read", "monitor", "control"] as const),
  ],
  "orders:write": ["user", "viewer", "operator", "admin", "orders:write"],
  "orders:manage": ["admin", "orders:manage"],
  monitor: ["viewer", "operator", "admin", "monitor", "control"],
  control: ["operator", "admin", "control"],
  admin: ["admin"],
};

/** Whatever changes something, by who may; a new one has to be put here. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  public: [
    "POST /api/register",
    "POST /api/login",
    "POST /api/password-reset",
    "POST /api/password-reset/confirm",
    "POST /api/payments/webhook",
    "POST /api/mail/unsubscribe/:token",
    "POST /dashboard/sign-in",
    "POST /dashboard/sign-out",
    "POST /dashboard/theme",
  ],
  person: [
    "POST /api/logout",
    "PATCH /api/profile",
    "DELETE /api/sessions",
    "DELETE /api/sessions/:id",
    "POST /api/password-change",
    "POST /dashboard/account/end-session",
    "POST /dashboard/account/end-others",
  ],
  "tasks:write": [
    "POST /api/tasks/process",
    "POST /api/tasks",
    "POST /api/tasks/bulk",
    "POST /api/tasks/:id/events/:name",
    "POST /api/tasks/:id/revoke",
    "POST /api/tasks/:id/reschedule",
    "POST /api/canvas",
    "POST /api/task/apply/:name",
    "POST /api/task/async-apply/:name",
    "POST /api/task/send-task/:name",
    "POST /api/task/abort/:id",
    "POST /api/task/revoke/:id",
    "POST /dashboard/definitions/:name",
  ],
  control: [
    "POST /api/reports",
    "POST /api/schedules",
    "PATCH /api/schedules/:name",
    "DELETE /api/schedules/:name",
    "POST /api/schedules/:name/enable",
    "POST /api/schedules/:name/disable",
    "POST /api/schedules/:name/run",
    "POST /api/schedules/:name/backfill",
    "POST /api/worker/shutdown/:worker",
    "POST /api/worker/pool/restart/:worker",
    "POST /api/worker/pool/grow/:worker",
    "POST /api/worker/pool/shrink/:worker",
    "POST /api/worker/pool/autoscale/:worker",
    "POST /api/worker/queue/add-consumer/:worker",
    "POST /api/worker/queue/cancel-consumer/:worker",
    "POST /api/task/rate-limit/:name",
    "POST /api/task/timeout/:name",
    "POST /api/dead-letters/replay",
    "POST /api/dead-letters/discard",
    "POST /api/dead-letters/:id/replay",
    "POST /api/control/rate_limit",
    "POST /api/control/time_limit",
    "POST /api/control/revoke",
    "POST /api/control/cancel_consumer",
    "POST /api/control/add_consumer",
    "POST /api/control/shutdown",
    "POST /api/control/start",
    "POST /api/control/purge",
    "POST /dashboard/tasks/:id/revoke",
    "POST /dashboard/tasks/:id/replay",
    "POST /dashboard/tasks/:id/reschedule",
    "POST /dashboard/tasks/:id/event",
    "POST /dashboard/tasks/bulk",
    "POST /dashboard/dead-letters/bulk",
    "POST /dashboard/new-schedule",
    "POST /dashboard/new-schedule/preview",
    "POST /dashboard/schedules/:name/edit/preview",
    "POST /dashboard/schedules/:name/edit",
    "POST /dashboard/schedules/:name/switch",
    "POST /dashboard/schedules/:name/run",
    "POST /dashboard/schedules/:name/backfill",
    "POST /dashboard/schedules/:name/delete",
    "POST /dashboard/queues/cancel_consumer",
    "POST /dashboard/queues/add_consumer",
    "POST /dashboard/queues/shutdown",
    "POST /dashboard/queues/start",
    "POST /dashboard/queues/purge",
    "POST /dashboard/queues/rate_limit",
    "POST /dashboard/queues/time_limit",
    "POST /dashboard/reports",
  ],
  admin: [
    "PATCH /api/users/:id",
    "DELETE /api/reviews/:id",
    "POST /api/mail/suppressions",
    "DELETE /api/mail/suppressions/:address",
    "POST /api/backups",
    "POST /api/backups/:id/restore",
    "POST /dashboard/accounts/:id/role",
    "POST /dashboard/mail/suppressions",
    "POST /dashboard/mail/suppressions/remove",
  ],
};

/** What everybody may read. */
const FOR_ALL = [
  ...["/", "/docs", "/openapi.json", "/healthz", "/healthcheck", "/readyz", "/password-reset"],
  ...["/api/public", "/api/products", "/api/products/:sku", "/api/products/:sku/reviews"],
  ...["/api/mail/unsubscribe/:token", "/dashboard/sign-in"],
];

/** Requests at the same time. */
const AT_ONCE = 40;

const credentials = new Map<Caller, Record<string, string>>();

beforeAll(async () => {
  for (const role of ["user", "viewer", "operator", "admin"] as const) {
    await account(`a-${role}`, role);
    if (role !== "user") credentials.set(role, { Cookie: await signIn(`a-${role}`) });
  }
  const body = JSON.stringify({ username: "a-user", password: "correct horse battery" });
  const headers = { "Content-Type": "application/json" };
  const login = await send("/api/login/", { method: "POST", headers, body });
  const { token } = await login.json<{ token: string }>();
  credentials.set("user", { Authorization: `Bearer ${token}` });
  for (const scope of CALLERS.filter((caller) => caller.match(/[:]|monitor|control/))) {
    credentials.set(scope, {
      Authorization: `Bearer ${await keyFor("program", [scope])}`,
    });
  }
}, 60_000);

it("changes are what they are known to be, and for whom", () => {
  const shop = new Set(["orders:write", "orders:manage", "person or shop"]);
  const changes = routes.filter(({ method, scope }) => method !== "GET" && !shop.has(scope));
  const byScope = Object.groupBy(changes, ({ scope }) => scope);
  const found = Object.entries(byScope).map(([scope, some]) => [scope, some?.map(nameOf).sort()]);
  const known = Object.entries(CHANGES).map(([scope, some]) => [scope, some.toSorted()]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(known));
});

it("what everybody may read is known", () => {
  const open = routes.filter(({ method, scope }) => method === "GET" && scope === "public");
  expect(open.map(({ path }) => path).sort()).toEqual(FOR_ALL.toSorted());
});

/** A request that fits nothing: no such id, no body that is any. */
function asked(method: string, path: string, caller: Caller): Promise<Response> {
  const filled = path.replaceAll(/:\w+/g, "nothing-of-this-name");
  const body = method === "GET" ? {} : { body: "?" };
  const headers = {
    "Content-Type": "application/octet-stream",
    ...OURS,
    ...credentials.get(caller),
  };
  return send(filled, { method, headers, ...body });
}

/** What ends that by which a caller is known. */
const ENDS = [
  ...["DELETE /api/sessions", "POST /api/logout"],
  ...["POST /dashboard/sign-out", "POST /dashboard/account/end-others"],
];

/** What is wrong with how a route answers a caller; null: nothing. */
async function faultOf(route: Route, caller: Caller): Promise<string | null> {
  const { method, path, scope, alsoNeeds = scope } = route;
  const isAllowed = [scope, alsoNeeds].every((one) => ALLOWED[one]?.includes(caller) === true);
  const answer = await asked(method, path, caller);
  const { status } = answer;
  await answer.body?.cancel();
  const name = nameOf(route);
  const expected = caller === "nobody" || scope === "person" ? 401 : 403;
  if (!isAllowed) return status === expected ? null : `${name}: ${status}`;
  // There are no pools, and no webhook here, for nobody.
  if (/\/pool\/|\/payments\/webhook$/.test(path)) return null;
  return status === 401 || status === 403 || status >= 500 ? `${name}: ${status}` : null;
}

it.each(CALLERS)(
  "%s may do what routes say and nothing else",
  async (caller) => {
    const wanted = routes.filter((route) => !ENDS.includes(nameOf(route)));
    const faults: (string | null)[] = [];
    for (let start = 0; start < wanted.length; start += AT_ONCE) {
      const some = wanted.slice(start, start + AT_ONCE);
      faults.push(...(await Promise.all(some.map((route) => faultOf(route, caller)))));
    }
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  },
  60_000,
);

it("what was refused is in no audit log", async () => {
  const { results } = await env.DB.prepare(
    "SELECT DISTINCT actor FROM audit_log WHERE status IN (401, 403) AND action NOT LIKE '%/pool/%'",
  ).all();
  expect(results).toEqual([]);
});
