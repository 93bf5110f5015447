import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import {
  authenticate,
  changeEmail,
  changePassword,
  listSessions,
  login,
  register,
  revokeSession,
  setRole,
} from "#domain/accounts";
import { Faults, faultyDatabase } from "./faults.ts";
import { Meter, meteredDatabase } from "./meter.ts";
import { DAY_MS, FROM, MINUTE_MS, accounts, account, runTask, sentMails } from "./people.ts";
import { emptyTables, rows } from "./shop.ts";

beforeEach(emptyTables);

it("a registration writes the account, its session and its welcome mail together", async () => {
  const { parts, now } = accounts();
  const answer = await register(parts, account("ada"), FROM);
  expect(answer.kind).toBe("registered");
  if (answer.kind !== "registered") return;
  expect(await authenticate(parts.db, answer.session.token, now())).toEqual({
    userId: answer.user.id,
    role: "user",
  });
  expect(
    await rows("SELECT spec ->> 'name' AS name, spec ->> 'kwargs' AS kwargs FROM outbox"),
  ).toEqual([{ name: "send_welcome_email", kwargs: JSON.stringify({ user_id: answer.user.id }) }]);
});

it.each(["before", "after"] as const)(
  "a fault %s any call to the database leaves all of a registration or nothing",
  async (when) => {
    for (let at = 1; ; at += 1) {
      await emptyTables();
      const faults = new Faults({ at, when });
      const { parts } = accounts({ database: faultyDatabase(env.DB, faults) });
      const answer = await register(parts, account("ada"), FROM).catch(() => null);
      const [counts] = await rows(
        `SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM sessions) AS sessions,
          (SELECT count(*) FROM outbox) AS outbox`,
      );
      const each = answer?.kind === "registered" ? 1 : Number(counts?.["users"]);
      expect(counts).toEqual({ users: each, sessions: each, outbox: each });
      if (!faults.struck) break;
    }
  },
);

it("ten registrations with one user name at once make one account", async () => {
  const { parts } = accounts();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      register(parts, account(n % 2 === 0 ? "ada" : "ADA", `ada${n}@example.com`), FROM),
    ),
  );
  const kinds = answers.map(({ kind }) => kind).sort();
  expect(kinds).toEqual(["registered", ...Array<string>(9).fill("username_taken")]);
  for (const table of ["users", "sessions", "outbox"]) {
    expect(await rows(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 1 }]);
  }
});

it("ten registrations with one address at once are ten accounts, and one has the address", async () => {
  const { parts } = accounts();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      register(parts, account(`ada${n}`, "Ada@example.com"), FROM),
    ),
  );
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["registered"]));
  expect(
    await rows("SELECT sum(owns_email) AS owners, count(*) AS all_of_them FROM users"),
  ).toEqual([{ owners: 1, all_of_them: 10 }]);
});

it("a known address costs the same calls and the same slow hash as a new one", async () => {
  const costs = async (username: string, email: string) => {
    const faults = new Faults();
    const { parts, kdf } = accounts({ database: faultyDatabase(env.DB, faults) });
    const answer = await register(parts, account(username, email), FROM);
    return { kind: answer.kind, calls: faults.calls, hashes: kdf.times };
  };
  const first = await costs("ada", "ada@example.com");
  expect(first).toMatchObject({ kind: "registered", hashes: 1 });
  expect(await costs("eve", "ADA@example.com")).toEqual(first);
});

it("an account with another's address works like any other", async () => {
  const { parts, now } = accounts();
  await register(parts, account("ada", "ada@example.com"), FROM);
  const eve = await register(parts, account("eve", "ada@example.com"), FROM);
  if (eve.kind !== "registered") throw new Error(eve.kind);
  expect(await authenticate(parts.db, eve.session.token, now())).toMatchObject({ role: "user" });
  expect((await login(parts, { username: "eve", password: PASSWORD }, FROM)).kind).toBe("in");
});

const PASSWORD = account("").password;

