import { createServer, type Server } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Dashboard, follow, hasBrowser, PHONE } from "./dashboard.ts";

const PORT = 9_120;
/** Another origin of the same site: the browser sends cookies along, so that the server has to refuse. */
const OTHER_PORT = 9_121;
const PASSWORD = "correct horse battery";
const ROLES = { vera: "viewer", otto: "operator", anna: "admin", udo: "user" } as const;
type Name = keyof typeof ROLES;

let dashboard: Dashboard;
let other: Server;

/** Everything goes through the form, as people do it. */
async function signIn(page: Page, name: Name): Promise<void> {
  await page.goto("/dashboard/sign-in?next=/dashboard/account");
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await follow(page.getByRole("button", { name: "Sign in" }));
}

async function visitOf(name: Name): Promise<Page> {
  const { page } = await dashboard.open("/dashboard/sign-in");
  await signIn(page, name);
  return page;
}

const title = (page: Page) => page.getByRole("heading", { level: 1 }).textContent();
const pathOf = (page: Page) => new URL(page.url()).pathname + new URL(page.url()).search;

describe.skipIf(!hasBrowser)("signing in with a browser", () => {
  beforeAll(async () => {
    other = createServer((request, answer) => {
      answer.setHeader("Content-Type", "text/html");
      const target = `http://localhost:${PORT}/dashboard/accounts/1/role`;
      // Without a referrer the browser says that the form comes from nowhere.
      const isHidden = request.url === "/hidden";
      answer.end(`${isHidden ? '<meta name="referrer" content="no-referrer">' : ""}
        <form method="post" action="${target}"><input name="role" value="admin"><button>Win</button></form>`);
    }).listen(OTHER_PORT, "127.0.0.1");
    dashboard = await Dashboard.start(PORT, { OPEN_ACCESS: "false" });
    for (const username of Object.keys(ROLES)) {
      const email = `${username}@example.com`;
      await dashboard.post("/api/register/", { username, email, password: PASSWORD });
    }
    const roles = Object.entries(ROLES).map(([name, role]) => `WHEN '${name}' THEN '${role}'`);
    await dashboard.sql(`UPDATE users SET role = CASE username ${roles.join(" ")} ELSE role END`);
  });

  afterAll(async () => {
    other.close();
    await dashboard.stop();
  });

  it("who comes without a session signs in and goes on to where they were going", async () => {
    const tab = await dashboard.open("/dashboard/mail?template=welcome&locale=ru");
    expect(await title(tab.page)).toBe("Sign in");
    await tab.picture("sign-in");
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.isTooWide()).toBe(false);
    await tab.page.getByLabel("User name").fill("vera");
    await tab.page.getByLabel("Password").fill(PASSWORD);
    await tab.page.keyboard.press("Enter");
    await tab.page.waitForURL("**/dashboard/mail**");
    expect(pathOf(tab.page)).toBe("/dashboard/mail?template=welcome&locale=ru");
    expect(tab.faults).toEqual([]);
  });

  it("the browser keeps the cookie from scripts, and takes it from localhost", async () => {
    const page = await visitOf("vera");
    const cookies = await page.context().cookies();
    expect(cookies.find(({ name }) => name === "__Host-session")).toMatchObject({
      ...{ httpOnly: true, secure: true, sameSite: "Lax", path: "/", domain: "localhost" },
      expires: -1,
    });
    expect(await page.evaluate(() => document.cookie)).not.toContain("session");
  });

  it("works without script", async () => {
    const { page } = await dashboard.open("/dashboard/account", { javaScriptEnabled: false });
    await signIn(page, "otto");
    expect(await title(page)).toBe("Your account");
    await page.getByRole("button", { name: "Sign out" }).click();
    expect(await title(page)).toBe("Sign in");
  });

  it("a wrong password is said, and the name stays", async () => {
    const tab = await dashboard.open("/dashboard/sign-in");
    await tab.page.getByLabel("User name").fill("vera");
    await tab.page.getByLabel("Password").fill("guess");
    await tab.page.getByRole("button", { name: "Sign in" }).click();
    expect(await tab.page.getByRole("alert").textContent()).toContain("is not right");
    expect(await tab.page.getByLabel("User name").inputValue()).toBe("vera");
    expect(await tab.barriers()).toEqual([]);
  });

  it("after too many wrong ones the time to wait is said", async () => {
    const { page } = await dashboard.open("/dashboard/sign-in");
    const alert = page.getByRole("alert");
    const tries = async () => {
      await page.getByLabel("User name").fill("nobody");
      await page.getByLabel("Password").fill("guess");
      await page.getByRole("button", { name: "Sign in" }).click();
      return alert.textContent();
    };
    // More than twice the limit: the window may change in between.
    let said: string | null = null;
    for (let n = 0; n < 22 && said?.includes("Too many") !== true; n += 1) said = await tries();
    expect(said).toMatch(/Too many tries\. Try again in (a minute|\d+ minutes)\./);
  });

  it("a plain user is told that this is not theirs", async () => {
    const page = await visitOf("udo");
    expect(await page.getByRole("alert").textContent()).toContain("no such role");
    expect(await page.context().cookies()).toEqual([]);
  });

  it.each<[Name, readonly string[]]>([
    ["vera", []],
    ["otto", []],
    ["anna", ["Accounts", "Audit log"]],
  ])(
    "%s finds what is theirs, and a page that says so in place of what is not",
    async (name, theirs) => {
      const page = await visitOf(name);
      for (const [place, path] of [
        ["Accounts", "/dashboard/accounts"],
        ["Audit log", "/dashboard/audit"],
      ] as const) {
        const isTheirs = theirs.includes(place);
        await page.goto("/dashboard/account");
        expect(await page.getByRole("link", { name: place, exact: true }).count()).toBe(
          isTheirs ? 1 : 0,
        );
        await page.goto(path);
        expect(await title(page)).toBe(isTheirs ? place : "Not allowed");
      }
    },
  );

  it.each<Name>(["vera", "otto"])(
    "%s gives no role, also with a form of one's own",
    async (name) => {
      const page = await visitOf(name);
      const status = await page.evaluate(async () => {
        const body = new URLSearchParams({ role: "admin" });
        const answer = await fetch("/dashboard/accounts/1/role", { method: "POST", body });
        return answer.status;
      });
      expect(status).toBe(403);
    },
  );

  it("an admin gives a role, finds it in the audit log, and it holds at once", async () => {
    const otto = await visitOf("otto");
    const tab = await dashboard.open("/dashboard/sign-in");
    const { page } = tab;
    await signIn(page, "anna");
    await page.goto("/dashboard/accounts?username=otto");
    await tab.picture("accounts");
    expect(await tab.barriers()).toEqual([]);
    await page.getByLabel("Role of otto").selectOption("admin");
    await page.getByRole("button", { name: "Give otto this role" }).click();
    expect(await page.getByRole("status").textContent()).toBe("otto is admin now.");
    expect(pathOf(page)).toBe("/dashboard/accounts?username=otto");
    await otto.goto("/dashboard/audit");
    expect(await title(otto)).toBe("Audit log");
    const row = otto.getByRole("row").filter({ hasText: "/role" }).first();
    expect(await row.textContent()).toContain("anna");
    await page.getByLabel("Role of otto").selectOption("operator");
    await page.getByRole("button", { name: "Give otto this role" }).click();
    await otto.reload();
    expect(await title(otto)).toBe("Not allowed");
    await page.goto("/dashboard/audit");
    await tab.picture("audit");
    expect(await tab.barriers()).toEqual([]);
    expect(tab.faults).toEqual([]);
  });

  it("the audit log is filtered by its form, on a phone as well", async () => {
    const tab = await dashboard.open("/dashboard/sign-in", PHONE);
    await signIn(tab.page, "anna");
    await tab.page.goto("/dashboard/audit");
    expect(await tab.isTooWide()).toBe(false);
    await tab.picture("audit-phone");
    await tab.page.getByLabel("What").fill("sign-in");
    await tab.page.getByLabel("From (UTC)").fill("2020-01-01T00:00");
    await follow(tab.page.getByRole("button", { name: "Show" }));
    const actions = await tab.page.locator('td[data-name="What"]').allTextContents();
    expect(actions.length).toBeGreaterThan(0);
    expect(new Set(actions)).toEqual(new Set(["POST /dashboard/sign-in"]));
  });

  it("sessions are listed and ended, and who was ended signs in again", async () => {
    const elsewhere = await visitOf("vera");
    const tab = await dashboard.open("/dashboard/sign-in");
    await signIn(tab.page, "vera");
    await tab.picture("account");
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.page.getByText("this one").count()).toBe(1);
    await tab.page.getByRole("button", { name: "End all others" }).click();
    expect(await tab.page.getByRole("status").textContent()).toMatch(
      /Other sessions that were ended: \d/,
    );
    await elsewhere.goto("/dashboard/mail");
    expect(await title(elsewhere)).toBe("Sign in");
  });

  it("who signed out is out, also with the cookie that the browser had", async () => {
    const page = await visitOf("otto");
    const cookies = await page.context().cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/dashboard/sign-in");
    expect((await page.context().cookies()).map(({ name }) => name)).not.toContain(
      "__Host-session",
    );
    await page.context().addCookies(
      cookies.map(({ domain: _domain, path: _path, ...rest }) => ({
        ...rest,
        url: `https://localhost:${PORT}`,
      })),
    );
    await page.goto("/dashboard/account");
    expect(await title(page)).toBe("Sign in");
  });

  it.each([
    ["of another origin", "/", 403],
    ["that hides where it is", "/hidden", 403],
  ])("a form on a page %s changes nothing", async (_what, path, status) => {
    const page = await visitOf("anna");
    await page.goto(`http://localhost:${OTHER_PORT}${path}`);
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.url().includes("/role")),
      page.getByRole("button", { name: "Win" }).click(),
    ]);
    expect(answer.status()).toBe(status);
    expect(await title(page)).toBe("Not allowed");
  });

  it("a form on a page of another site comes without the cookie, as from nobody", async () => {
    const page = await visitOf("anna");
    await page.goto(`http://127.0.0.1:${OTHER_PORT}/`);
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.url().includes("/role")),
      page.getByRole("button", { name: "Win" }).click(),
    ]);
    expect(answer.status()).toBe(303);
    expect(answer.headers()["location"]).toBe("/dashboard/sign-in");
  });

  it("a link on a page of another site leads in", async () => {
    const page = await visitOf("anna");
    await page.goto(`http://127.0.0.1:${OTHER_PORT}/`);
    await page.evaluate((url) => {
      const link = document.createElement("a");
      link.href = url;
      document.body.append(link);
      link.click();
    }, `http://localhost:${PORT}/dashboard/account`);
    await page.waitForURL("**/dashboard/account");
    expect(await title(page)).toBe("Your account");
  });
});

describe.skipIf(!hasBrowser)("sessions that are over", () => {
  let later: Dashboard;

  beforeAll(async () => {
    later = await Dashboard.start(PORT + 2, { OPEN_ACCESS: "false" });
    const account = { username: "vera", email: "vera@example.com", password: PASSWORD };
    await later.post("/api/register/", account);
    await later.sql("UPDATE users SET role = 'viewer'");
  });

  afterAll(async () => {
    await later.stop();
  });

  it.each([
    ["half an hour without use", "seen_at = seen_at - 1800000"],
    ["twelve hours", "created_at = created_at - 43200000"],
  ])("after %s the browser has to sign in again", async (_what, change) => {
    const { page } = await later.open("/dashboard/sign-in");
    await signIn(page, "vera");
    expect(await title(page)).toBe("Your account");
    await later.sql(`UPDATE sessions SET ${change}`);
    await page.reload();
    expect(await title(page)).toBe("Sign in");
    await signIn(page, "vera");
    expect(await title(page)).toBe("Your account");
  });
});
