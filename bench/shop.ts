import { seededShop } from "../scripts/seed/shop.ts";
import { call, round2 } from "./measure.ts";

const ORDERS = 100_000;
const DAYS = 60;
const DAY_MS = 86_400_000;
/** Rows of one request. */
const ROWS_AT_ONCE = 1_000;

interface Counts {
  readonly read: number;
  readonly written: number;
}

async function rowsOf(url: string): Promise<Counts> {
  return JSON.parse(await call(`${url}/bench/rows`)) as Counts;
}

async function seed(url: string): Promise<number> {
  let total = 0;
  const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  for (const { table, columns, rows } of seededShop({ orders: ORDERS, days: DAYS, now }, 1)) {
    total += rows.length;
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
      const some = rows.slice(from, from + ROWS_AT_ONCE);
      await call(`${url}/bench/insert`, JSON.stringify({ table, columns, rows: some }));
    }
  }
  return total;
}

/** Runs a task to its end: seconds, and the rows its statements read and wrote. */
async function job(url: string, name: string, kwargs: Record<string, unknown>) {
  const before = await rowsOf(url);
  const startedAt = performance.now();
  const { task_id: id } = JSON.parse(
    await call(`${url}/api/tasks/`, JSON.stringify({ name, kwargs })),
  ) as { task_id: string };
  let task: { state: string; error: unknown };
  do task = JSON.parse(await call(`${url}/api/tasks/${id}/?wait=60`)) as typeof task;
  while (!["SUCCESS", "FAILURE", "REVOKED"].includes(task.state));
  if (task.state !== "SUCCESS") throw new Error(`${name}: ${JSON.stringify(task.error)}`);
  const after = await rowsOf(url);
  return {
    seconds: round2((performance.now() - startedAt) / 1_000),
    rows_read: after.read - before.read,
    rows_written: after.written - before.written,
  };
}

/** The shop's scheduled jobs on a database with 100,000 orders; what each read and wrote. */
export async function shop(url: string) {
  const results: Record<string, unknown> = { orders: ORDERS, seeded_rows: await seed(url) };
  // What the code declares to run by itself.
  const { schedules } = JSON.parse(await call(`${url}/api/schedules/?limit=200`)) as {
    schedules: { task: string; kwargs: Record<string, unknown> }[];
  };
  for (const { task, kwargs } of schedules) results[task] = await job(url, task, kwargs);
  return results;
}
