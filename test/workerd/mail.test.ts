import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ask, ended, get, order, post } from "./api.ts";
import { keyFor, request } from "./credentials.ts";

interface Counts {
  readonly sent_count: number;
  readonly failed_count: number;
  readonly failed_emails: string[];
  readonly skipped_count?: number;
}

async function submit(name: string, kwargs: object, headers = {}): Promise<string> {
  const answer = await post("/api/tasks/", { name, kwargs }, headers);
  const json = await answer.json<{ task_id: string }>();
  expect(answer.status, JSON.stringify(json)).toBe(202);
  return json.task_id;
}

async function result(id: string): Promise<Counts> {
  const task = await ended(id);
  expect(task.state, JSON.stringify(task.error)).toBe("SUCCESS");
  return task.result as Counts;
}

async function mailsOf(key: string) {
  const answer = await get(`/api/emails/?task_id=${key}&limit=200`);
  const { emails } = await answer.json<{
    emails: { to: string; state: string; text: string; template: string; html: string }[];
  }>();
  return emails;
}

const LINK = /http:\/\/localhost:8787(\/api\/mail\/unsubscribe\/[\w.-]+\/)/;
const send = (path: string, init: RequestInit = {}) => ask(`http://lovage${path}`, init);

it("many addresses, of which two are refused: the result is the guide's, to the letter", async () => {
  const emails = [
    ...Array.from({ length: 15 }, (_, n) => `reader${n}@example.com`),
    "one@nowhere.invalid",
    "two@nowhere.invalid",
  ];
  const id = await submit("send_bulk_notifications", {
    subject: "News",
    message: "Hello.",
    emails,
  });
  expect(await result(id)).toEqual({
    sent_count: 15,
    failed_count: 2,
    failed_emails: ["one@nowhere.invalid", "two@nowhere.invalid"],
  });
  const mails = await mailsOf(id);
  expect(mails.filter(({ state }) => state === "sent")).toHaveLength(15);
  expect(mails.every(({ text }) => LINK.test(text))).toBe(true);
});

