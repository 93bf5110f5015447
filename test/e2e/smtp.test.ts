import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { certificateFor } from "../mail/certificate.ts";
import { MailServer, type Fault, type Stage } from "../mail/mail-server.ts";

const PORT = 9_135;
const SMTP_PORT = 9_136;
const MAILS = 10_000;
/** Of them those that are a task each; the others are sent by lists. */
const SINGLES = 1_000;
const LIST = 100;
const CALM_MS = 180_000;

const state = mkdtempSync(join(tmpdir(), "lovage-smtp-"));
const login = { user: "shop", password: "s3cr3t, and long" };
const here = certificateFor("localhost");
const elsewhere = certificateFor("mail.example.com");
let server: LocalServer | null = null;

beforeAll(async () => {
  const certificates = join(state, "trusted.pem");
  writeFileSync(certificates, here.cert + elsewhere.cert);
  server = await LocalServer.start({
    ...{ port: PORT, config: "wrangler.toml", state, certificates },
    vars: {
      MAIL_TRANSPORT: "smtp",
      MAIL_FROM: "Shop <shop@example.com>",
      SMTP_HOST: "localhost",
      SMTP_PORT: String(SMTP_PORT),
      SMTP_SECURITY: "starttls",
      SMTP_USER: login.user,
      SMTP_PASSWORD: login.password,
      SMTP_CONNECTIONS: "4",
    },
  });
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

const addressOf = (id: number) => `c${id}@example.com`;
const isGone = (id: number) => id % 100 === 7;

/** What goes wrong with the mail of a customer, the first time; those who are gone stay so. */
function faultOf(id: number, stage: Stage, isFirst: boolean): Fault | null {
  if (stage === "rcpt" && isGone(id)) return "550 5.1.1 No such user";
  if (stage === "dot" && id % 20 === 0) return 10;
  if (!isFirst || id >= MAILS / 4) return null;
  if (stage === "rcpt" && id % 20 === 3) return "451 4.7.1 Greylisted, try again";
  if (stage === "rcpt" && id % 50 === 11) return "drop";
  if (stage === "data" && id % 50 === 31) return "drop";
  return null;
}

/** A server that is slow with some, greylists some, breaks some connections, and refuses some. */
function startMailServer(): Promise<MailServer> {
  const seen = new Set<string>();
  return MailServer.start({
    ...{ port: SMTP_PORT, certificate: here, login },
    faultAt: (stage, to) => {
      const place = `${stage} ${to}`;
      const fault = faultOf(Number(/\d+/.exec(to)?.[0] ?? -1), stage, !seen.has(place));
      seen.add(place);
      return fault;
    },
  });
}

function post(path: string, body: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${PORT}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** @returns ids of the tasks */
async function submit(tasks: readonly object[]): Promise<string[]> {
  const answer = await post("/api/tasks/bulk/", { tasks });
  expect(answer.status).toBe(202);
  return (await answer.json<{ task_ids: string[] }>()).task_ids;
}

/** A mail that a task sends by itself. */
const single = (id: number) => ({
  name: "send_order_confirmation_email",
  kwargs: { order_id: `o${id}`, customer_email: addressOf(id) },
});
/** Mails that a task sends in batches. */
const list = (ids: readonly number[]) => ({
  name: "send_email_notification",
  kwargs: { subject: "News", message: "Hello.", recipient_list: ids.map(addressOf) },
});

/** Rows of the local database, read from its file. */
function rows(sql: string): Record<string, unknown>[] {
  const [file] = globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite")).filter(
    (path) => !path.endsWith("metadata.sqlite"),
  );
  const db = new DatabaseSync(file ?? "", { readOnly: true });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}

const emails = (): Record<string, number> =>
  Object.fromEntries(
    rows("SELECT state, count(*) AS n FROM emails GROUP BY 1").map(({ state: name, n }) => [
      String(name),
      Number(n),
    ]),
  );

/** What an operator does with mails, and with their tasks, that wait for their next try. @returns how many have not ended */
async function hurry(tasks: readonly string[]): Promise<number> {
  const through = new Set(rows("SELECT id FROM tasks").map(({ id }) => id));
  const open = tasks.filter((id) => !through.has(id));
  const { pending = 0, sending = 0 } = emails();
  if (pending > 0 && sending === 0) {
    await submit([{ name: "send_pending_emails", kwargs: { now: true } }]);
  } else if (open.length < tasks.length / 4) {
    // Those that run say 409.
    await Promise.all(open.map((id) => post(`/api/tasks/${id}/reschedule/`, { countdown: 0 })));
  }
  return open.length + pending + sending;
}

it("a server with another's certificate gets neither login nor mail, and the mail waits", async () => {
  const other = await MailServer.start({ port: SMTP_PORT, certificate: elsewhere, login });
  await submit([single(MAILS)]);
  await expect
    .poll(() => rows("SELECT state, attempts, reason FROM emails"), { timeout: 30_000 })
    .toEqual([{ state: "pending", attempts: 1, reason: expect.stringContaining("certificate") }]);
  expect(other.connections.total).toBeGreaterThan(0);
  expect([other.logins, other.book]).toEqual([[], []]);
  await other.close();
});

it(
  "of 10,000 mails through a server in trouble none is lost or doubled, and those refused are written down",
  { timeout: CALM_MS + 60_000 },
  async () => {
    const mailServer = await startMailServer();
    const ids = Array.from({ length: MAILS }, (_, id) => id);
    const lists = Array.from({ length: (MAILS - SINGLES) / LIST }, (_, n) =>
      list(ids.slice(SINGLES + n * LIST, SINGLES + (n + 1) * LIST)),
    );
    const singles = ids.slice(0, SINGLES).map(single);
    const tasks = [...(await submit(singles)), ...(await submit(lists))];
    // And the one that waits since the test before.
    const wanted = [...ids.filter((id) => !isGone(id)), MAILS].map(addressOf);
    const expected = { sent: wanted.length, failed: MAILS + 1 - wanted.length };
    await expect.poll(() => hurry(tasks), { timeout: CALM_MS, interval: 1_000 }).toBe(0);
    expect(emails()).toEqual(expected);
    const failed = rows("SELECT count(*) AS n FROM tasks WHERE state <> 'SUCCESS'");
    expect(failed).toEqual([{ n: ids.slice(0, SINGLES).filter(isGone).length }]);
    expect(mailServer.book.map(({ to }) => to).toSorted()).toEqual(wanted.toSorted());
    expect(rows("SELECT count(*) AS n FROM suppressions WHERE reason = 'hard_bounce'")).toEqual([
      { n: expected.failed },
    ]);
    await mailServer.close();
  },
);

it("mails that are out when their tasks are stopped are written down as sent, and hold up no other work", async () => {
  const ids = [1, 2, 3, 4, 5].map((n) => MAILS + n);
  const stopped = ids.slice(0, 3).map((id) => ({ ...single(id), time_limit: 1 }));
  const slow = new Set(stopped.map(({ kwargs }) => kwargs.customer_email));
  const mailServer = await MailServer.start({
    ...{ port: SMTP_PORT, certificate: here, login },
    faultAt: (stage, to) => (stage === "dot" && slow.has(to) ? 8_000 : null),
  });
  const addresses = ids.map((id) => `'${addressOf(id)}'`).join();
  const states = () =>
    rows(`SELECT state FROM emails WHERE to_address IN (${addresses}) ORDER BY to_address`).map(
      ({ state: name }) => name,
    );
  // One alone is run by the invocation that took it, two by a consumer.
  const tasks = [...(await submit(stopped.slice(0, 1))), ...(await submit(stopped.slice(1)))];
  const ended = `SELECT state FROM tasks WHERE id IN (${tasks.map((id) => `'${id}'`).join()})`;
  await expect.poll(() => rows(ended)).toEqual(tasks.map(() => ({ state: "FAILURE" })));
  expect(states()).toEqual(["sending", "sending", "sending"]);
  await submit(ids.slice(3).map(single));
  await expect.poll(states).toEqual(["sending", "sending", "sending", "sent", "sent"]);
  await expect.poll(states).toEqual(ids.map(() => "sent"));
  expect(mailServer.book.length).toBe(ids.length);
  await mailServer.close();
});
