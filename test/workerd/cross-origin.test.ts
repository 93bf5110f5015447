import { beforeAll, expect, it } from "vitest";
import { keyFor } from "./credentials.ts";
import { account, JSON_BODY, send, signIn } from "./visitors.ts";

const FRIEND = "https://shop.example.org";
const STRANGER = "https://evil.example";
const OPEN = { CORS_ORIGINS: `${FRIEND}, http://localhost:3000` };
const NONE = {};
const FULL = {
  ...OPEN,
  RATE_LIMITS: "on",
  RATE_READ: { limit: async () => ({ success: false }) },
};
const PREFLIGHT = { "Access-Control-Request-Method": "POST" };

let key: Record<string, string> = {};
let cookie = "";

beforeAll(async () => {
  key = { Authorization: `Bearer ${await keyFor("program", ["admin"])}` };
  await account("anna", "admin");
  cookie = await signIn("anna");
}, 60_000);

function corsOf({ headers }: Response): (string | null)[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}

/** Answers of every kind, each asked by a page of `Origin`. */
const ASKED: readonly (readonly [what: string, status: number, path: string, sent: object])[] = [
  ["200", 200, "/api/tasks/definitions", {}],
  ["202", 202, "/api/tasks/", { method: "POST", body: '{"name":"process_data","args":["x"]}' }],
  ["400", 400, "/api/tasks/", { method: "POST", body: "{" }],
  ["401", 401, "/api/tasks/definitions", { headers: { Authorization: "Bearer wrong" } }],
  ["404 of a task", 404, "/api/tasks/nothing/", {}],
  ["404 of a path", 404, "/api/nothing/", {}],
  ["405", 405, "/api/tasks/bulk/", { method: "DELETE" }],
  ["413", 413, "/api/tasks/", { method: "POST", body: " ".repeat(2_000_000) }],
  ["415", 415, "/api/tasks/", { method: "POST", body: "x", headers: { "Content-Type": "a/b" } }],
  ["422", 422, "/api/tasks/", { method: "POST", body: "{}" }],
];

function ask(path: string, sent: object, origin: string | null, deployment: object) {
  const { headers = {}, ...rest } = sent as { headers?: Record<string, string> };
  const from = origin === null ? {} : { Origin: origin, "Sec-Fetch-Site": "cross-site" };
  return send(path, {
    ...rest,
    headers: { ...JSON_BODY, ...key, ...headers, ...from },
    deployment: deployment as Record<string, unknown>,
  });
}

it.each(ASKED)("a page that is on the list may read %s", async (_what, status, path, sent) => {
  const answer = await ask(path, sent, FRIEND, OPEN);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(FRIEND);
  expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("Retry-After");
  expect(answer.headers.get("Vary")).toBe("Origin");
});

it.each(ASKED)("another page may not read %s", async (_what, status, path, sent) => {
  for (const origin of [STRANGER, "null", `${FRIEND}.evil.example`, "https://SHOP.example.org:1"]) {
    const answer = await ask(path, sent, origin, OPEN);
    expect(answer.status).toBe(status);
    expect(corsOf(answer)).toEqual([]);
    expect(answer.headers.get("Vary")).toBe("Origin");
  }
});

it.each(ASKED)("without a list nobody else may read %s", async (_what, status, path, sent) => {
  for (const origin of [FRIEND, STRANGER, null]) {
    const answer = await ask(path, sent, origin, NONE);
    expect(answer.status).toBe(status);
    expect(corsOf(answer)).toEqual([]);
    expect(answer.headers.get("Vary")).toBeNull();
  }
});

it("a page that is on the list may read that it asked too often", async () => {
  const answer = await ask("/api/tasks/definitions", {}, FRIEND, FULL);
  expect(answer.status).toBe(429);
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(FRIEND);
});

it("who asks without an origin gets an answer that no cache gives to another", async () => {
  const answer = await ask("/api/tasks/definitions", {}, null, OPEN);
  expect(answer.headers.get("Vary")).toBe("Origin");
  expect(corsOf(answer)).toEqual([]);
});

it("a page that is on the list is told beforehand what it may send", async () => {
  for (const path of ["/api/tasks/", "/api/control/purge", "/openapi.json"]) {
    const headers = { Origin: FRIEND, ...PREFLIGHT };
    const answer = await send(path, { method: "OPTIONS", headers, deployment: OPEN });
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": FRIEND,
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, traceparent",
      "access-control-max-age": "600",
      vary: "Origin",
    });
    expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  }
});

it.each([
  ["another page", STRANGER, "/api/tasks/", OPEN],
  ["a page that is on no list", FRIEND, "/api/tasks/", NONE],
  ["a page that wants the dashboard", FRIEND, "/dashboard/queues/purge", OPEN],
  ["a page that wants what is at no path", STRANGER, "/api/nothing/", OPEN],
])("%s is told nothing", async (_who, origin, path, deployment) => {
  const headers = { Origin: origin, ...PREFLIGHT };
  const answer = await send(path, { method: "OPTIONS", headers, deployment });
  expect([404, 405]).toContain(answer.status);
  expect(corsOf(answer)).toEqual([]);
});

it("a cookie counts for nothing from a page that is on the list", async () => {
  for (const [method, path] of [
    ["GET", "/api/audit/"],
    ["POST", "/api/control/start/"],
  ] as const) {
    const answer = await send(path, {
      method,
      headers: { ...JSON_BODY, Cookie: cookie, Origin: FRIEND, "Sec-Fetch-Site": "cross-site" },
      ...(method === "POST" && { body: "{}" }),
      deployment: OPEN,
    });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "cross_site" });
  }
});

it("the dashboard is for no other page", async () => {
  const headers = { Cookie: cookie, Origin: FRIEND };
  const answer = await send("/dashboard/", { headers, deployment: OPEN });
  expect(corsOf(answer)).toEqual([]);
});
