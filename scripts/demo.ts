/**
 * `npm run demo`: gives a running server a shop's work, all that a shop has, and shows what becomes of it.
 * LOVAGE_URL says where the server is (default http://localhost:8787), LOVAGE_TOKEN is an API key with the
 * scope admin where one is needed. Ends with 1 if a task did not come to an end in time, or if what was
 * looked at is not as it should be.
 */
import { styleText } from "node:util";
import { DemoClient, isDone, RequestError } from "./demo/client.ts";
import type { Check, Scene, Stage } from "./demo/scene.ts";
import { escrow, orders, registration } from "./demo/shop-scenes.ts";
import { DemoView, summary, type Row, type TaskCell } from "./demo/view.ts";
import { backup, bulk, file, report, workflows } from "./demo/work-scenes.ts";

const TIMEOUT_MS = 120_000;
/** How often a task that goes on is looked at; one that ends is seen at once. */
const LOOK_EVERY_SECONDS = 1;

const SCENES: readonly Scene[] = [
  registration,
  orders,
  escrow,
  bulk,
  workflows,
  file,
  report,
  backup,
];

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

function show({ what, seen, isRight }: Check): void {
  const mark = isRight ? styleText("green", "✓") : styleText("red", "✗");
  console.log(`  ${mark} ${what}: ${styleText("gray", seen)}`);
}

interface Outcome {
  readonly rows: readonly Row[];
  /** All tasks came to an end, and what was looked at is right. */
  readonly isRight: boolean;
}

async function play(scene: Scene, stage: Stage): Promise<Outcome> {
  console.log(`\n${styleText("bold", scene.title)}`);
  const { rows, checks } = await scene.play(stage);
  const view = new DemoView(rows, process.stdout);
  const until = performance.now() + TIMEOUT_MS;
  view.draw();
  await Promise.all(
    rows.flatMap((row) =>
      row.tasks.map((cell) =>
        follow(stage.client, cell, until, () => {
          view.changed(row, cell);
        }),
      ),
    ),
  );
  const looked = await checks();
  looked.forEach(show);
  const isDoneAll = rows.every((row) =>
    row.tasks.every(({ task }) => task !== null && isDone(task)),
  );
  return { rows, isRight: isDoneAll && looked.every(({ isRight }) => isRight) };
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
console.log(`${styleText("bold", "Lovage demo")} at ${url}`);
const stage: Stage = { client, run: Date.now().toString(36) };
try {
  const outcomes: Outcome[] = [];
  for (const scene of SCENES) outcomes.push(await play(scene, stage));
  console.log(summary(outcomes.flatMap(({ rows }) => rows)));
  if (!outcomes.every(({ isRight }) => isRight)) fail("\nNot everything came out as it should.");
  console.log(styleText("green", "\nEverything came to its end, as promised."));
  console.log(`Every mail, in English and Russian: ${url}/dashboard/mail/`);
} catch (error) {
  if (!(error instanceof RequestError || error instanceof TypeError)) throw error;
  fail(`\nThe server did not do as asked: ${error.message}`);
}
