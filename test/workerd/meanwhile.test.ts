import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ended, get, post, type TaskAnswer } from "./api.ts";
import { claiming, spec, succeeding } from "./ledger.ts";

interface Submitted {
  task_id: string;
  duplicate?: boolean;
  replaced?: boolean;
}

interface Problem {
  code: string;
  errors?: { field: string }[];
}

interface LiveTask extends TaskAnswer {
  readonly meta: unknown;
  readonly kwargs: unknown;
  readonly eta: string | null;
  readonly options: Record<string, unknown>;
}

const call = (data: string, over: Record<string, unknown> = {}) => ({
  name: "process_data",
  args: [data],
  ...over,
});

async function submit(body: unknown, headers?: Record<string, string>): Promise<Submitted> {
  const answer = await post("/api/tasks/", body, headers);
  expect(answer.status).toBe(202);
  return answer.json();
}

async function taskOf(id: string): Promise<LiveTask> {
  return (await get(`/api/tasks/${id}/`)).json();
}

it("two hundred concurrent submits of one unique task, singly and in bulk, run once", async () => {
  const later = { unique: true, countdown: 3 };
  const singles = Array.from({ length: 100 }, () => submit(call("once", later)));
  const bulks = Array.from({ length: 10 }, async () => {
    const tasks = [...Array.from({ length: 10 }, () => call("once", later)), call("plain")];
    const answer = await post("/api/tasks/bulk/", { tasks });
    expect(answer.status).toBe(202);
    return answer.json<{ task_ids: string[] }>();
  });
  const single = await Promise.all(singles);
  const bulk = (await Promise.all(bulks)).map(({ task_ids: ids }) => ids);
  const ids = [...single.map(({ task_id: id }) => id), ...bulk.flatMap((all) => all.slice(0, 10))];
  expect(ids).toHaveLength(200);
  expect(new Set(ids).size).toBe(1);
  expect(new Set(bulk.map((all) => all[10])).size).toBe(10);
  expect(single.filter(({ duplicate }) => duplicate !== true).length).toBeLessThanOrEqual(1);
  const task = await ended(ids[0] ?? "");
  expect(task).toMatchObject({ state: "SUCCESS", attempts: [{ attempt: 1 }] });
  const recorded = async () => {
    const { results } = await env.DB.prepare(
      `SELECT id FROM tasks WHERE name = 'process_data' AND kwargs = '{"data":"once"}'`,
    ).all();
    return results;
  };
  await expect.poll(recorded).toEqual([{ id: ids[0] }]);
  // It has ended: the next call is a task again.
  const next = await submit(call("once", { unique: true }));
  expect(next.task_id).not.toBe(ids[0]);
  expect(next).not.toHaveProperty("duplicate");
});

it("throttled calls are answered with the first one's id, also after it has ended", async () => {
  const first = await submit(call("throttled", { throttle: 60 }));
  await ended(first.task_id);
  expect(await submit(call("another", { throttle: 60 }))).toEqual({
    task_id: first.task_id,
    duplicate: true,
  });
});

it("debounced calls are one task with the newest arguments", async () => {
  const first = await submit(call("one", { debounce: 2, debounce_max: 30, unique: { key: "d" } }));
  const second = await submit(call("two", { debounce: 1, unique: { key: "d" } }));
  expect(second).toEqual({ task_id: first.task_id, replaced: true });
  const task = await ended(first.task_id);
  expect(task.result).toEqual({ processed_data: "TWO" });
  const shown = await taskOf(first.task_id);
  expect(shown.options).not.toHaveProperty("unique_key");
});

it("an Idempotency-Key and a unique key go together", async () => {
  const headers = { "Idempotency-Key": "unique-1" };
  const body = call("both", { unique: true, countdown: 60 });
  const first = await submit(body, headers);
  expect(await submit(body, headers)).toEqual(first);
  const other = await submit(body, { "Idempotency-Key": "unique-2" });
  expect(other).toEqual({ task_id: first.task_id, duplicate: true });
  await post(`/api/tasks/${first.task_id}/revoke/`, {});
  // The second request was a duplicate, and stays one.
  expect(await submit(body, { "Idempotency-Key": "unique-2" })).toEqual(other);
});

it.each([
  [{ unique: { key: "" } }, "unique.key"],
  [{ unique: { for_seconds: 0 } }, "unique.for_seconds"],
  [{ unique: "yes" }, "unique"],
  [{ throttle: -1 }, "throttle"],
  [{ throttle: 0 }, "throttle"],
  [{ debounce_max: 5 }, "debounce_max"],
  [{ debounce: 5, countdown: 1 }, "debounce"],
])("%j is refused, naming the field", async (over, field) => {
  const answer = await post("/api/tasks/", call("bad", over));
  expect(answer.status).toBe(422);
  const problem = await answer.json<Problem>();
  expect(problem.errors?.map((error) => error.field)).toContain(field);
});

