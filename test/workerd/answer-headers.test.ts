import { beforeAll, expect, it } from "vitest";
import { declaredRoutes } from "../../scripts/openapi/declared-routes.ts";
import { account, PAGE, post, send, signIn } from "./visitors.ts";

let admin = "";

beforeAll(async () => {
  await account("anna", "admin");
  admin = await signIn("anna");
}, 60_000);

/** Pages, with something in the place of what stands in their paths; some of these are not there. */
const PAGES = declaredRoutes()
  .filter(({ method, doc }) => method === "GET" && doc === undefined)
  .map(({ path }) =>
    path
      .replace("/dashboard/definitions/:name", "/dashboard/definitions/process_data")
      .replace("/dashboard/schedules/:name", "/dashboard/schedules/backup_database")
      .replaceAll(/:\w+/g, "nothing"),
  );

function expectSafe(answer: Response): void {
  const { headers } = answer;
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Cache-Control")).toBe("no-store");
  expect(headers.get("Referrer-Policy")).toMatch(/^(no-referrer|same-origin)$/);
  if (headers.get("Content-Type")?.startsWith("text/html") !== true) return;
  // Flower refuses in HTML that has nothing in it.
  if (answer.body === null) return;
  const policy = headers.get("Content-Security-Policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("base-uri 'none'");
  expect(policy).toMatch(/frame-ancestors '(none|self)'/);
  expect(policy).toMatch(/form-action '(none|self)'/);
  expect(policy).not.toContain("unsafe");
}

it.each(PAGES)("%s says what it may load, to whoever comes", async (path) => {
  for (const headers of [PAGE, { ...PAGE, Cookie: admin }]) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await send(path, { method, headers });
      expect(answer.status).toBeLessThan(500);
      expectSafe(answer);
    }
  }
});

it.each([
  ["/dashboard/nothing", 404],
  ["/dashboard/tasks?state=nonsense", 422],
  ["/docs?q=" + "x".repeat(5_000), 422],
  ["/dashboard/sign-in?next=https://evil.example", 200],
])("what is wrong at %s is a page like that too", async (path, status) => {
  const answer = await send(path, { headers: { ...PAGE, Cookie: admin } });
  expect([status, 303]).toContain(answer.status);
  expectSafe(answer);
});

it.each([
  ["a method that there is not", "/dashboard/tasks", { method: "PUT" }],
  ["a form of another site", "/dashboard/queues/purge", { method: "POST" }],
])("%s is answered with a policy too", async (_what, path, sent) => {
  const answer = await send(path, { ...sent, headers: { ...PAGE, Cookie: admin } });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expectSafe(answer);
});

it("mail is shown in a frame that runs nothing", async () => {
  const { templates } = await (
    await send("/api/mail/templates/", { headers: { Cookie: admin } })
  ).json<{ templates: { name: string }[] }>();
  expect(templates).not.toEqual([]);
  for (const { name } of templates) {
    const path = `/api/mail/templates/${name}`;
    const answer = await send(path, { headers: { ...PAGE, Cookie: admin } });
    expect(answer.status).toBe(200);
    const policy = answer.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/; sandbox$/);
    expect(policy).not.toContain("script-src");
  }
});

it.each([
  ["https://evil.example"],
  ["//evil.example"],
  ["/\\evil.example"],
  ["/dashboard\\..\\..\\evil"],
  ["/dashboard/..//evil.example"],
  ["/dashboard@evil.example"],
  ["/dashboard.evil.example"],
  ["javascript:alert(1)"],
  ["/dashboard\r\nSet-Cookie: a=b"],
  ["/dashboard/%0d%0aSet-Cookie:a=b"],
])("no form leads to %s afterwards", async (next) => {
  const forms: [string, Record<string, string>, string][] = [
    ["/dashboard/theme", { theme: "dark", next }, ""],
    ["/dashboard/sign-in", { username: "anna", password: "correct horse battery", next }, ""],
    ["/dashboard/tasks/bulk", { id: "nothing", what: "revoke", next }, admin],
  ];
  for (const [path, fields, cookie] of forms) {
    const answer = await post(path, fields, cookie === "" ? {} : { Cookie: cookie });
    expect(answer.status).toBe(303);
    const to = new URL(answer.headers.get("Location") ?? "", "http://lovage");
    expect(to.origin).toBe("http://lovage");
    expect(answer.headers.get("Set-Cookie") ?? "").not.toContain("a=b");
  }
});

it("pages of other sites change nothing here, not even colours", async () => {
  const elsewhere = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
  const theme = await post("/dashboard/theme", { theme: "dark", next: "/dashboard" }, elsewhere);
  expect(theme.status).toBe(403);
  expect(theme.headers.get("Set-Cookie")).toBeNull();
});
