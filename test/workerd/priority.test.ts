import { expect, it } from "vitest";
import { ended, get, post } from "./api.ts";

interface Queues {
  queues: { name: string; waiting: number }[];
}

async function submit(over: Record<string, unknown>): Promise<string> {
  const call = { name: "process_data", kwargs: { data: "x" }, ...over };
  const answer = await post("/api/tasks/", call);
  return (await answer.json<{ task_id: string }>()).task_id;
}

it("high-priority overtakes a backlog of 10,000 on default", async () => {
  const tasks = Array.from({ length: 1_000 }, () => ({
    name: "process_data",
    kwargs: { data: "x" },
  }));
  await Promise.all(Array.from({ length: 10 }, () => post("/api/tasks/bulk/", { tasks })));
  const { state } = await ended(await submit({ queue: "high-priority" }));
  const { queues } = await (await get("/api/queues/")).json<Queues>();
  expect(state).toBe("SUCCESS");
  expect(queues.find(({ name }) => name === "default")?.waiting).toBeGreaterThan(0);
  await expect
    .poll(
      async () => {
        const now = await (await get("/api/queues/")).json<Queues>();
        return now.queues.find(({ name }) => name === "default")?.waiting;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(0);
});

it("a queue is found by its name with underscores too, as Celery's users write it", async () => {
  const id = await submit({ queue: "high_priority" });
  expect(await ended(id)).toMatchObject({ state: "SUCCESS", queue: "high-priority" });
  const found = await get("/api/tasks/search/?queue=high_priority&limit=1");
  expect(await found.json()).toMatchObject({ tasks: [{ task_id: id, queue: "high-priority" }] });
  const stopped = await post("/api/control/cancel_consumer/", { queue: "high_priority" });
  expect(stopped.status).toBe(200);
  expect((await post("/api/control/add_consumer/", { queue: "high-priority" })).status).toBe(200);
  await submit({ queue: "high_priority", countdown: 600 });
  const revoked = await post("/api/control/revoke/", { queue: "high_priority" });
  expect(await revoked.json()).toMatchObject({ revoked: 1 });
});
