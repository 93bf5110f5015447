import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import {
  account,
  JSON_BODY,
  keptCookie,
  OURS,
  PAGE,
  PASSWORD,
  post,
  postJson,
  send,
  signIn,
} from "./visitors.ts";

beforeAll(async () => {
  await account("vera", "viewer");
  await account("otto", "operator");
  await account("anna", "admin");
  await account("udo", "user");
}, 60_000);

const profile = async (cookie: string) => send("/api/profile/", { headers: { Cookie: cookie } });
const isIn = async (cookie: string) => (await profile(cookie)).status === 200;
const page = (path: string, cookie = "", headers = {}) =>
  send(path, { headers: { ...PAGE, ...(cookie !== "" && { Cookie: cookie }), ...headers } });
const codeOf = async (answer: Response) => (await answer.json<{ code: string }>()).code;
/** The id of the session in a cookie. */
const sessionIn = (cookie: string) => /lvu_(\w{18})_/.exec(cookie)?.[1] ?? "";

it("the cookie is this host's alone, and no script's", async () => {
  const answer = await post("/dashboard/sign-in", { username: "vera", password: PASSWORD });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toBe("/dashboard");
  expect(answer.headers.get("Set-Cookie")).toMatch(
    /^__Host-session=lvu_[0-9a-z]{18}_[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
  );
});

it.each(["vera", "otto", "anna"])("%s is signed in, for pages and for the API", async (name) => {
  const cookie = await signIn(name);
  expect(await (await profile(cookie)).json()).toMatchObject({ username: name });
  expect((await page("/dashboard/mail", cookie)).status).toBe(200);
});

it("a plain user is told that the dashboard is not theirs, and gets no session", async () => {
  const answer = await post("/dashboard/sign-in", { username: "udo", password: PASSWORD });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("Set-Cookie")).toBeNull();
  expect(await answer.text()).toContain("Your account has no such role");
  const found = await env.DB.prepare(
    "SELECT count(*) AS n FROM sessions WHERE seen_at IS NOT NULL AND user_id = (SELECT id FROM users WHERE username = 'udo')",
  ).first("n");
  expect(found).toBe(0);
});

it("a wrong password and a name that nobody has are answered alike, but for the name", async () => {
  const texts = [];
  for (const username of ["vera", "nobody"]) {
    const answer = await post("/dashboard/sign-in", { username, password: "guess" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("Set-Cookie")).toBeNull();
    texts.push((await answer.text()).replaceAll(username, "NAME"));
  }
  expect(texts[0]).toContain("The user name or the password is not right.");
  expect(texts[0]).toBe(texts[1]);
});

it("a plain user with a wrong password is told nothing of roles", async () => {
  const answer = await post("/dashboard/sign-in", { username: "udo", password: "guess" });
  expect(answer.status).toBe(401);
  expect(await answer.text()).not.toContain("no such role");
});

it("too many tries are told with the time to wait, at both doors together", async () => {
  const statuses: number[] = [];
  // More than twice the limit: the window may change in between.
  for (let tries = 0; tries < 24; tries += 1) {
    const body = { username: "locked-out", password: "guess" };
    const answer = await (tries % 2 === 0
      ? post("/dashboard/sign-in", body)
      : postJson("/api/login/", body));
    statuses.push(answer.status);
    if (answer.status !== 429 || tries % 2 === 1) continue;
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await answer.text()).toMatch(/Too many tries\. Try again in (a minute|\d+ minutes)\./);
  }
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
});

it("what is typed comes back as text, whatever it is", async () => {
  const username = `"><script>alert(1)</script>`;
  const answer = await post("/dashboard/sign-in", { username, password: "guess", next: username });
  const html = await answer.text();
  expect(html).not.toContain("<script>alert");
  expect(html).toContain("&lt;script&gt;alert");
});

it("every sign-in has a token of its own, and ends the session that the browser had", async () => {
  const first = await signIn("vera");
  const other = await signIn("vera");
  const second = await signIn("otto", first);
  expect(second).not.toBe(first);
  expect(await Promise.all([first, other, second].map(isIn))).toEqual([false, true, true]);
});