it("the welcome mail has the account's details, in its language", async () => {
  const { parts, services } = accounts();
  const ada = { ...account("ada"), firstName: "Ada", lastName: "Lovelace" };
  const anna = { ...account("anna"), firstName: "Анна", locale: "ru" as const };
  const ids = [];
  for (const input of [ada, anna]) {
    const answer = await register(parts, input, FROM);
    if (answer.kind === "registered") ids.push(answer.user.id);
  }
  const results = [];
  for (const id of ids)
    results.push(await runTask(services, "send_welcome_email", { user_id: id }));
  expect(results).toEqual(["Welcome email sent.", "Приветственное письмо отправлено."]);
  const [english, russian] = await sentMails();
  expect(english).toMatchObject({
    to_address: "ada@example.com",
    subject: "Welcome, Ada Lovelace!",
  });
  expect(english?.text_body).toContain(
    "User name: ada\nE-mail: ada@example.com\nName: Ada Lovelace",
  );
  expect(english?.html_body).toMatch(/>User name<\/th><td[^>]*>ada<\/td>/);
  expect(russian).toMatchObject({ subject: "Добро пожаловать, Анна!" });
  expect(russian?.text_body).toContain("Имя пользователя: anna");
});

it("whose address is given by others is told, once a day and by no name but theirs", async () => {
  const { parts, services } = accounts();
  await register(parts, account("ada", "ada@example.com"), FROM);
  for (const username of ["eve1", "eve2"]) {
    const answer = await register(parts, account(username, "ADA@example.com"), FROM);
    if (answer.kind !== "registered") throw new Error(answer.kind);
    const result = await runTask(services, "send_welcome_email", { user_id: answer.user.id });
    expect(result).toBe("The address belongs to another account; its owner was told.");
  }
  const mails = await sentMails();
  expect(mails).toHaveLength(1);
  expect(mails[0]).toMatchObject({ to_address: "ada@example.com", template: "address_in_use" });
  expect(mails[0]?.text_body).toContain("eve1");
});

it("a name that nobody has costs the same calls and the same slow hash as a wrong password", async () => {
  await register(accounts().parts, account("ada"), FROM);
  const costs = async (username: string) => {
    const faults = new Faults();
    const { parts, kdf } = accounts({ database: faultyDatabase(env.DB, faults) });
    const answer = await login(parts, { username, password: "not her password" }, FROM);
    return { answer, calls: faults.calls, hashes: kdf.times };
  };
  const known = await costs("ada");
  expect(known).toMatchObject({ answer: { kind: "wrong" }, hashes: 1 });
  expect(await costs("nobody")).toEqual(known);
});

it.each(["ada", "nobody"])(
  "of thirty guesses at once for %s ten are looked at",
  async (username) => {
    const { parts, kdf } = accounts();
    await register(parts, account("ada"), FROM);
    kdf.times = 0;
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        login(parts, { username, password: `guess ${n}` }, { ...FROM, address: `192.0.2.${n}` }),
      ),
    );
    expect(kdf.times).toBe(10);
    const waits = answers.flatMap((answer) => (answer.kind === "wait" ? [answer] : []));
    expect(waits).toHaveLength(20);
    for (const { retryAfterSeconds } of waits) {
      expect(retryAfterSeconds).toBeGreaterThan(0);
      expect(retryAfterSeconds).toBeLessThanOrEqual(15 * 60);
    }
  },
);

it("nobody is locked out for longer than the window", async () => {
  const { parts, advance } = accounts();
  await register(parts, account("ada"), FROM);
  const guess = () => login(parts, { username: "ada", password: "wrong guess" }, FROM);
  for (let tries = 0; tries < 10; tries += 1) await guess();
  const right = () => login(parts, { username: "Ada", password: PASSWORD }, FROM);
  const refused = await right();
  if (refused.kind !== "wait") throw new Error(refused.kind);
  advance(refused.retryAfterSeconds * 1_000);
  expect((await right()).kind).toBe("in");
});

