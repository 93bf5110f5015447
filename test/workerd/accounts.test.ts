import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ended } from "./api.ts";
import { documented } from "./documented.ts";

/** A deployment as it is by default: closed. */
const closed = { ...env, OPEN_ACCESS: "false" };
const PASSWORD = "correct horse battery";

let sender = 0;

/** A request to a closed deployment; each comes from an address of its own unless it says one. */
async function call(
  method: string,
  path: string,
  {
    token = null,
    body,
    address = `198.51.100.${(sender += 1)}`,
    scheme = "Bearer",
  }: { token?: string | null; body?: unknown; address?: string; scheme?: string } = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request(`http://lovage${path}`, {
    method,
    headers: {
      "CF-Connecting-IP": address,
      "User-Agent": "guide's client",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(token !== null && { Authorization: `${scheme} ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = await worker.fetch(request, closed, ctx);
  await waitOnExecutionContext(ctx);
  return documented(request.method, request.url, answer);
}

interface Registered {
  readonly message: string;
  readonly user_id: number;
  readonly username: string;
  readonly token: string;
  readonly email_sent: string;
}

const person = (username: string, over: object = {}) => ({
  username,
  email: `${username}@example.com`,
  password: PASSWORD,
  first_name: "New",
  last_name: "User",
  ...over,
});

async function registered(username: string, over: object = {}): Promise<Registered> {
  const answer = await call("POST", "/api/register/", { body: person(username, over) });
  expect(answer.status).toBe(201);
  return answer.json();
}

const codeOf = async (answer: Response) => (await answer.json<{ code: string }>()).code;
const json = <Body>(answer: Response) => answer.json<Body>();

async function makeAdmin(userId: number): Promise<void> {
  await env.DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(userId).run();
}

let ada: Registered;
let admin: Registered;

beforeAll(async () => {
  ada = await registered("ada");
  admin = await registered("boss");
  await makeAdmin(admin.user_id);
  await env.DB.prepare("INSERT INTO products VALUES ('cup', 'Cup', 1000, 'USD', NULL, 0)").run();
});

it("registers in the guides' shape, and the welcome mail goes out", async () => {
  const answer = await registered("newuser", { email: "user@example.com" });
  expect(answer).toEqual({
    message: "User registered successfully!",
    user_id: expect.any(Number) as number,
    username: "newuser",
    token: expect.stringMatching(/^lvu_[0-9a-z]{18}_[\w-]{43}$/) as string,
    expires_at: expect.stringMatching(/Z$/) as string,
    email_sent: "Welcome email will be sent shortly",
  });
  const mail = () =>
    env.DB.prepare(
      "SELECT subject, state FROM emails WHERE to_address = 'user@example.com'",
    ).first();
  await expect
    .poll(mail, { timeout: 15_000 })
    .toEqual({ subject: "Welcome, New User!", state: "sent" });
});

it("only who is signed in with an account may use the protected endpoint", async () => {
  expect((await call("GET", "/api/public/")).status).toBe(200);
  expect((await call("GET", "/api/protected/")).status).toBe(401);
  for (const scheme of ["Bearer", "Token"]) {
    const answer = await call("GET", "/api/protected/", { token: ada.token, scheme });
    expect(await answer.json()).toEqual({
      message: "This is a protected endpoint. You are signed in.",
      user: "ada",
    });
  }
});

it("a wrong password and a name that nobody has are answered alike, to the letter", async () => {
  const wrong = await call("POST", "/api/login/", { body: { username: "ada", password: "guess" } });
  const nobody = await call("POST", "/api/login/", { body: { username: "x", password: "guess" } });
  expect([wrong.status, nobody.status]).toEqual([401, 401]);
  expect(await wrong.text()).toBe(await nobody.text());
});

it("an address that somebody has is registered like any other, and a taken user name is 409", async () => {
  const other = await registered("eve", { email: "ADA@example.com" });
  expect(Object.keys(other)).toEqual(Object.keys(ada));
  const own = await json<object>(await call("GET", "/api/profile/", { token: other.token }));
  const hers = await json<object>(await call("GET", "/api/profile/", { token: ada.token }));
  expect(Object.keys(own)).toEqual(Object.keys(hers));
  const login = { username: "eve", password: PASSWORD };
  expect((await call("POST", "/api/login/", { body: login })).status).toBe(200);
  const taken = await call("POST", "/api/register/", { body: person("ADA", { email: "x@y.org" }) });
  expect(taken.status).toBe(409);
  expect(await codeOf(taken)).toBe("username_taken");
});

it("logging out ends this session and no other; a list shows them, and each can be ended", async () => {
  const cleo = await registered("cleo");
  const body = { username: "CLEO", password: PASSWORD };
  const second = await json<Registered>(await call("POST", "/api/login/", { body }));
  const third = await json<Registered>(await call("POST", "/api/login/", { body }));
  const isIn = async (token: string) =>
    (await call("GET", "/api/protected/", { token })).status === 200;
  expect((await call("POST", "/api/logout/", { token: cleo.token })).status).toBe(200);
  expect(await Promise.all([cleo, second, third].map(({ token }) => isIn(token)))).toEqual([
    false,
    true,
    true,
  ]);
  const { sessions } = await json<{ sessions: { id: string; is_current: boolean }[] }>(
    await call("GET", "/api/sessions/", { token: third.token }),
  );
  expect(sessions).toHaveLength(2);
  expect(sessions[0]).toMatchObject({ user_agent: "guide's client" });
  const other = sessions.find((session) => !session.is_current)?.id ?? "";
  expect(third.token).not.toContain(other);
  const theirs = await call("DELETE", `/api/sessions/${other}/`, { token: ada.token });
  const nobodys = await call("DELETE", "/api/sessions/nothing/", { token: ada.token });
  expect([theirs.status, await theirs.text()]).toEqual([404, await nobodys.text()]);
  expect((await call("DELETE", `/api/sessions/${other}/`, { token: third.token })).status).toBe(
    200,
  );
  expect(await isIn(second.token)).toBe(false);
  const all = await call("DELETE", "/api/sessions/", { token: third.token });
  expect(await all.json()).toEqual({ revoked: 1 });
  expect(await isIn(third.token)).toBe(false);
});

it("the profile is read and changed; a new address needs the password", async () => {
  const { token, user_id: id } = await registered("dora");
  const profile = async () => (await call("GET", "/api/profile/", { token })).json();
  expect(await profile()).toEqual({
    user_id: id,
    username: "dora",
    email: "dora@example.com",
    first_name: "New",
    last_name: "User",
    role: "user",
    locale: null,
    date_joined: expect.any(String) as string,
  });
  const change = (body: unknown) => call("PATCH", "/api/profile/", { token, body });
  const changed = await change({ first_name: "Дора", locale: "ru" });
  expect(await changed.json()).toMatchObject({
    first_name: "Дора",
    last_name: "User",
    locale: "ru",
  });
  expect((await change({ email: "d@example.com" })).status).toBe(422);
  expect((await change({ email: "d@example.com", password: "guess guess" })).status).toBe(422);
  expect(await profile()).toMatchObject({ email: "dora@example.com" });
  expect((await change({ email: "d@example.com", password: PASSWORD })).status).toBe(200);
  expect(await profile()).toMatchObject({ email: "d@example.com" });
});

it("the password is changed by who knows it", async () => {
  const { token } = await registered("emma");
  const change = (old: string, fresh: string) =>
    call("POST", "/api/password-change/", {
      token,
      body: { old_password: old, new_password: fresh },
    });
  expect((await change("guess guess", "another horse")).status).toBe(422);
  expect((await change(PASSWORD, "emma1234")).status).toBe(422);
  expect((await change(PASSWORD, "another horse")).status).toBe(200);
  const login = (password: string) =>
    call("POST", "/api/login/", { body: { username: "emma", password } });
  expect((await login(PASSWORD)).status).toBe(401);
  expect((await login("another horse")).status).toBe(200);
});

it("a forgotten password is set by a mailed link; its secrets are in no task", async () => {
  const fred = await registered("fred");
  const answers = [];
  for (const email of ["fred@example.com", "nobody@example.com"]) {
    const answer = await call("POST", "/api/password-reset/", { body: { email } });
    answers.push([answer.status, await answer.text()]);
  }
  expect(answers[0]?.[0]).toBe(202);
  expect(answers[0]).toEqual(answers[1]);
  const mail = () =>
    env.DB.prepare(
      "SELECT task_id, text_body FROM emails WHERE to_address = 'fred@example.com' AND template = 'password_reset'",
    ).first<{ task_id: string; text_body: string }>();
  await expect.poll(mail, { timeout: 15_000 }).not.toBeNull();
  const { task_id: taskId, text_body: text } = (await mail()) ?? { task_id: "", text_body: "" };
  const token = /#(lvr_\S+)/.exec(text)?.[1] ?? "";
  const task = JSON.stringify(await ended(taskId));
  expect(task).toContain('"SUCCESS"');
  expect(task).not.toContain(token.slice(-43));
  expect(task).not.toContain("#lvr_");
  const confirm = (newPassword: string) =>
    call("POST", "/api/password-reset/confirm/", { body: { token, new_password: newPassword } });
  expect((await confirm("password")).status).toBe(422);
  expect((await confirm("another horse")).status).toBe(200);
  const again = await confirm("a third horse");
  expect(again.status).toBe(422);
  expect(await again.json()).toMatchObject({ errors: [{ field: "token" }] });
  expect((await call("GET", "/api/profile/", { token: fred.token })).status).toBe(401);
  const body = { username: "fred", password: "another horse" };
  expect((await call("POST", "/api/login/", { body })).status).toBe(200);
});

it("too many wrong passwords are 429 with the time to wait, for names that nobody has as well", async () => {
  await registered("hugo");
  for (const username of ["hugo", "nobody-at-all"]) {
    const answers: Response[] = [];
    // More than twice the limit: the window may change in between.
    for (let tries = 0; tries < 22; tries += 1) {
      answers.push(await call("POST", "/api/login/", { body: { username, password: "guess" } }));
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
    const refused = answers.filter(({ status }) => status === 429);
    for (const answer of refused) {
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await codeOf(answer)).toBe("too_many_tries");
    }
  }
});

it("nobody tries card after card by paying an order again, and nobody pays another's", async () => {
  const { token, user_id: id } = await registered("ivan");
  await call("PUT", "/api/cart/items/cup/", { token, body: { quantity: 1 } });
  const body = { orderId: `${id}-1`, expectedTotal: 10 };
  await call("POST", "/api/cart/checkout/", { token, body });
  const pay = (as: string) =>
    call("POST", `/api/orders/${id}-1/pay/`, { token: as, body: { paymentMethod: "pm_1" } });
  expect((await pay(ada.token)).status).toBe(404);
  const answers: number[] = [];
  // More than twice the limit: the window may change in between.
  for (let tries = 0; tries < 22; tries += 1) answers.push((await pay(token)).status);
  expect(new Set(answers)).toEqual(new Set([409, 429]));
});

it("people see their own orders and none of the tasks that mail them", async () => {
  const { token, user_id: id } = await registered("gina");
  await call("PUT", "/api/cart/items/cup/", { token, body: { quantity: 1 } });
  const body = { orderId: `${id}-1`, expectedTotal: 10 };
  expect((await call("POST", "/api/cart/checkout/", { token, body })).status).toBe(200);
  expect((await call("GET", `/api/orders/${id}-1/`, { token })).status).toBe(200);
  expect((await call("GET", `/api/orders/${id}-1/`, { token: ada.token })).status).toBe(404);
  const { tasks } = await json<{ tasks: { name: string }[] }>(
    await call("GET", "/api/tasks/search/", { token }),
  );
  expect(tasks.map(({ name }) => name).sort()).toEqual([
    "process_payment",
    "send_order_confirmation_email",
  ]);
});

it("people's orders are confirmed to their own address and to no other, and not without end", async () => {
  const { token, user_id: id } = await registered("buyer");
  const checkOut = async (number: string, over: object = {}) => {
    await call("PUT", "/api/cart/items/cup/", { token, body: { quantity: 1 } });
    const body = { orderId: `${id}-${number}`, expectedTotal: 10, ...over };
    return call("POST", "/api/cart/checkout/", { token, body });
  };
  const foreign = await checkOut("foreign", { customerEmail: "victim@example.com" });
  expect(foreign.status).toBe(422);
  const own = await checkOut("own", { customerEmail: "Buyer@example.com" });
  expect(await own.json()).toMatchObject({ customerEmail: "buyer@example.com" });
  // An hour's thirty may end in between.
  const statuses = [];
  for (let n = 0; n < 62; n += 1) statuses.push((await checkOut(String(n))).status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(
    await env.DB.prepare(
      "SELECT count(*) AS n FROM orders WHERE customer_email LIKE 'victim%'",
    ).first("n"),
  ).toBe(0);
});

it("no name in a mail passes for a link", async () => {
  const names = ["Win at www.evil.com", "evil.рф", "10.0.0.1", "a.b1"];
  for (const name of names) {
    const body = person("linker", { first_name: name });
    expect((await call("POST", "/api/register/", { body })).status, name).toBe(422);
  }
  await registered("tolkien", { first_name: "J.R.R.", last_name: "Tolkien, jr. (the elder)" });
});

it("admins list people page by page and give roles; others may not", async () => {
  const { token } = admin;
  expect((await call("GET", "/api/users/", { token: ada.token })).status).toBe(403);
  const role = { role: "admin" };
  const path = `/api/users/${ada.user_id}/`;
  expect((await call("PATCH", path, { token: ada.token, body: role })).status).toBe(403);
  const ids: number[] = [];
  let cursor: string | null = "0";
  while (cursor !== null) {
    const answer = await call("GET", `/api/users/?limit=2&cursor=${cursor}`, { token });
    const page = await json<{ users: { user_id: number }[]; next_cursor: string | null }>(answer);
    ids.push(...page.users.map(({ user_id: id }) => id));
    cursor = page.next_cursor;
  }
  const { n } =
    (await env.DB.prepare("SELECT count(*) AS n FROM users").first<{ n: number }>()) ?? {};
  expect(ids).toHaveLength(n ?? 0);
  expect(new Set(ids).size).toBe(ids.length);
  const found = await call("GET", "/api/users/?username=ADA", { token });
  expect(await found.json()).toMatchObject({ users: [{ username: "ada", owns_email: true }] });
  const text = await (await call("GET", "/api/users/", { token })).text();
  expect(text).not.toContain("scrypt");
  expect(await (await call("PATCH", path, { token, body: role })).json()).toMatchObject(role);
  expect((await call("GET", "/api/users/", { token: ada.token })).status).toBe(200);
  await call("PATCH", path, { token, body: { role: "user" } });
  expect((await call("GET", "/api/users/", { token: ada.token })).status).toBe(403);
});

it("the last admin can't be demoted", async () => {
  const { token, user_id: id } = admin;
  const answer = await call("PATCH", `/api/users/${id}/`, { token, body: { role: "user" } });
  expect(answer.status).toBe(409);
  expect(await codeOf(answer)).toBe("last_admin");
  expect((await call("GET", "/api/users/?role=admin", { token })).status).toBe(200);
});

it("the page of the link keeps the token to itself", async () => {
  const answer = await call("GET", "/password-reset/?lang=ru");
  expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
  const html = await answer.text();
  const nonce = /<script nonce="([^"]+)">/.exec(html)?.[1] ?? "";
  expect(nonce).not.toBe("");
  expect(answer.headers.get("Content-Security-Policy")).toBe(
    `default-src 'none'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(html).toContain("Новый пароль");
});

it.each<[what: string, over: object, field: string]>([
  ["no user name", { username: undefined }, "username"],
  ["a user name with spaces", { username: "a b" }, "username"],
  ["a user name that is not ASCII", { username: "ада" }, "username"],
  ["a user name of 151 characters", { username: "a".repeat(151) }, "username"],
  ["no address", { email: undefined }, "email"],
  ["an address with a line break", { email: "a@example.com\r\nBcc: b@example.com" }, "email"],
  ["two addresses", { email: "a@example.com,b@example.com" }, "email"],
  ["no password", { password: undefined }, "password"],
  ["a password as a number", { password: 12_345_678 }, "password"],
  ["a short password", { password: "horse" }, "password"],
  ["a password of 257 characters", { password: "ab".repeat(128) + "c" }, "password"],
  ["a common password", { password: "Password123" }, "password"],
  ["a password made from the name", { password: "wrong-user1" }, "password"],
  ["half a surrogate pair", { password: "\ud800 horse battery" }, "password"],
  ["a first name with a link", { first_name: "http://evil.example" }, "first_name"],
  ["a last name with a line break", { last_name: "a\nb" }, "last_name"],
  ["a language that we don't write", { locale: "de" }, "locale"],
  ["a role", { role: "admin" }, "role"],
])("a registration with %s is refused and nothing is written", async (_what, over, field) => {
  const answer = await call("POST", "/api/register/", { body: person("wrong-user", over) });
  expect(answer.status).toBe(422);
  const { errors } = await json<{ errors: { field: string }[] }>(answer);
  expect(errors.map((error) => error.field)).toContain(field);
  const row = await env.DB.prepare("SELECT id FROM users WHERE username = 'wrong-user'").first();
  expect(row).toBeNull();
});

it.each<[method: string, path: string, body: unknown, field: string]>([
  ["POST", "/api/login/", {}, "username"],
  ["POST", "/api/login/", { username: "ada", password: "" }, "password"],
  ["POST", "/api/login/", { username: ["ada"], password: "x" }, "username"],
  ["POST", "/api/login/", { username: "ada", password: "x".repeat(513) }, "password"],
  ["PATCH", "/api/profile/", { username: "other" }, "username"],
  ["PATCH", "/api/profile/", { role: "admin" }, "role"],
  ["PATCH", "/api/profile/", { owns_email: true }, "owns_email"],
  ["PATCH", "/api/profile/", { first_name: null }, "first_name"],
  ["PATCH", "/api/profile/", { password: PASSWORD }, "password"],
  ["POST", "/api/password-change/", { new_password: "another horse" }, "old_password"],
  ["POST", "/api/password-reset/", { email: "nobody" }, "email"],
  ["POST", "/api/password-reset/", { username: "ada" }, "username"],
  ["POST", "/api/password-reset/confirm/", { token: "x", new_password: "another horse" }, "token"],
  ["POST", "/api/password-reset/confirm/", { token: 1, new_password: "another horse" }, "token"],
  ["PATCH", "/api/users/1/", { role: "root" }, "role"],
  ["PATCH", "/api/users/1/", { role: "admin", username: "x" }, "username"],
  ["GET", "/api/users/?limit=0", undefined, "limit"],
  ["GET", "/api/users/?limit=201", undefined, "limit"],
  ["GET", "/api/users/?cursor=x", undefined, "cursor"],
  ["GET", "/api/users/?role=root", undefined, "role"],
  ["GET", "/api/users/?password_hash=x", undefined, "password_hash"],
])("%s %s with %j is refused by its field", async (method, path, body, field) => {
  const answer = await call(method, path, { token: admin.token, body });
  expect(answer.status).toBe(422);
  const { errors } = await json<{ errors: { field: string }[] }>(answer);
  expect(errors.map((error) => error.field)).toContain(field);
});

it.each(["0", "x", "-1", "9007199254740993", "1e3", "%00"])(
  "a role for the user %s is 404",
  async (id) => {
    const body = { role: "admin" };
    const answer = await call("PATCH", `/api/users/${id}/`, { token: admin.token, body });
    expect(answer.status).toBe(404);
  },
);

it.each([
  ["POST", "/api/logout/"],
  ["GET", "/api/profile/"],
  ["PATCH", "/api/profile/"],
  ["GET", "/api/sessions/"],
  ["DELETE", "/api/sessions/"],
  ["DELETE", "/api/sessions/x/"],
  ["POST", "/api/password-change/"],
  ["GET", "/api/users/"],
  ["PATCH", "/api/users/1/"],
])("%s %s without a token is 401", async (method, path) => {
  expect((await call(method, path)).status).toBe(401);
});

it.each([
  ["a wrong secret", () => `${ada.token.slice(0, -43)}${"A".repeat(43)}`],
  ["an unknown id", () => `lvu_${"0".repeat(18)}_${ada.token.slice(-43)}`],
  ["a token cut short", () => ada.token.slice(0, -1)],
  ["an API key's form", () => ada.token.replace("lvu_", "lv_")],
])("a token with %s is 401", async (_what, token) => {
  expect((await call("GET", "/api/profile/", { token: token() })).status).toBe(401);
});