it("a task that expires while it waits is REVOKED by itself", async () => {
  const { task_id: id } = await submit(call("late", { countdown: 60, expires: 61 }));
  expect((await taskOf(id)).state).toBe("PENDING");
  const soon = spec(905, {
    queue: "nobody-listens",
    dueAt: Date.now() + 60_000,
    expiresAt: Date.now() + 500,
  });
  await env.LEDGER.getByName("shard-905").submit([soon]);
  await expect
    .poll(() => taskOf(soon.id), { timeout: 20_000 })
    .toMatchObject({ state: "REVOKED", error: { exc_message: "expired" }, attempts: [] });
});

it("a scheduled task is rescheduled, and refused where it can't be", async () => {
  const { task_id: id } = await submit(call("moved", { countdown: 3_600, expires: 7_200 }));
  const path = `/api/tasks/${id}/reschedule/`;
  const eta = new Date(Date.now() + 1_800_000).toISOString();
  const moved = await post(path, { eta });
  expect(moved.status).toBe(200);
  expect(await moved.json<LiveTask>()).toMatchObject({ state: "PENDING", eta });
  const refused = [
    [{}, 422, "eta"],
    [{ eta: "soon" }, 422, "eta"],
    [{ eta, countdown: 1 }, 422, "countdown"],
    [{ countdown: 7_300 }, 422, "eta"],
    [{ countdown: -1 }, 422, "countdown"],
    [{ queue: "nowhere" }, 422, "queue"],
    [{ priority: 10 }, 422, "priority"],
    [{ when: 5 }, 422, "when"],
  ] as const;
  for (const [body, status, field] of refused) {
    const answer = await post(path, body);
    expect(answer.status, JSON.stringify(body)).toBe(status);
    const problem = await answer.json<Problem>();
    expect(problem.errors?.[0]?.field, JSON.stringify(body)).toBe(field);
  }
  expect((await taskOf(id)).eta).toBe(eta);
  // A time in the past runs it now.
  await post(path, { eta: "2020-01-01T00:00:00Z" });
  expect(await ended(id)).toMatchObject({ state: "SUCCESS" });
  expect((await post(path, { countdown: 1 })).status).toBe(409);
  const unknown = "01a3185c-5000-8000-8000-000000000000";
  expect((await post(`/api/tasks/${unknown}/reschedule/`, { countdown: 1 })).status).toBe(404);
});

it("what a running attempt says is shown, streamed, and gone at its end but for its lines", async () => {
  const stub = env.LEDGER.getByName("shard-906");
  const task = spec(906, { queue: "nobody-listens" });
  await stub.submit([task]);
  const step = { ...claiming(1), queue: "nobody-listens" };
  const { token } = await stub.exchange(step);
  expect((await post(`/api/tasks/${task.id}/reschedule/`, { countdown: 1 })).status).toBe(409);
  const events = await get(`/api/tasks/${task.id}/events/`);
  const logs = [
    { at: 1_800_000_000_000, level: "info" as const, message: "half", fields: '{"n":2}' },
  ];
  const state = { state: "RESIZING", meta: '{"current":1,"total":2}' };
  await stub.report([{ id: task.id, token, seq: 1, state, logs }]);
  expect(await (await get(`/api/tasks/status/${task.id}/`)).json()).toEqual({
    task_id: task.id,
    status: "RESIZING",
    result: { current: 1, total: 2 },
  });
  expect(await taskOf(task.id)).toMatchObject({
    state: "RESIZING",
    meta: { current: 1, total: 2 },
    result: null,
    attempts: [
      {
        logs: [
          { at: "2027-01-15T08:00:00.000Z", level: "info", message: "half", fields: { n: 2 } },
        ],
      },
    ],
  });
  const end = succeeding(token, [task.id]);
  const settlements = end.settlements.map((settlement) => ({ ...settlement, logs }));
  await stub.exchange({ ...step, ...end, settlements });
  const text = await events.text();
  expect([...text.matchAll(/"state":"(\w+)"/g)].map(([, name]) => name)).toEqual([
    "STARTED",
    "RESIZING",
    "SUCCESS",
  ]);
  const history = () => env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(task.id).first();
  await expect.poll(history).not.toBeNull();
  expect(await taskOf(task.id)).toMatchObject({
    state: "SUCCESS",
    meta: null,
    attempts: [{ logs: [{ message: "half" }] }],
  });
});