it("a right password gives the account its tries back, and counts for nobody else", async () => {
  const { parts } = accounts();
  await register(parts, account("ada"), FROM);
  for (let round = 0; round < 3; round += 1) {
    for (let tries = 0; tries < 9; tries += 1) {
      const answer = await login(parts, { username: "ada", password: "wrong guess" }, FROM);
      expect(answer.kind).toBe("wrong");
    }
    expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("in");
  }
  // 27 wrong ones from this address so far: 23 are left.
  const others = [];
  for (let n = 0; n < 24; n += 1) {
    others.push((await login(parts, { username: `other${n}`, password: "guess" }, FROM)).kind);
  }
  expect(others.filter((kind) => kind === "wrong")).toHaveLength(23);
  expect(others.at(-1)).toBe("wait");
});

it("what is refused takes no tries from others", async () => {
  const { parts } = accounts();
  for (let n = 0; n < 80; n += 1) {
    await login(parts, { username: "ada", password: "guess" }, FROM);
  }
  const other = await login(parts, { username: "someone", password: "guess" }, FROM);
  expect(other.kind).toBe("wrong");
});

it("neither user names nor network addresses are kept of tries", async () => {
  const { parts } = accounts();
  await login(parts, { username: "my-secret-typed-as-name", password: "x" }, FROM);
  const kept = JSON.stringify(await rows("SELECT * FROM tries_left"));
  expect(kept).not.toContain("my-secret");
  expect(kept).not.toContain(FROM.address);
});

it("a login makes a hash of old costs anew", async () => {
  const { parts } = accounts();
  await register(parts, account("ada"), FROM);
  const hash = async () =>
    (await rows<{ h: string }>("SELECT password_hash AS h FROM users"))[0]?.h ?? "";
  const costly = await hash();
  // The test's slow function does not look at the costs, so the same key fits.
  await env.DB.prepare(
    "UPDATE users SET password_hash = replace(password_hash, 'ln=14', 'ln=13')",
  ).run();
  expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("in");
  expect(await hash()).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
  expect(await hash()).not.toBe(costly);
  expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("in");
});

it("whoever logs in with a password while it is replaced gets no session", async () => {
  const { parts, kdf } = accounts();
  const ada = await register(parts, account("ada"), FROM);
  if (ada.kind !== "registered") throw new Error(ada.kind);
  kdf.during = async () => {
    kdf.during = null;
    const change = {
      oldPassword: PASSWORD,
      newPassword: "another horse",
      session: null,
      address: "x",
    };
    expect((await changePassword(parts, ada.user.id, change)).kind).toBe("changed");
  };
  expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("wrong");
  expect(await rows("SELECT id FROM sessions")).toEqual([]);
});

it("a session ends after 30 days, an admin's after 12 hours, and a revoked one at once", async () => {
  const { parts, now } = accounts();
  const ada = await register(parts, account("ada"), FROM);
  const bob = await register(parts, account("bob"), FROM);
  if (ada.kind !== "registered" || bob.kind !== "registered") throw new Error("not registered");
  const isIn = async (token: string, at: number) =>
    (await authenticate(parts.db, token, at)) !== null;
  const start = now();
  expect(await isIn(ada.session.token, start + 30 * DAY_MS - MINUTE_MS)).toBe(true);
  expect(await isIn(ada.session.token, start + 30 * DAY_MS + MINUTE_MS)).toBe(false);
  await setRole(parts.db, ada.user.id, "admin");
  expect(await isIn(ada.session.token, start + DAY_MS / 2 - MINUTE_MS)).toBe(true);
  expect(await isIn(ada.session.token, start + DAY_MS / 2 + MINUTE_MS)).toBe(false);
  expect(await listSessions(parts.db, ada.user.id, start + DAY_MS)).toEqual([]);
  expect(await revokeSession(parts.db, ada.user.id, bob.session.id)).toBe(false);
  expect(await isIn(bob.session.token, start)).toBe(true);
  expect(await revokeSession(parts.db, bob.user.id, bob.session.id)).toBe(true);
  expect(await isIn(bob.session.token, start)).toBe(false);
});