it("nobody gets a session with a token that was given to them", async () => {
  const planted = `__Host-session=lvu_${"0".repeat(18)}_${"A".repeat(43)}`;
  const cookie = await signIn("vera", planted);
  expect(cookie).not.toBe(planted);
  expect(await isIn(planted)).toBe(false);
});

it("signing out ends the session on the server, and has the browser forget it", async () => {
  const cookie = await signIn("otto");
  const other = await signIn("otto");
  const answer = await post("/dashboard/sign-out", {}, { Cookie: cookie });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toBe("/dashboard/sign-in");
  expect(answer.headers.get("Set-Cookie")).toBe(
    "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
  );
  expect(await Promise.all([cookie, other].map(isIn))).toEqual([false, true]);
});

it("a session that was ended elsewhere is over at once", async () => {
  const cookie = await signIn("otto");
  const other = await signIn("otto");
  const ended = await post(
    "/dashboard/account/end-session",
    { session: sessionIn(cookie) },
    { Cookie: other },
  );
  expect(ended.status).toBe(303);
  expect(await isIn(cookie)).toBe(false);
});

it("nobody ends others' sessions", async () => {
  const hers = await signIn("anna");
  const id = sessionIn(hers);
  const his = await signIn("otto");
  const answer = await post("/dashboard/account/end-session", { session: id }, { Cookie: his });
  expect(answer.status).toBe(404);
  expect(await isIn(hers)).toBe(true);
});

it("all others are ended at once, but for the one in use", async () => {
  const others = [await signIn("anna"), await signIn("anna")];
  const mine = await signIn("anna");
  const answer = await post("/dashboard/account/end-others", {}, { Cookie: mine });
  expect(answer.status).toBe(303);
  expect(await Promise.all([...others, mine].map(isIn))).toEqual([false, false, true]);
});

it.each<[string, string]>([
  ["seen_at = seen_at - 1800000", "half an hour without use"],
  ["created_at = created_at - 43200000", "twelve hours, for who runs the deployment"],
  ["expires_at = expires_at - 43200000", "twelve hours, whoever they are"],
])("a session is over after %s: %s", async (change) => {
  const cookie = await signIn("vera");
  const id = sessionIn(cookie);
  expect(await isIn(cookie)).toBe(true);
  await env.DB.prepare(`UPDATE sessions SET ${change} WHERE id = ?`).bind(id).run();
  expect(await isIn(cookie)).toBe(false);
  expect((await page("/dashboard/mail", cookie)).status).toBe(303);
});