it("everybody with an account, in several chunks; a second run of the same task writes nobody twice", async () => {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
     INSERT INTO users SELECT i, 'u' || i, 'u' || i || iif(i = 200, '@x.invalid', '@example.com'), '', '', '',
       iif(i = 7, 'admin', 'user'), iif(i = 8, 'ru', NULL), 0, 1 FROM n`,
  ).run();
  const kwargs = { subject: "News", message: "Hello.", audience: "all" };
  const id = await submit("send_bulk_notifications", kwargs, { "Idempotency-Key": "bulk-all" });
  expect(await result(id)).toEqual({
    sent_count: 449,
    failed_count: 1,
    failed_emails: ["u200@x.invalid"],
  });
  expect(await submit("send_bulk_notifications", kwargs, { "Idempotency-Key": "bulk-all" })).toBe(
    id,
  );
  const count = await env.DB.prepare("SELECT count(*) AS n FROM emails WHERE task_id = ?")
    .bind(id)
    .first("n");
  expect(count).toBe(450);
  const admins = await submit("send_bulk_notifications", { ...kwargs, audience: "admin" });
  expect(await result(admins)).toEqual({ sent_count: 1, failed_count: 0, failed_emails: [] });
});

it("bulk mail to nobody is done at once", async () => {
  const id = await submit("send_bulk_notifications", { subject: "x", message: "x", emails: [] });
  expect(await result(id)).toEqual({ sent_count: 0, failed_count: 0, failed_emails: [] });
});

it.each([
  ["nobody", {}],
  ["two kinds of people", { emails: ["a@example.com"], audience: "all" }],
  ["an audience that there is not", { audience: "cats" }],
  ["an id that is none", { user_ids: [0] }],
])("bulk mail for %s is refused", async (_what, whom) => {
  const kwargs = { subject: "x", message: "x", ...whom };
  const answer = await post("/api/tasks/", { name: "send_bulk_notifications", kwargs });
  expect(answer.status).toBe(422);
});

it("e-mail to a list, and what waits, as tasks", async () => {
  const id = await submit("send_email_notification", {
    subject: "Hi",
    message: "Text",
    recipient_list: ["x@example.com", "y@example.invalid", "z"],
  });
  expect(await result(id)).toEqual({
    sent_count: 1,
    failed_count: 2,
    failed_emails: ["y@example.invalid", "z"],
  });
  await env.DB.prepare(
    `INSERT INTO emails (task_id, to_address, template, message_id, subject,
       text_body, html_body, created_at, headers, state, attempts, due_at, reason)
     VALUES ('event:1', 'w@example.com', 't', '<w>', 's', 't', 'h', 0, NULL, 'pending', 0, 1, NULL)`,
  ).run();
  expect(await result(await submit("send_pending_emails", {}))).toMatchObject({ sent_count: 1 });
  const schedule = await (await get("/api/schedules/send_pending_emails/")).json();
  expect(schedule).toMatchObject({ task: "send_pending_emails", enabled: true });
});

it("a link to unsubscribe: opening it changes nothing, its button does, and then bulk mail skips its owner", async () => {
  const emails = ["Reader@example.com", "other@example.com"];
  const first = await submit("send_bulk_notifications", { subject: "x", message: "x", emails });
  await ended(first);
  const mail = (await mailsOf(first)).find(({ to }) => to === "Reader@example.com");
  const path = LINK.exec(mail?.text ?? "")?.[1] ?? "";
  const opened = await get(path);
  expect(opened.status).toBe(200);
  expect(opened.headers.get("Content-Security-Policy")).toMatch(
    /^default-src 'none'; style-src 'sha256-/,
  );
  expect(await opened.text()).toContain('<form method="post"><button>Unsubscribe</button></form>');
  expect((await send(path, { method: "HEAD" })).status).toBe(200);
  expect(await suppressed("reader@example.com")).toBe(0);
  const oneClick = {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
  };
  for (const init of [oneClick, { method: "POST" }, { ...oneClick, body: "\0{" }]) {
    const answer = await send(path, init);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("no more newsletters go to reader@example.com");
  }
  expect(await suppressed("reader@example.com")).toBe(1);
  const second = await submit("send_bulk_notifications", { subject: "x", message: "x", emails });
  expect(await result(second)).toEqual({
    sent_count: 1,
    failed_count: 0,
    failed_emails: [],
    skipped_count: 1,
  });
});

async function suppressed(address: string): Promise<unknown> {
  const query = env.DB.prepare("SELECT count(*) AS n FROM suppressions WHERE address = ?");
  return query.bind(address).first("n");
}

it.each([
  ["ru", "ru"],
  ["ru-RU,ru;q=0.9,en;q=0.8", "ru"],
  ["en-GB;q=0.5, ru;q=0.4", "en"],
  ["de, ru;q=0.3", "ru"],
  ["de", "en"],
  ["ru;q=0", "en"],
  [";;q=x,", "en"],
])("whose browser asks for %s reads %s", async (asked, language) => {
  const id = await submit("send_bulk_notifications", {
    subject: "x",
    message: "x",
    emails: ["l@example.com"],
  });
  await ended(id);
  const path = LINK.exec((await mailsOf(id))[0]?.text ?? "")?.[1] ?? "";
  const page = await send(path, { headers: { "Accept-Language": asked } });
  expect(await page.text()).toContain(`<html lang="${language}">`);
});

it.each([
  ["one word", "x"],
  ["a wrong signature", "YUBleGFtcGxlLmNvbQ.AAAA"],
  ["no signature", "YUBleGFtcGxlLmNvbQ"],
  ["dots", "YUBleGFtcGxlLmNvbQ.."],
  ["one dot", "."],
  ["a NUL", "%00"],
  ["half a letter", "%F0%9F"],
  ["five thousand letters", "a".repeat(5_000)],
])("a link with %s is nothing, opened or sent", async (_what, token) => {
  for (const method of ["GET", "POST"]) {
    const answer = await send(`/api/mail/unsubscribe/${token}/`, { method });
    expect(answer.status).toBe(404);
  }
});

it("the list of addresses that are not written to is kept by hand", async () => {
  const entry = { address: "Hand@example.com", reason: "hard_bounce", detail: "asked by phone" };
  const added = await post("/api/mail/suppressions/", entry);
  expect(added.status).toBe(201);
  expect(await added.json()).toMatchObject({ ...entry, address: "hand@example.com" });
  expect((await post("/api/mail/suppressions/", entry)).status).toBe(200);
  await post("/api/mail/suppressions/", { address: "zoe@example.com", reason: "unsubscribed" });
  const seen: string[] = [];
  for (let cursor = ""; ;) {
    const answer = await get(`/api/mail/suppressions/?limit=1${cursor}`);
    const page = await answer.json<{
      suppressions: { address: string }[];
      next_cursor: string | null;
    }>();
    seen.push(...page.suppressions.map(({ address }) => address));
    if (page.next_cursor === null) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  expect(seen).toEqual(seen.toSorted());
  expect(seen).toEqual(expect.arrayContaining(["hand@example.com", "zoe@example.com"]));
  const path = "/api/mail/suppressions/hand%40example.com/";
  const remove = (query = "") => send(`${path}${query}`, { method: "DELETE" });
  expect((await remove("?reason=unsubscribed")).status).toBe(404);
  expect((await remove("?reason=hard_bounce")).status).toBe(204);
  expect((await remove()).status).toBe(404);
});

it.each([
  [{}, "address"],
  [{ address: "no", reason: "unsubscribed" }, "address"],
  [{ address: "a@b.cc\r\nBcc: x@y.zz", reason: "unsubscribed" }, "address"],
  [{ address: "a@b.cc", reason: "spite" }, "reason"],
  [{ address: "a@b.cc", reason: "unsubscribed", detail: "" }, "detail"],
  [{ address: "a@b.cc", reason: "unsubscribed", more: 1 }, "more"],
])("%o is no entry of the list", async (body, field) => {
  const answer = await post("/api/mail/suppressions/", body);
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors.map((error) => error.field)).toContain(field);
});

it.each([
  "/api/emails/?limit=0",
  "/api/emails/?limit=201",
  "/api/emails/?state=lost",
  "/api/emails/?to=",
  "/api/emails/?what=1",
  "/api/emails/?cursor=abc",
  "/api/emails/?cursor=WzEsMl0",
  "/api/emails/?cursor=%00",
  "/api/emails/?state=sent&state=failed",
  "/api/emails/a/b/c/?format=pdf",
  "/api/mail/suppressions/?cursor=e30",
  "/api/mail/suppressions/?limit=x",
  "/api/mail/templates/?x=1",
  "/api/mail/templates/order_confirmation/?locale=de",
  "/api/mail/templates/order_confirmation/?format=pdf",
  "/dashboard/mail/?locale=de",
])("%s is refused", async (path) => {
  expect((await get(path)).status).toBe(422);
});

it.each([
  "/api/emails/a/b/c/",
  "/api/emails/%00/%00/%00/",
  "/api/mail/templates/nothing/",
  "/api/mail/templates/__proto__/",
  "/dashboard/mail/?template=nothing",
])("%s is not there", async (path) => {
  expect((await get(path)).status).toBe(404);
});

it("stored mails by recipient, page by page; one of them as data, HTML and text", async () => {
  const id = await submit("send_email_notification", {
    subject: "Shown & told",
    message: "<b>Text</b>",
    recipient_list: ["shown+1@example.com"],
  });
  await ended(id);
  const list = await get(
    "/api/emails/?to=SHOWN%2B1@example.com&template=email_notification&state=sent",
  );
  expect(await list.json()).toMatchObject({
    emails: [{ task_id: id, to: "shown+1@example.com", subject: "Shown & told" }],
    next_cursor: null,
  });
  const path = `/api/emails/${id}/shown%2B1%40example.com/email_notification/`;
  expect(await (await get(path)).json()).toMatchObject({ task_id: id, text: "<b>Text</b>" });
  const html = await get(`${path}?format=html`);
  expect(html.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(html.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'; .*; sandbox$/);
  expect(await html.text()).toContain("&lt;b&gt;Text&lt;/b&gt;");
  const text = await get(`${path}?format=text`);
  expect(text.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
  expect(await text.text()).toBe("<b>Text</b>");
});

it("every message can be looked at in both languages, as HTML and as text", async () => {
  const { templates } = await (
    await get("/api/mail/templates/")
  ).json<{
    templates: { name: string; bulk: boolean; subjects: Record<string, string> }[];
  }>();
  expect(templates).toContainEqual({
    name: "order_confirmation",
    bulk: false,
    subjects: { en: "Order confirmation #123", ru: "Подтверждение заказа #123" },
  });
  for (const { name, bulk, subjects } of templates) {
    for (const locale of ["en", "ru"]) {
      const path = `/api/mail/templates/${name}/?locale=${locale}`;
      const html = await (await get(path)).text();
      expect(html).toContain(`<html lang="${locale}">`);
      expect(html).toContain("<title>");
      const text = await (await get(`${path}&format=text`)).text();
      expect(text.includes("/api/mail/unsubscribe/sample/")).toBe(bulk);
      expect(subjects[locale]).not.toBe("");
    }
  }
});

it("the dashboard shows every message, one of them with its twin, and the newest mails", async () => {
  const { data } = await order("mail-1", { customerEmail: "newest@example.com" });
  await ended(data.tasks.send_order_confirmation_email);
  const answer = await get("/dashboard/mail/?template=order_confirmation&locale=ru");
  expect(answer.status).toBe(200);
  const policy = answer.headers.get("Content-Security-Policy") ?? "";
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
  expect(policy).not.toContain("unsafe");
  const page = await answer.text();
  expect(page).not.toMatch(/<style|<script>| style=| on\w+=/);
  expect(page).toContain("Спасибо за ваш заказ #123! Мы приступили к его обработке.");
  expect(page).toContain(
    '<iframe src="/api/mail/templates/order_confirmation/?locale=ru&amp;format=html" title="order_confirmation as HTML" sandbox="">',
  );
  const newest = await (await get("/dashboard/mail/sent/")).text();
  expect(newest).toContain("newest@example.com");
});

it("a mail with a link that logs in says it to admins alone, where it is kept at all", async () => {
  const registration = {
    username: "reset",
    email: "reset@example.com",
    password: "a long horse 9",
  };
  const answer = await post("/api/register/", registration);
  const { user_id } = await answer.json<{ user_id: number }>();
  const id = await submit("send_password_reset_email", { user_id });
  expect((await ended(id)).state).toBe("SUCCESS");
  const shown = async (scope: string, path: string) =>
    (await request(path, await keyFor("x", [scope]))).text();
  const of = `/api/emails/${id}/reset@example.com/password_reset/`;
  for (const path of [`/api/emails/?task_id=${id}`, of, `${of}?format=html`, `${of}?format=text`]) {
    expect(await shown("admin", path)).toContain("#lvr_");
    expect(await shown("monitor", path)).not.toContain("lvr_");
  }
});