it("the 21st session of an account ends its oldest", async () => {
  const { parts, now, advance } = accounts();
  const ada = await register(parts, account("ada"), FROM);
  if (ada.kind !== "registered") throw new Error(ada.kind);
  for (let n = 0; n < 20; n += 1) {
    advance(MINUTE_MS);
    await login(parts, { username: "ada", password: PASSWORD }, FROM);
  }
  const sessions = await listSessions(parts.db, ada.user.id, now());
  expect(sessions).toHaveLength(20);
  expect(await authenticate(parts.db, ada.session.token, now())).toBeNull();
});

it("of many sessions opened in one minute the newest stays", async () => {
  const { parts, now, advance } = accounts();
  await register(parts, account("ada"), FROM);
  for (let n = 0; n < 60; n += 1) {
    advance(500);
    const answer = await login(parts, { username: "ada", password: PASSWORD }, FROM);
    if (answer.kind !== "in") throw new Error(answer.kind);
    expect(await authenticate(parts.db, answer.session.token, now())).not.toBeNull();
  }
});

it("a new password ends all other sessions, is told by mail and needs the old one", async () => {
  const { parts, settled, now } = accounts();
  const ada = await register(parts, { ...account("ada"), locale: "ru" }, FROM);
  const other = await login(parts, { username: "ada", password: PASSWORD }, FROM);
  if (ada.kind !== "registered" || other.kind !== "in") throw new Error("not in");
  const { id } = ada.user;
  const change = { newPassword: "another horse", session: ada.session.id, address: "192.0.2.1" };
  const wrong = await changePassword(parts, id, { ...change, oldPassword: "not this" });
  expect(wrong.kind).toBe("wrong");
  const weak = await changePassword(parts, id, {
    ...change,
    newPassword: "password1",
    oldPassword: PASSWORD,
  });
  expect(weak.kind).toBe("weak");
  expect(await authenticate(parts.db, other.session.token, now())).not.toBeNull();
  const done = await changePassword(parts, id, { ...change, oldPassword: PASSWORD });
  expect(done.kind).toBe("changed");
  await settled();
  expect(await authenticate(parts.db, other.session.token, now())).toBeNull();
  expect(await authenticate(parts.db, ada.session.token, now())).not.toBeNull();
  expect(await sentMails()).toEqual([
    expect.objectContaining({ subject: "Ваш пароль изменён", to_address: "ada@example.com" }),
  ]);
  expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("wrong");
  expect((await login(parts, { username: "ada", password: "another horse" }, FROM)).kind).toBe(
    "in",
  );
});

it("two changes of one password at once: one is wrong", async () => {
  const { parts } = accounts();
  const ada = await register(parts, account("ada"), FROM);
  if (ada.kind !== "registered") throw new Error(ada.kind);
  const answers = await Promise.all(
    ["another horse", "a third horse"].map((newPassword) =>
      changePassword(parts, ada.user.id, {
        ...{ oldPassword: PASSWORD, newPassword, session: null, address: "192.0.2.1" },
      }),
    ),
  );
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["changed", "wrong"]);
});

it("guesses with a stolen token are counted as logins", async () => {
  const { parts } = accounts();
  const ada = await register(parts, account("ada"), FROM);
  if (ada.kind !== "registered") throw new Error(ada.kind);
  const guess = { newPassword: "another horse", session: null, address: "192.0.2.1" };
  for (let n = 0; n < 10; n += 1) {
    await changePassword(parts, ada.user.id, { ...guess, oldPassword: `guess ${n}` });
  }
  const right = await changePassword(parts, ada.user.id, { ...guess, oldPassword: PASSWORD });
  expect(right.kind).toBe("wait");
  expect((await login(parts, { username: "ada", password: PASSWORD }, FROM)).kind).toBe("wait");
});

