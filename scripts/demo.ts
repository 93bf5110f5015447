/**
 * `npm run demo`: gives a running server a shop's work and shows what becomes of it. LOVAGE_URL says
 * where the server is (default http://localhost:8787), LOVAGE_TOKEN is an API key where one is needed.
 * Ends with 1 if a task did not come to an end in time.
 */
import { styleText } from "node:util";
import { DemoClient, isDone, RequestError, type Order } from "./demo-client.ts";
import { DemoView, summary, type Row, type TaskCell } from "./demo-view.ts";

const TIMEOUT_MS = 120_000;
/** How often a task that goes on is looked at; one that ends is seen at once. */
const LOOK_EVERY_SECONDS = 1;

/** The simulated gateway goes by the last two digits of an amount. */
const AMOUNTS: readonly (readonly [amount: number, note: string])[] = [
  [150, ""],
  [89.9, ""],
  [42.01, "declined"],
  [1_299, ""],
  [19.99, ""],
  [75.02, "no answer"],
  [240.5, ""],
  [64.03, "fails twice"],
  [12, ""],
  [9.95, ""],
  [310.03, "fails twice"],
  [5.5, ""],
];
const TEXTS = ["hello", "lovage", "background work", "привет"];

const text = (data: string) => ({ name: "process_data", kwargs: { data } });
/** What a chain or a chord ends with: it takes nothing from what was before it. */
const tellAdmins = {
  name: "send_admin_notification",
  kwargs: { subject: "Demo", message: "All of it is done." },
  immutable: true,
};
const WORKFLOWS: readonly (readonly [label: string, signature: unknown])[] = [
  ["a text, then the admins", { chain: [text("one after the other"), tellAdmins] }],
  ["several texts at once", { group: TEXTS.map(text) }],
  ["texts, then the admins", { chord: { header: TEXTS.map(text), body: tellAdmins } }],
];

/** Creates an order and answers its row. The run's name makes its id new. */
async function placeOrder(client: DemoClient, run: string, index: number): Promise<Row> {
  const [totalAmount, note] = AMOUNTS[index] ?? [1, ""];
  const order: Order = { orderId: `demo-${run}-${index + 1}`, totalAmount };
  const tasks = Object.entries(await client.createOrder(order)).map(toCell);
  const suffix = note === "" ? "" : ` ${note}`;
  return { label: `#${index + 1} ${totalAmount.toFixed(2)}${suffix}`, tasks };
}

async function processText(client: DemoClient, data: string): Promise<Row> {
  const id = await client.process(data);
  return { label: `"${data}"`, tasks: [toCell(["process_data", id])] };
}

async function runWorkflow(client: DemoClient, label: string, signature: unknown): Promise<Row> {
  const kind = Object.keys(signature as object).join();
  return { label, tasks: [toCell([kind, await client.canvas(signature)])] };
}

function toCell([name, id]: readonly [name: string, id: string]): TaskCell {
  return { name, id, task: null };
}

/** Follows a task until it ends or `until` (of performance.now) is over. */
async function follow(
  client: DemoClient,
  cell: TaskCell,
  until: number,
  onChange: () => void,
): Promise<void> {
  while (performance.now() < until) {
    const task = await client.task(cell.id, cell.task === null ? 0 : LOOK_EVERY_SECONDS);
    const hasChanged = task.state !== cell.task?.state || task.retries !== cell.task.retries;
    cell.task = task;
    if (hasChanged) onChange();
    if (isDone(task)) return;
  }
}

/** @returns whether every task came to an end */
async function demo(client: DemoClient): Promise<boolean> {
  const run = Date.now().toString(36);
  const rows = await Promise.all([
    ...AMOUNTS.map((_amount, index) => placeOrder(client, run, index)),
    ...TEXTS.map((each) => processText(client, each)),
    ...WORKFLOWS.map(([label, signature]) => runWorkflow(client, label, signature)),
  ]);
  const view = new DemoView(rows, process.stdout);
  const until = performance.now() + TIMEOUT_MS;
  view.draw();
  await Promise.all(
    rows.flatMap((row) =>
      row.tasks.map((cell) =>
        follow(client, cell, until, () => {
          view.changed(row, cell);
        }),
      ),
    ),
  );
  console.log(summary(rows));
  return rows.every((row) => row.tasks.every(({ task }) => task !== null && isDone(task)));
}

function fail(message: string): never {
  console.error(styleText("red", message, { stream: process.stderr }));
  process.exit(1);
}

const url = process.env["LOVAGE_URL"] || "http://localhost:8787";
const client = new DemoClient(url, process.env["LOVAGE_TOKEN"] || null);
if (!(await client.isThere())) {
  fail(`No Lovage server answers at ${url}. Start one with: npm start (or set LOVAGE_URL).`);
}
console.log(
  `${styleText("bold", "Lovage demo")} at ${url}: ${AMOUNTS.length} orders, ${TEXTS.length} texts, ${WORKFLOWS.length} workflows\n`,
);
try {
  const isComplete = await demo(client);
  if (!isComplete) fail(`\nNot every task came to an end in ${TIMEOUT_MS / 1_000} s.`);
  console.log(styleText("green", "\nEvery task came to an end, as promised."));
} catch (error) {
  if (!(error instanceof RequestError || error instanceof TypeError)) throw error;
  fail(`\nThe server did not do as asked: ${error.message}`);
}
