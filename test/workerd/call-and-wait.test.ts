import { expect, it } from "vitest";
import { ended, post, type TaskAnswer } from "./api.ts";

const CALL = { name: "process_data", kwargs: { data: "hello" } };

it("a call that waits is answered with its task, when that has ended", async () => {
  const answer = await post("/api/tasks/?wait=20", CALL);
  expect(answer.status).toBe(200);
  const task = await answer.json<TaskAnswer>();
  expect(task).toMatchObject({ state: "SUCCESS", retries: 0, attempts: [{ outcome: "success" }] });
  expect(task).toEqual(await ended(task.task_id));
});

it("a call whose task takes longer is answered as one that doesn't wait", async () => {
  const answer = await post("/api/tasks/?wait=0.01", { ...CALL, countdown: 3_600 });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toEqual({ task_id: expect.any(String) });
});

it("a call that is repeated with its key waits for the task that it made", async () => {
  const headers = { "Idempotency-Key": "call-and-wait" };
  const first = await (await post("/api/tasks/?wait=20", CALL, headers)).json<TaskAnswer>();
  expect(await (await post("/api/tasks/?wait=20", CALL, headers)).json()).toEqual(first);
  expect(await (await post("/api/tasks/", CALL, headers)).json()).toMatchObject({
    task_id: first.task_id,
  });
});

it.each(["-1", "61", "x"])("a call that would wait for %s seconds is refused", async (wait) => {
  const answer = await post(`/api/tasks/?wait=${wait}`, CALL);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ errors: [{ field: "wait" }] });
});
