import { expect, it } from "vitest";
import type { TaskPage, TaskQuery, TaskRecord, TaskSearch } from "#engine";
import { listTasks } from "../../../src/delivery/api/flower/task-list.ts";

/** A search over `count` tasks that answers pages of at most `most`. */
class Found implements TaskSearch {
  pages = 0;
  readonly #ids: readonly string[];
  readonly #most: number;

  constructor(count: number, most = 200) {
    this.#ids = Array.from({ length: count }, (_, n) => String(n).padStart(6, "0"));
    this.#most = most;
  }

  async search({ order }: TaskQuery, limit: number, after: string | null): Promise<TaskPage> {
    this.pages += 1;
    const ids = order === "oldest" ? this.#ids : this.#ids.toReversed();
    const from = after === null ? 0 : ids.indexOf(after) + 1;
    const page = ids.slice(from, from + Math.min(limit, this.#most));
    const last = page.at(-1) ?? null;
    const tasks = page.map((id) => taskOf(id));
    return { tasks, next: from + page.length < ids.length ? last : null };
  }
}

function taskOf(id: string): TaskRecord {
  const states = ["SUCCESS", "FAILURE", "PENDING"] as const;
  const attempts = Number(id) % 3 === 2 ? [] : [{ startedAt: 1_000_000 - Number(id) }];
  const name = `task ${"CbA"[Number(id) % 3]}`;
  return { id, name, state: states[Number(id) % 3], attempts } as unknown as TaskRecord;
}

const idsOf = async (found: Found, listing: Parameters<typeof listTasks>[2]) => {
  const { tasks, isPartial } = await listTasks(found, {}, listing);
  return { ids: tasks.map(({ id }) => Number(id)), isPartial };
};

it("the newest come first, an offset skips, a limit ends", async () => {
  const found = new Found(1_000, 7);
  expect(await idsOf(found, { offset: 0, limit: 3, sort: null })).toEqual({
    ids: [999, 998, 997],
    isPartial: false,
  });
  expect(await idsOf(found, { offset: 20, limit: 2, sort: null })).toMatchObject({
    ids: [979, 978],
  });
  expect(await idsOf(found, { offset: 998, limit: 5, sort: null })).toMatchObject({ ids: [] });
});

it.each([
  [false, [10, 11]],
  [true, [989, 988]],
])("by time received, descending: %s", async (isDescending, ids) => {
  const sort = { by: "received", isDescending } as const;
  expect((await idsOf(new Found(1_000), { offset: 10, limit: 2, sort })).ids).toEqual(ids);
});

it.each([
  ["name", false, [2, 5, 8, 1]],
  ["name", true, [6, 3, 0, 7]],
  ["state", false, [1, 4, 7, 2]],
  ["started", false, [2, 5, 8, 7]],
  ["started", true, [0, 1, 3, 4]],
] as const)("by %s, descending: %s", async (by, isDescending, ids) => {
  const listing = { offset: 0, limit: 4, sort: { by, isDescending } };
  expect((await idsOf(new Found(9), listing)).ids).toEqual(ids);
});

it("the deepest page of a million tasks takes a bounded number of searches", async () => {
  const found = new Found(100_000);
  const { ids, isPartial } = await idsOf(found, { offset: 9_000, limit: 1_000, sort: null });
  expect(ids).toHaveLength(1_000);
  expect(ids[0]).toBe(90_999);
  expect(isPartial).toBe(false);
  expect(found.pages).toBe(50);
});

it("where little is found the reading ends all the same, and that is told", async () => {
  const rare: TaskSearch = { search: async () => ({ tasks: [], next: "more" }) };
  expect(await listTasks(rare, {}, { offset: 0, limit: 10, sort: null })).toEqual({
    tasks: [],
    isPartial: true,
  });
});

it("another order than that of time is one of the newest two thousand, and says so", async () => {
  const sort = { by: "name", isDescending: false } as const;
  const { ids, isPartial } = await idsOf(new Found(5_000), { offset: 0, limit: 5, sort });
  expect(isPartial).toBe(true);
  expect(Math.min(...ids)).toBeGreaterThanOrEqual(3_000);
});