it("use keeps a session alive; what a page asks for by itself doesn't", async () => {
  const cookie = await signIn("vera");
  const id = sessionIn(cookie);
  const seen = () => env.DB.prepare("SELECT seen_at FROM sessions WHERE id = ?").bind(id).first();
  await env.DB.prepare("UPDATE sessions SET seen_at = seen_at - 600000 WHERE id = ?")
    .bind(id)
    .run();
  const before = await seen();
  const byItself = { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors" };
  // Older browsers don't say why they ask; the page's script does.
  for (const headers of [byItself, { "X-Live": "1" }]) {
    await page("/dashboard/mail", cookie, headers);
    expect(await seen()).toEqual(before);
  }
  await page("/dashboard/mail", cookie, { ...byItself, "Sec-Fetch-Mode": "navigate" });
  const after = await seen();
  expect(Number(after?.["seen_at"])).toBeGreaterThan(Number(before?.["seen_at"]));
  // Noted a moment ago: no row is written for the next.
  await page("/dashboard/mail", cookie);
  expect(await seen()).toEqual(after);
});

it("who is demoted keeps the session and loses what it could do", async () => {
  const cookie = await signIn("otto");
  const role = (name: string) =>
    env.DB.prepare("UPDATE users SET role = ? WHERE username = 'otto'").bind(name).run();
  try {
    await role("viewer");
    const body = { queue: "default" };
    const headers = { Cookie: cookie };
    expect((await postJson("/api/control/purge/", body, headers)).status).toBe(403);
    expect((await page("/dashboard/mail", cookie)).status).toBe(200);
    await role("user");
    expect((await page("/dashboard/mail", cookie)).status).toBe(403);
    // Twelve hours and half an hour hold for it all the same.
    const id = sessionIn(cookie);
    await env.DB.prepare("UPDATE sessions SET seen_at = seen_at - 1800000 WHERE id = ?")
      .bind(id)
      .run();
    expect(await isIn(cookie)).toBe(false);
  } finally {
    await role("operator");
  }
});

it("two cookies of this name, or nonsense in it, are none", async () => {
  const cookie = await signIn("vera");
  const values = [`${cookie}; ${cookie}`, `${cookie}; __Host-session=x`, `${cookie}\t"`];
  for (const value of values) expect(await isIn(value), value).toBe(false);
  expect(await isIn(`a=b; ${cookie};c=d`)).toBe(true);
});

it("a cookie that is over is counted against nobody", async () => {
  const stale = `__Host-session=lvu_${"0".repeat(18)}_${"A".repeat(43)}`;
  for (let tries = 0; tries < 70; tries += 1) {
    const headers = { Cookie: stale, "CF-Connecting-IP": "203.0.113.9" };
    expect((await send("/api/profile/", { headers })).status).toBe(401);
  }
});

it("a header counts before a cookie, also one that is wrong", async () => {
  const cookie = await signIn("vera");
  const headers = { Cookie: cookie, Authorization: "Bearer nonsense" };
  expect((await send("/api/profile/", { headers })).status).toBe(401);
});

it.each([
  ["/dashboard/mail", "/dashboard/sign-in?next=%2Fdashboard%2Fmail"],
  [
    "/dashboard/audit?actor=a%26b",
    "/dashboard/sign-in?next=%2Fdashboard%2Faudit%3Factor%3Da%2526b",
  ],
])("a browser that comes to %s without a session is sent to sign in", async (path, location) => {
  const answer = await page(path);
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toBe(location);
  const program = await send(path);
  expect(program.status).toBe(401);
  expect(program.headers.get("Content-Type")).toBe("application/problem+json");
});

it("a form whose session was over leads to sign in, and from there back to its page", async () => {
  const from = { Referer: "http://lovage/dashboard/accounts?role=user" };
  const answer = await post("/dashboard/accounts/1/role", { role: "admin" }, from);
  expect(answer.headers.get("Location")).toBe(
    "/dashboard/sign-in?next=%2Fdashboard%2Faccounts%3Frole%3Duser",
  );
  const elsewhere = { Referer: "http://evil.example/dashboard" };
  const other = await post("/dashboard/accounts/1/role", { role: "admin" }, elsewhere);
  expect(other.headers.get("Location")).toBe("/dashboard/sign-in");
});

it.each([
  "//evil.example/",
  "/\\evil.example/",
  "https://evil.example/dashboard",
  "/dashboard@evil.example/",
  "/dashboardx",
  "/dashboard\\evil",
  "/dashboard/\r\nSet-Cookie: a=b",
  "/dashboard/\n",
  "javascript:alert(1)",
  "/api/users/",
  " /dashboard/mail",
  "/\t/evil.example",
  "",
])("after the sign-in nobody is sent to %j", async (next) => {
  const fields = { username: "vera", password: PASSWORD, next };
  const answer = await post("/dashboard/sign-in", fields);
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toBe("/dashboard");
  const cookie = keptCookie(answer);
  const already = await page(`/dashboard/sign-in?next=${encodeURIComponent(next)}`, cookie);
  expect(already.headers.get("Location")).toBe("/dashboard");
});

it("after the sign-in a browser goes on to where it was going", async () => {
  const next = "/dashboard/mail?template=welcome&locale=ru";
  const answer = await post("/dashboard/sign-in", { username: "vera", password: PASSWORD, next });
  expect(answer.headers.get("Location")).toBe(next);
});

it.each<[string, Record<string, string>]>([
  ["another site's", { Origin: "https://evil.example" }],
  ["a subdomain's", { Origin: "http://evil.lovage" }],
  ["another port's", { Origin: "http://lovage:8080" }],
  ["the same host's in the clear, or not", { Origin: "https://lovage" }],
  ["nobody's", { Origin: "null" }],
  ["nobody's, from here they say", { Origin: "null", "Sec-Fetch-Site": "same-origin" }],
  ["another site's, from here they say", { Origin: "http://e.x", "Sec-Fetch-Site": "same-origin" }],
  ["a request that says nothing", {}],
  ["another site's without its name", { "Sec-Fetch-Site": "cross-site" }],
  ["a sibling's without its name", { "Sec-Fetch-Site": "same-site" }],
  ["an address bar's", { "Sec-Fetch-Site": "none" }],
])("what changes something is refused as %s, whatever it is", async (_what, from) => {
  const cookie = await signIn("anna");
  const bodies: [string, string][] = [
    ["application/json", '{"queue":"default"}'],
    ["text/plain", '{"queue":"default"}'],
    ["application/x-www-form-urlencoded", "role=admin"],
  ];
  for (const [type, body] of bodies) {
    for (const path of ["/api/control/purge/", "/dashboard/accounts/1/role"]) {
      const headers = { Cookie: cookie, "Content-Type": type, ...from };
      const answer = await send(path, { method: "POST", headers, body });
      expect(answer.status).toBe(403);
      expect(await codeOf(answer)).toBe("cross_site");
    }
  }
  for (const path of ["/dashboard/sign-in", "/dashboard/sign-out"]) {
    const headers = {
      Cookie: cookie,
      "Content-Type": "application/x-www-form-urlencoded",
      ...from,
    };
    const answer = await send(path, { method: "POST", headers, body: "username=udo&password=x" });
    expect(answer.status).toBe(403);
  }
  expect(await isIn(cookie)).toBe(true);
  const removed = await send("/api/sessions/", {
    method: "DELETE",
    headers: { Cookie: cookie, ...from },
  });
  expect(removed.status).toBe(403);
});

it.each<[string, Record<string, string>]>([
  ["its own origin", { Origin: "http://lovage" }],
  ["the deployment's public one", { Origin: "https://shop.example.com" }],
  ["a browser that says so without naming it", { "Sec-Fetch-Site": "same-origin" }],
])("what changes something is accepted from %s", async (_what, from) => {
  const cookie = await signIn("anna");
  const answer = await send("/api/control/add_consumer/", {
    method: "POST",
    headers: { ...JSON_BODY, Cookie: cookie, ...from },
    body: '{"queue":"default"}',
    deployment: { PUBLIC_URL: "https://shop.example.com" },
  });
  expect(answer.status).toBe(200);
});

it("JSON that says it is text is not read, also from here", async () => {
  const cookie = await signIn("anna");
  const headers = { Cookie: cookie, ...OURS, "Content-Type": "text/plain" };
  const body = '{"queue":"default"}';
  const answer = await send("/api/control/purge/", { method: "POST", headers, body });
  expect(answer.status).toBe(415);
});

it.each<[string, number, Record<string, string>]>([
  [
    "a link that is followed from a mail",
    200,
    { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" },
  ],
  ["a frame", 403, { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" }],
  ["a picture", 403, { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" }],
  ["a script", 403, { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script" }],
  ["a fetch", 403, { "Sec-Fetch-Mode": "cors", Origin: "https://evil.example" }],
  ["an event stream", 403, { "Sec-Fetch-Mode": "cors", Accept: "text/event-stream" }],
  ["a WebSocket", 403, { Upgrade: "websocket", Origin: "https://evil.example" }],
  ["a WebSocket that doesn't say whose", 403, { Upgrade: "websocket" }],
])("from another site %s gets %i", async (_what, status, headers) => {
  const cookie = await signIn("vera");
  const from = { ...PAGE, Cookie: cookie, "Sec-Fetch-Site": "cross-site", ...headers };
  expect((await send("/dashboard/mail", { headers: from })).status).toBe(status);
});

it("an event stream is opened by pages of ours alone", async () => {
  const cookie = await signIn("vera");
  const stream = { Cookie: cookie, Accept: "text/event-stream" };
  expect((await send("/api/queues/", { headers: stream })).status).toBe(403);
  const ours = { ...stream, "Sec-Fetch-Site": "same-origin" };
  expect((await send("/api/queues/", { headers: ours })).status).toBe(200);
});

it("who has not the role gets a page that says so, and a program a problem", async () => {
  const cookie = await signIn("vera");
  const answer = await page("/dashboard/accounts", cookie);
  expect(answer.status).toBe(403);
  expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  const html = await answer.text();
  expect(html).toContain("Not allowed");
  expect(html).toContain("Sign out");
  const program = await send("/dashboard/accounts", { headers: { Cookie: cookie } });
  expect(await codeOf(program)).toBe("forbidden");
});

it.each(["vera", "otto"])("%s is refused what only admins do, button or not", async (name) => {
  const headers = { Cookie: await signIn(name) };
  expect((await post("/dashboard/accounts/1/role", { role: "admin" }, headers)).status).toBe(403);
  for (const path of ["/dashboard/accounts", "/dashboard/audit", "/api/audit/", "/api/users/"]) {
    expect((await send(path, { headers })).status).toBe(403);
  }
});

it("a viewer is refused what operators do", async () => {
  const headers = { Cookie: await signIn("vera") };
  for (const [path, body] of [
    ["/api/control/purge/", { queue: "default" }],
    ["/api/tasks/", { name: "process_data", kwargs: { data: "x" } }],
    ["/api/dead-letters/replay/", { ids: ["x"] }],
    ["/api/schedules/backup_database/run/", {}],
  ] as const) {
    expect((await postJson(path, body, headers)).status).toBe(403);
  }
});

it("an admin gives a role on the page, and the last admin stays", async () => {
  const headers = { Cookie: await signIn("anna") };
  const id = await account("emil", "user");
  const next = "/dashboard/accounts?username=emil";
  const given = await post(`/dashboard/accounts/${id}/role`, { role: "operator", next }, headers);
  expect([given.status, given.headers.get("Location")]).toEqual([303, next]);
  const html = await (await page(next, headers.Cookie)).text();
  expect(html).toContain("emil");
  expect(html).toMatch(/<option selected(="")?>operator</);
  const anna = await env.DB.prepare("SELECT id FROM users WHERE username = 'anna'").first("id");
  const last = await post(`/dashboard/accounts/${String(anna)}/role`, { role: "user" }, headers);
  expect(last.status).toBe(409);
  expect(await last.text()).toContain("There would be no admin left");
  expect((await post(`/dashboard/accounts/${id}/role`, { role: "root" }, headers)).status).toBe(
    422,
  );
});

it("where access is open a page says so loudly; a session counts all the same", async () => {
  const open = { OPEN_ACCESS: "true" };
  const anonymous = await send("/dashboard/mail", { headers: PAGE, deployment: open });
  expect(await anonymous.text()).toContain("Access is open");
  const cookie = await signIn("vera");
  const headers = { ...PAGE, Cookie: cookie };
  const signedIn = await send("/dashboard/mail", { headers, deployment: open });
  expect(await signedIn.text()).toContain("Sign out");
  const refused = await send("/dashboard/accounts", { headers, deployment: open });
  expect(refused.status).toBe(403);
});

it("pages come with a policy, and say where their forms come from", async () => {
  const answer = await page("/dashboard/sign-in");
  expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  expect(answer.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
  expect(answer.headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
  expect(answer.headers.get("Referrer-Policy")).toBe("same-origin");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
});