it("an address that somebody gave as theirs gets no flood of notices", async () => {
  const { parts, settled, advance } = accounts();
  const eve = await register(parts, account("eve", "victim@example.com"), FROM);
  if (eve.kind !== "registered") throw new Error(eve.kind);
  const kinds = [];
  for (let n = 0; n < 40; n += 1) {
    advance(1_000);
    const passwords = [PASSWORD, "another horse"];
    const [oldPassword = "", newPassword = ""] = n % 2 === 0 ? passwords : passwords.toReversed();
    const change = { oldPassword, newPassword, session: eve.session.id, address: "192.0.2.1" };
    kinds.push((await changePassword(parts, eve.user.id, change)).kind);
  }
  await settled();
  expect(kinds.filter((kind) => kind === "changed")).toHaveLength(30);
  expect(kinds[30]).toBe("wait");
  expect(await sentMails()).toHaveLength(30);
});

it("a new address is told to the old one; another's address is taken without a word", async () => {
  const { parts, settled } = accounts();
  await register(parts, account("bob"), FROM);
  const ada = await register(parts, account("ada"), FROM);
  if (ada.kind !== "registered") throw new Error(ada.kind);
  const { id } = ada.user;
  const to = (email: string, password = PASSWORD) =>
    changeEmail(parts, id, { email, password, address: "192.0.2.1" });
  const stored = async () =>
    (await rows("SELECT email, owns_email FROM users WHERE username = 'ada'"))[0];
  expect((await to("new@example.com", "not this")).kind).toBe("wrong");
  expect((await to("BOB@example.com")).kind).toBe("changed");
  expect(await stored()).toEqual({ email: "BOB@example.com", owns_email: 0 });
  expect((await to("new@example.com")).kind).toBe("changed");
  expect(await stored()).toEqual({ email: "new@example.com", owns_email: 1 });
  await settled();
  const mails = await sentMails();
  expect(mails.map(({ to_address: address, template }) => [address, template])).toEqual([
    ["ada@example.com", "email_changed"],
  ]);
});

it("two admins who demote each other at once: one stays", async () => {
  const { parts } = accounts();
  const ids = [];
  for (const username of ["ada", "bob"]) {
    const answer = await register(parts, account(username), FROM);
    if (answer.kind !== "registered") throw new Error(answer.kind);
    ids.push(answer.user.id);
    await setRole(parts.db, answer.user.id, "admin");
  }
  const answers = await Promise.all(ids.map((id) => setRole(parts.db, id, "user")));
  expect(answers.sort()).toEqual(["last_admin", "set"]);
  expect(await setRole(parts.db, 1, "admin")).toBe("unknown");
});

it("what is over is cleaned up in batches, and nothing else", async () => {
  const { services, now } = accounts();
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO sessions WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
       SELECT printf('000000aa%010d', i), 1, 'x', 0, 1, '', NULL FROM n`,
    ),
    env.DB.prepare("INSERT INTO sessions VALUES ('zzzzzzzz0000000000', 1, 'x', 0, 1, '', NULL)"),
    env.DB.prepare(
      "INSERT INTO password_resets VALUES (1, 'old', 'x', ?, NULL), (1, 'new', 'x', ?, 1)",
    ).bind(now() - DAY_MS - 1, now() - 1),
    env.DB.prepare("INSERT INTO tries_left VALUES (?, 'over', 1), (?, 'live', 0)").bind(
      now(),
      now() + 1,
    ),
  ]);
  expect(await runTask(services, "cleanup_expired_tokens", {})).toEqual({
    deleted_sessions: 1_200,
    deleted_reset_links: 1,
    deleted_try_counts: 1,
    is_done: true,
  });
  expect(await rows("SELECT id FROM sessions")).toEqual([{ id: "zzzzzzzz0000000000" }]);
  expect(await rows("SELECT task_id FROM password_resets")).toEqual([{ task_id: "new" }]);
  expect(await rows("SELECT key FROM tries_left")).toEqual([{ key: "live" }]);
});

it.each([
  [
    "an account by its name",
    "SELECT * FROM users WHERE lower(username) = lower('a')",
    "users_username",
  ],
  [
    "an address' owner",
    "SELECT id FROM users WHERE lower(email) = lower('a') AND owns_email = 1",
    "users_email",
  ],
  ["an account's sessions", "SELECT id FROM sessions WHERE user_id = 1", "sessions_user"],
])("%s is found by an index", async (_what, query, index) => {
  const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`);
  expect(plan.map(({ detail }) => detail).join()).toContain(index);
});

