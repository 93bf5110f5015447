import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";

const ORDERS = 500;
const WIDTH = 16;
/** A lease of a consumer that was killed runs out after 30 s, and its tasks are run one by one then. */
const CALM_MS = 150_000;

const state = mkdtempSync(join(tmpdir(), "lovage-kill-"));
const options = { port: 8_791, config: "wrangler.toml", state };
let server: LocalServer | null = null;

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

interface Answer {
  data: { tasks: { send_order_confirmation_email: string; process_payment: string } };
}

/** Null: no answer, so it is not known whether the order was created. */
async function createOrder(url: string, id: number): Promise<Answer | null> {
  const body = JSON.stringify({
    orderId: `kill-${id}`,
    userId: 1,
    totalAmount: 20,
    customerEmail: `c${id}@example.com`,
  });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/api/create-order/`, { method: "POST", headers, body }).catch(
    () => null,
  );
  if (answer === null) return null;
  expect(answer.status).toBe(200);
  return answer.json<Answer>();
}

/** Creates all orders, several at a time; `onAnswer` is told how many were answered. */
async function createAll(
  url: string,
  onAnswer: (count: number) => void,
): Promise<(Answer | null)[]> {
  const answers: (Answer | null)[] = Array.from({ length: ORDERS }, () => null);
  let next = 0;
  let answered = 0;
  const lane = async () => {
    while (next < ORDERS) {
      const id = next;
      next += 1;
      answers[id] = await createOrder(url, id).catch(() => null);
      if (answers[id] === null) continue;
      answered += 1;
      onAnswer(answered);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  return answers;
}

async function stateOf(url: string, taskId: string): Promise<string> {
  const answer = await fetch(`${url}/api/tasks/${taskId}/?wait=60`);
  return (await answer.json<{ state: string }>()).state;
}

/** What the gateway's and the mailbox's own books say, read from the database file itself. */
function books() {
  const [file] = globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite")).filter(
    (path) => !path.endsWith("metadata.sqlite"),
  );
  const db = new DatabaseSync(file ?? "", { readOnly: true });
  const rows = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.assign({}, row));
  const found = {
    charges: rows(
      "SELECT captures, count(*) AS orders FROM (SELECT order_id, sum(captures) AS captures FROM simulated_charges GROUP BY 1) GROUP BY 1",
    ),
    mails: rows(
      "SELECT mails, count(*) AS orders FROM (SELECT to_address, count(*) AS mails FROM emails GROUP BY 1) GROUP BY 1",
    ),
    orders: rows("SELECT state, count(*) AS orders FROM orders GROUP BY 1"),
    outbox: rows("SELECT id FROM outbox"),
  };
  db.close();
  return found;
}

it(
  "kill -9 in the middle of 1,000 tasks loses none, and every payment is captured once",
  { timeout: 2 * CALM_MS + 120_000 },
  async () => {
    server = await LocalServer.start(options);
    const kills: Promise<void>[] = [];
    const before = await createAll(server.url, (count) => {
      if (count === ORDERS / 2 && server !== null) kills.push(server.kill());
    });
    await Promise.all(kills);
    expect(before.filter((answer) => answer !== null).length).toBeGreaterThanOrEqual(ORDERS / 2);

    server = await LocalServer.start(options);
    const { url } = server;
    const after = await createAll(url, () => undefined);
    for (const [id, answer] of before.entries()) {
      if (answer !== null) expect(after[id]).toEqual(answer);
    }
    const ids = after.flatMap((answer) => Object.values(answer?.data.tasks ?? {}));
    expect(ids).toHaveLength(2 * ORDERS);
    const states = new Map<string, number>();
    const waiting = [...ids];
    const lane = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        let reached = await stateOf(url, id);
        for (let tries = 0; reached !== "SUCCESS" && tries < 3; tries += 1) {
          reached = await stateOf(url, id);
        }
        states.set(reached, (states.get(reached) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, lane));
    expect(Object.fromEntries(states)).toEqual({ SUCCESS: 2 * ORDERS });

    await expect.poll(() => books().outbox, { timeout: CALM_MS, interval: 1_000 }).toEqual([]);
    expect(books()).toEqual({
      charges: [{ captures: 1, orders: ORDERS }],
      mails: [{ mails: 1, orders: ORDERS }],
      orders: [{ state: "paid", orders: ORDERS }],
      outbox: [],
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const counted = metrics.matchAll(/^lovage_tasks_ended_total\{task="(.*)",queue=.*\} (\d+)$/gm);
    const sums = new Map<string, number>();
    for (const [, task = "", count] of counted)
      sums.set(task, (sums.get(task) ?? 0) + Number(count));
    expect(sums.get("process_payment")).toBe(ORDERS);
    expect(sums.get("send_order_confirmation_email")).toBe(ORDERS);
  },
);
