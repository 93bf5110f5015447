import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { mintTaskId, type FinishedTask } from "#engine";
import { History } from "#platform/history/history.ts";
import { HistoryPruner } from "#platform/history/pruner.ts";
import { finishedTask } from "../finished-task.ts";
import { ended, post } from "./api.ts";

const DAY_MS = 86_400_000;
const MIDNIGHT = Math.floor(1_900_000_000_000 / DAY_MS) * DAY_MS;
const NOW = MIDNIGHT + DAY_MS / 2;
let minted = 0;

function task(days: number, over: Partial<FinishedTask> = {}): FinishedTask {
  minted += 1;
  const at = NOW - days * DAY_MS;
  const random = new Uint8Array(8);
  new DataView(random.buffer).setUint32(4, minted);
  return finishedTask(mintTaskId(at, 0, random), at, over);
}

function pruner(now: number) {
  return new HistoryPruner({
    db: env.DB,
    results: env.RESULTS,
    clock: { now: () => now },
    keptDays: 30,
  });
}

async function ids(table = "tasks", column = "id"): Promise<unknown[]> {
  const { results } = await env.DB.prepare(`SELECT ${column} AS id FROM ${table}`).all();
  return results.map(({ id }) => id);
}

it("what is older than it is kept goes, with its labels and its result; the rest stays", async () => {
  const large = { key: "results/old/1", bytes: 3 };
  await env.RESULTS.put(large.key, "abc");
  const old = task(32, { options: { labels: { customer: "1" } }, large, result: null });
  // For a day new tasks may be written over it.
  const spare = task(30.9);
  const young = task(29, { options: { labels: { customer: "1" } } });
  // Submitted long ago, and ended yesterday: it slept.
  const slept = task(100, { finishedAt: NOW - DAY_MS });
  const derived = ["f0000000", "f7ffffff", "f8000000", "ffffffff"].map((start) =>
    task(40, { id: start + task(40).id.slice(8) }),
  );
  const [first, , noon] = derived;
  const many = Array.from({ length: 2_200 }, () => task(50));
  await new History(env.DB).write([old, spare, young, slept, ...derived, ...many]);
  await pruner(NOW).run();
  const left = derived.filter((one) => one !== noon).map(({ id }) => id);
  expect(new Set(await ids())).toEqual(new Set([spare.id, young.id, slept.id, ...left]));
  expect(await ids("task_labels", "task_id")).toEqual([young.id]);
  expect(await env.RESULTS.head(large.key)).toBeNull();
  // Ids without a time are looked through once a day, part by part.
  await pruner(MIDNIGHT).run();
  expect(await ids()).not.toContain(first?.id);
  for (let minute = 1; minute < 1_440; minute += 1) await pruner(MIDNIGHT + minute * 60_000).run();
  expect(new Set(await ids())).toEqual(new Set([young.id, slept.id]));
});

it("a result that has expired goes, wherever it is kept, and its task stays", async () => {
  const large = { key: "results/expired/1", bytes: 3 };
  await env.RESULTS.put(large.key, "abc");
  const expiring = (seconds: number, over: Partial<FinishedTask> = {}) =>
    task(1, { options: { result_expires: seconds }, ...over });
  const tasks = {
    small: expiring(86_399),
    large: expiring(86_399, { large, result: null }),
    later: expiring(86_401),
    never: task(1),
    failed: expiring(1, { state: "FAILURE", result: null }),
  };
  const history = new History(env.DB);
  await history.write(Object.values(tasks));
  await history.write(Object.values(tasks));
  const results = async () =>
    Promise.all(
      Object.values(tasks).map(async ({ id }) => {
        const found = await history.find(id);
        return found && (found.large?.key ?? found.result);
      }),
    );
  expect(await ids("expiring_results", "task_id")).toHaveLength(3);
  await pruner(NOW).run();
  await pruner(NOW).run();
  expect(await results()).toEqual([null, null, "1", "1", null]);
  expect(await history.find(tasks.small.id)).toMatchObject({
    state: "SUCCESS",
    options: { result_expires: 86_399 },
  });
  expect(await env.RESULTS.head(large.key)).toBeNull();
  expect(await ids("expiring_results", "task_id")).toEqual([tasks.later.id]);
});

it("a result that expires at no time is kept, and holds up no other task", async () => {
  const endless = task(1, { options: { result_expires: 1e308 } });
  const other = task(1);
  const history = new History(env.DB);
  await history.write([endless, other]);
  await pruner(NOW).run();
  const found = await Promise.all([endless, other].map(({ id }) => history.find(id)));
  expect(found.map((one) => one?.result)).toEqual(["1", "1"]);
});

it("what can't be written over doesn't wait a day for that", async () => {
  const minutes = (count: number) => 30 + count / 1_440;
  const labels = { options: { labels: { customer: "2" } } };
  const [plain, labelled, later] = [
    task(minutes(11)),
    task(minutes(11), labels),
    task(minutes(9), labels),
  ];
  await new History(env.DB).write([plain, labelled, later]);
  await pruner(NOW).run();
  const left = await ids();
  expect(left).toEqual(expect.arrayContaining([plain.id, later.id]));
  expect(left).not.toContain(labelled.id);
  expect(await ids("task_labels", "task_id")).not.toContain(labelled.id);
});

it("a shard writes over what is over", async () => {
  const old = task((NOW - Date.now()) / DAY_MS + 30.5);
  await new History(env.DB).write([old]);
  const answer = await post("/api/tasks/", { name: "process_data", args: ["x"] });
  const { task_id: id } = await answer.json<{ task_id: string }>();
  expect(await ended(id)).toMatchObject({ state: "SUCCESS" });
  await expect.poll(() => ids()).toContain(id);
  expect(await ids()).not.toContain(old.id);
});
