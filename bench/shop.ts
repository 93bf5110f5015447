import { seededShop, type Rows } from "../scripts/seed/shop.ts";
import { call, round2 } from "./measure.ts";

const ORDERS = 100_000;
const DAYS = 60;
/** Mails that wait, old mails, and sessions that are over: each. */
const LEFT = 1_000;
const DAY_MS = 86_400_000;
/** Rows of one request. */
const ROWS_AT_ONCE = 1_000;

interface Counts {
  readonly read: number;
  readonly written: number;
  readonly queries: number;
}

async function rowsOf(url: string): Promise<Counts> {
  return JSON.parse(await call(`${url}/bench/rows`)) as Counts;
}

/** What a shop has besides its orders: mails that wait, old mails and sessions that are over. */
function leftovers(now: number): Rows[] {
  const mail = (n: number, state: string, createdAt: number) => [
    ...[`bench:${state}:${n}`, `reader${n}@example.com`, "notice", `<${state}-${n}@bench>`],
    ...["News", "Hello.", "<p>Hello.</p>", createdAt, null, state, 0],
    ...[state === "pending" ? createdAt : 0, null],
  ];
  const each = (row: (n: number) => unknown[]) => Array.from({ length: LEFT }, (_, n) => row(n));
  return [
    {
      table: "emails",
      columns: [
        ...["task_id", "to_address", "template", "message_id", "subject", "text_body"],
        ...["html_body", "created_at", "headers", "state", "attempts", "due_at", "reason"],
      ],
      rows: [
        ...each((n) => mail(n, "pending", now)),
        ...each((n) => mail(n, "sent", now - 100 * DAY_MS)),
      ],
    },
    {
      table: "sessions",
      columns: ["id", "user_id", "secret_hash", "created_at", "expires_at", "user_agent"],
      rows: each((n) => [`000000000${n}`, n, "-", now - 40 * DAY_MS, now - 10 * DAY_MS, ""]),
    },
  ];
}

async function seed(url: string): Promise<number> {
  let total = 0;
  const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const rowsOfShop = seededShop({ orders: ORDERS, days: DAYS, now }, 1);
  for (const { table, columns, rows } of [...leftovers(now), ...rowsOfShop]) {
    total += rows.length;
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
      const some = rows.slice(from, from + ROWS_AT_ONCE);
      await call(`${url}/bench/insert`, JSON.stringify({ table, columns, rows: some }));
    }
  }
  return total;
}

interface Ended {
  readonly state: string;
  readonly error: unknown;
  readonly result: { readonly continued_by?: string } | null;
}

async function ended(url: string, id: string): Promise<Ended> {
  let task: Ended;
  do task = JSON.parse(await call(`${url}/api/tasks/${id}/?wait=60`)) as Ended;
  while (!["SUCCESS", "FAILURE", "REVOKED"].includes(task.state));
  return task;
}

/** Runs a task, and those that go on for it, to the end: seconds, and the rows their statements read and wrote. */
async function job(url: string, name: string, kwargs: Record<string, unknown>) {
  const before = await rowsOf(url);
  const startedAt = performance.now();
  const { task_id: first } = JSON.parse(
    await call(`${url}/api/tasks/`, JSON.stringify({ name, kwargs })),
  ) as { task_id: string };
  for (let id: string | undefined = first; id !== undefined;) {
    const task: Ended = await ended(url, id);
    if (task.state !== "SUCCESS") throw new Error(`${name}: ${JSON.stringify(task.error)}`);
    id = task.result?.continued_by;
  }
  const after = await rowsOf(url);
  return {
    seconds: round2((performance.now() - startedAt) / 1_000),
    rows_read: after.read - before.read,
    rows_written: after.written - before.written,
    queries: after.queries - before.queries,
  };
}

/** The shop's scheduled jobs on a database with 100,000 orders; what each read and wrote. */
export async function shop(url: string) {
  const results: Record<string, unknown> = { orders: ORDERS, seeded_rows: await seed(url) };
  // What the code declares to run by itself.
  const { schedules } = JSON.parse(await call(`${url}/api/schedules/?limit=200`)) as {
    schedules: { task: string; kwargs: Record<string, unknown> }[];
  };
  // First, because others send what they queue, and what waits besides.
  const sending = schedules.filter(({ task }) => task === "send_pending_emails");
  for (const { task, kwargs } of [...sending, ...schedules]) {
    results[task] ??= await job(url, task, kwargs);
  }
  return results;
}
