import { expect, it } from "vitest";
import type { TaskPage, TaskQuery } from "#engine";
import { findTasks } from "../../../src/delivery/dashboard/tasks/found-tasks.ts";
import { readListQuery } from "../../../src/delivery/dashboard/tasks/list-query.ts";

const query = readListQuery(new URLSearchParams({ name: "rare", limit: "25" }));

/** A history of so many parts, each of which takes so long and has one task. */
function history(parts: number, ms: number) {
  let now = 0;
  const asked: (string | null)[] = [];
  const search = (_query: TaskQuery, limit: number, after: string | null): Promise<TaskPage> => {
    asked.push(after);
    now += ms;
    const part = after === null ? 0 : Number(after);
    const tasks = [{ id: `task-${part}` }].slice(0, limit) as unknown as TaskPage["tasks"];
    return Promise.resolve({ tasks, next: part + 1 < parts ? String(part + 1) : null });
  };
  return { asked, parts: { search: { search }, clock: { now: () => now } } };
}

it("what is rare is looked for further on, until all of it is found", async () => {
  const { asked, parts } = history(4, 1);
  const { tasks, next, hasReadOn } = await findTasks(parts, query);
  expect(tasks.map(({ id }) => id)).toEqual(["task-0", "task-1", "task-2", "task-3"]);
  expect([next, hasReadOn]).toEqual([null, true]);
  expect(asked).toEqual([null, "1", "2", "3"]);
});

it("one part that has all is not read on from", async () => {
  const { parts } = history(1, 1);
  expect(await findTasks(parts, query)).toMatchObject({ next: null, hasReadOn: false });
});

it("the ids of calls with keys are not read on to, they are the other range of every search", async () => {
  const search = (_query: TaskQuery, _limit: number, after: string | null): Promise<TaskPage> =>
    Promise.resolve({ tasks: [], next: after === null ? "g" : null });
  const parts = { search: { search }, clock: { now: () => 0 } };
  expect(await findTasks(parts, query)).toMatchObject({ next: null, hasReadOn: false });
});

it("nobody waits long: no new part is begun after 100 ms, and the next page goes on there", async () => {
  const { asked, parts } = history(1_000, 40);
  const { tasks, next } = await findTasks(parts, query);
  expect([asked.length, tasks.length, next]).toEqual([3, 3, "3"]);
});

it("a page reads a bounded part of the history, however fast that is", async () => {
  const { asked, parts } = history(1_000, 0);
  expect((await findTasks(parts, query)).next).toBe("20");
  expect(asked.length).toBe(20);
});

it("a page that is full is not read on from, and has no row too many", async () => {
  const { parts } = history(1_000, 0);
  const full = { ...query, limit: 2 };
  expect(await findTasks(parts, full)).toMatchObject({ tasks: { length: 2 }, next: "2" });
});