it("a visit to the dashboard is over half an hour after its last use, and after twelve hours in any case", async () => {
  const { parts, now, advance } = accounts();
  const answer = await register(parts, account("ada"), FROM);
  if (answer.kind !== "registered") throw new Error(answer.kind);
  await setRole(parts.db, answer.user.id, "viewer");
  const credentials = { username: "ada", password: account("ada").password };
  const visit = async () => {
    const entered = await login(parts, credentials, FROM, "dashboard");
    if (entered.kind !== "in") throw new Error(entered.kind);
    return entered.session.token;
  };
  const isIn = async (token: string, isUse = true) =>
    (await authenticate(parts.db, token, now(), isUse)) !== null;
  const visits = async () =>
    (await listSessions(parts.db, answer.user.id, now())).filter(({ seenAt }) => seenAt !== null);
  const idle = await visit();
  advance(30 * MINUTE_MS - 1);
  expect(await isIn(idle, false)).toBe(true);
  advance(1);
  expect(await isIn(idle, false)).toBe(false);
  const used = await visit();
  for (let minutes = 0; minutes < 12 * 60; minutes += 20) {
    expect(await isIn(used), `${minutes} min`).toBe(true);
    expect(await visits()).toHaveLength(1);
    advance(20 * MINUTE_MS);
  }
  expect(await isIn(used)).toBe(false);
  expect(await listSessions(parts.db, answer.user.id, now())).toEqual([]);
});

it("a program's session may lie unused", async () => {
  const { parts, now, advance } = accounts();
  const answer = await register(parts, account("ada"), FROM);
  if (answer.kind !== "registered") throw new Error(answer.kind);
  advance(29 * DAY_MS);
  expect(await authenticate(parts.db, answer.session.token, now())).not.toBeNull();
});

it("uses of a visit write one row in three minutes, however many there are at once", async () => {
  const meter = new Meter();
  const { parts, now, advance } = accounts({ database: meteredDatabase(env.DB, meter) });
  const answer = await register(parts, account("ada"), FROM);
  if (answer.kind !== "registered") throw new Error(answer.kind);
  await setRole(parts.db, answer.user.id, "admin");
  const credentials = { username: "ada", password: account("ada").password };
  const entered = await login(parts, credentials, FROM, "dashboard");
  if (entered.kind !== "in") throw new Error(entered.kind);
  meter.rowsWritten = 0;
  for (let second = 0; second < 180; second += 10) {
    await authenticate(parts.db, entered.session.token, now());
    advance(10_000);
  }
  expect(meter.rowsWritten).toBe(0);
  const uses = Array.from({ length: 10 }, () =>
    authenticate(parts.db, entered.session.token, now()),
  );
  await Promise.all(uses);
  expect(meter.rowsWritten).toBe(1);
});

it("a visit is for those who run the deployment; tries of others who know their password are given back", async () => {
  const { parts } = accounts();
  await register(parts, account("udo"), FROM);
  const credentials = { username: "udo", password: account("udo").password };
  for (let tries = 0; tries < 12; tries += 1) {
    expect(await login(parts, credentials, FROM, "dashboard")).toEqual({ kind: "no_staff" });
  }
  expect(await rows("SELECT count(*) AS n FROM sessions")).toEqual([{ n: 1 }]);
});

it("the name of who may not visit takes as long as any other", async () => {
  const { parts, kdf } = accounts();
  await register(parts, account("udo"), FROM);
  for (const username of ["udo", "nobody"]) {
    kdf.times = 0;
    await login(parts, { username, password: "guess" }, FROM, "dashboard");
    expect(kdf.times).toBe(1);
  }
});
