import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import { declaredRoutes } from "../../scripts/openapi/declared-routes.ts";
import { RATES, type Rate } from "../../src/delivery/api/callers/rates.ts";
import { keyFor } from "./credentials.ts";
import { documented } from "./documented.ts";
import { send } from "./visitors.ts";

const ON = { RATE_LIMITS: "on" };
const routes = declaredRoutes();
/** The platform's counters, none of which lets anybody pass. */
const full = Object.fromEntries(
  Object.keys(RATES).map((rate) => [
    `RATE_${rate.toUpperCase()}`,
    { limit: async () => ({ success: false }) },
  ]),
);
const FULL = { ...ON, ...full };

let admin: Record<string, string> = {};

beforeAll(async () => {
  admin = { Authorization: `Bearer ${await keyFor("program", ["admin"])}` };
}, 60_000);

/** Rates that a route of this kind may have; what is not listed is a mistake. */
function ratesFor({ method, scope }: (typeof routes)[number]): readonly Rate[] {
  if (method === "GET") return scope === "public" ? ["public"] : ["read"];
  if (scope === "public") return ["auth", "webhook", "public"];
  if (scope === "person") return ["auth"];
  return ["monitor", "control", "admin"].includes(scope) ? ["control"] : ["submit", "upload"];
}

it("every route is counted with others of its kind", () => {
  const odd = routes.filter((route) => !ratesFor(route).includes(route.rate));
  expect(odd.map(({ method, path, rate }) => `${method} ${path}: ${rate}`)).toEqual([]);
  expect(new Set(routes.map(({ rate }) => rate))).toEqual(new Set(Object.keys(RATES)));
});

it("passwords and accounts are counted slowly, and so are files", () => {
  const of = (rate: Rate) =>
    routes.filter((route) => route.rate === rate).map(({ method, path }) => `${method} ${path}`);
  expect(of("upload")).toEqual(["POST /api/files"]);
  expect(of("auth")).toEqual(
    expect.arrayContaining([
      "POST /api/login",
      "POST /api/register",
      "POST /api/password-reset",
      "POST /api/password-reset/confirm",
      "POST /dashboard/sign-in",
    ]),
  );
});

it("every route refuses a request too many before anything is looked at", async () => {
  const known = routes.filter(({ scope }) => !scope.startsWith("person"));
  for (const { method, path, rate } of known) {
    const url = path.replaceAll(/:\w+/g, "nothing");
    const answer = await send(url, { method, headers: admin, deployment: FULL });
    const { seconds } = RATES[rate];
    expect([answer.status, answer.headers.get("Retry-After")], `${method} ${path}`).toEqual([
      429,
      String(seconds),
    ]);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status: 429, code: "too_many_requests" });
  }
}, 60_000);

it.each([
  ["GET", "/api/tasks/nothing/"],
  ["GET", "/api/products/"],
  ["GET", "/healthz"],
  ["POST", "/api/login/"],
  ["POST", "/api/task/async-apply/process_data"],
])("%s %s has the refusal in its document", async (method, path) => {
  const answer = await send(path, { method, headers: admin, deployment: FULL });
  await expect(documented(method, `http://lovage${path}`, answer)).resolves.toBeDefined();
});

it("the platform counts by caller and kind of route", async () => {
  const address = { "CF-Connecting-IP": "203.0.113.77" };
  const one = () =>
    send("/dashboard/sign-out", { method: "POST", headers: address, deployment: ON });
  const statuses: number[] = [];
  // Its window may end once in between.
  while (statuses.length <= 2 * RATES.auth.requests && statuses.at(-1) !== 429) {
    statuses.push((await one()).status);
  }
  expect(statuses.at(-1)).toBe(429);
  expect(statuses.length).toBeGreaterThan(RATES.auth.requests);
  const others = await send("/dashboard/sign-out", {
    method: "POST",
    headers: { "CF-Connecting-IP": "203.0.113.78" },
    deployment: ON,
  });
  expect(others.status).not.toBe(429);
  const reading = await send("/healthz", { headers: address, deployment: ON });
  expect(reading.status).toBe(200);
});

it("who is not let in spends nobody's allowance", async () => {
  const counted: string[] = [];
  const RATE_READ = {
    limit: async ({ key }: { key: string }) => ({ success: counted.push(key) > 0 }),
  };
  const deployment = { ...ON, RATE_READ };
  await send("/api/tasks/", { deployment });
  await send("/api/tasks/", { headers: { Authorization: "Bearer lv_x_y" }, deployment });
  expect(counted).toEqual([]);
  await send("/api/tasks/", { headers: admin, deployment });
  expect(counted).toEqual(["owner program"]);
});

it("a counter that fails keeps nobody out", async () => {
  const broken = { limit: () => Promise.reject(new Error("no counter")) };
  const deployment = { ...ON, RATE_PUBLIC: broken };
  expect((await send("/healthz", { deployment })).status).toBe(200);
});

it("where it is off nothing is counted", async () => {
  expect(env.RATE_LIMITS).toBe("off");
  const answer = await send("/healthz", { deployment: { ...full, RATE_LIMITS: "off" } });
  expect(answer.status).toBe(200);
});
