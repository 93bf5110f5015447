import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { memberId, mintTaskId, type FinishedTask, type TaskPage } from "#engine";
import { CanvasHistory } from "#platform/history/canvas-members.ts";
import { DeadLetters } from "#platform/history/dead-letters.ts";
import { History } from "#platform/history/history.ts";
import { HistorySearch, type IdRange } from "#platform/history/search.ts";
import { pageOf } from "#platform/history/task-page.ts";
import { finishedTask } from "../../finished-task.ts";
import { createShop, emptyTables } from "./shop.ts";

const NOW = 1_900_000_000_000;

beforeEach(emptyTables);

/** Ids of large tasks that failed, in the order of their submission. The last ones are small. */
async function keepLarge(): Promise<string[]> {
  const text = JSON.stringify("x".repeat(250_000));
  const tasks = Array.from({ length: 40 }, (_, n): FinishedTask => {
    const id = mintTaskId(NOW + n, 0, new Uint8Array(8).fill(n));
    const large = n < 30 && { kwargs: `{"text":${text}}`, result: text };
    return finishedTask(id, NOW + n, { state: "FAILURE", isDeadLettered: true, ...large });
  });
  await new History(env.DB).write(tasks);
  return tasks.map(({ id }) => id);
}

/** What all pages have, one after the other. */
async function walked(read: (after: string | null) => Promise<TaskPage>): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const page: TaskPage = await read(after);
    // With those of all shards it is in memory together, and an isolate has 128 MB.
    expect(JSON.stringify(page).length).toBeLessThan(3_000_000);
    ids.push(...page.tasks.map(({ id }) => id));
    after = page.next;
  } while (after !== null);
  return ids;
}

it("pages of large tasks of the history end early, and have each of them once", async () => {
  const ids = await keepLarge();
  const search = new HistorySearch(env.DB);
  const newest = (after: string | null) =>
    search.find({ order: "newest" }, { from: "0", to: after ?? "g" }, 200);
  expect(await walked(newest)).toEqual(ids.toReversed());
  const oldest = (after: string | null) =>
    search.find({ order: "oldest" }, { from: after === null ? "0" : `${after}!`, to: "g" }, 200);
  expect(await walked(oldest)).toEqual(ids);
});

it("pages of large dead letters end early and have each of them once; all together have their ids", async () => {
  const ids = await keepLarge();
  const { ledger, lovage } = createShop();
  const letters = new DeadLetters({ db: env.DB, lovageFor: () => lovage, submitter: ledger });
  expect(await walked((after) => letters.list({}, 200, after))).toEqual(ids.toReversed());
  expect(await letters.ids({}, 35)).toEqual(ids.toReversed().slice(0, 35));
});

it("members of a canvas that are large are read a few at a time, wherever they are, and each of them once", async () => {
  const base = mintTaskId(NOW, 0, new Uint8Array(8).fill(1));
  const text = JSON.stringify("x".repeat(250_000));
  const over = { kwargs: `{"text":${text}}`, result: text };
  const tasks = Array.from({ length: 30 }, (_, n) =>
    finishedTask(memberId(base, n + 1), NOW, over),
  );
  // Every third is in the ledger yet.
  const live = tasks.filter((_task, n) => n % 3 === 0);
  await new History(env.DB).write(tasks.filter((task) => !live.includes(task)));
  const shard = {
    outline: () => Promise.resolve(null),
    members: (_range: IdRange, { from, to }: IdRange) =>
      Promise.resolve({
        page: pageOf(
          live.filter(({ id }) => id >= from && id < to),
          Infinity,
        ),
        states: live.map(({ id, state }) => ({ id, state })),
      }),
  };
  const canvases = new CanvasHistory(env.DB, () => shard);
  const places: number[] = [];
  for (let from = 1; from < 31;) {
    const page = await canvases.members(base, { from: 1, to: 31 }, { from, to: 31 });
    expect(JSON.stringify([...page.tasks]).length).toBeLessThan(4_000_000);
    expect(page.states).toEqual({ SUCCESS: 30 });
    places.push(...[...page.tasks.keys()].toSorted((a, b) => a - b));
    from = page.to;
  }
  expect(places).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
});
