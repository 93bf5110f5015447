import { expect, it } from "vitest";
import { callbackBody, type EndedTask } from "#domain/callbacks";

const AT = Date.UTC(2026, 10, 21, 12);
const URL_ = "https://shop.example.com";

function ended(over: Partial<EndedTask> = {}): EndedTask {
  return {
    id: "01a1fe5b-1cf1-8002-a207-f4b308267c6e",
    name: "resize",
    queue: "default",
    priority: 0,
    state: "SUCCESS",
    owner: "client",
    kwargs: '{"password":{"$secret":"x"},"who":"argument"}',
    result: '{"width":100}',
    error: null,
    options: { labels: { tenant: "7" } },
    retries: 1,
    submittedAt: AT,
    dueAt: null,
    expiresAt: null,
    attempts: [
      { attempt: 1, startedAt: AT + 1, finishedAt: AT + 2, outcome: "retry", error: null },
      {
        attempt: 2,
        startedAt: AT + 1_000,
        finishedAt: AT + 2_000,
        outcome: "success",
        error: null,
      },
    ],
    finishedAt: AT + 2_000,
    isDeadLettered: false,
    fingerprint: null,
    ...over,
  };
}

function bodyOf(over: Partial<EndedTask> = {}, now = AT + 5_000) {
  return JSON.parse(callbackBody(ended(over), URL_, now)) as {
    type: string;
    data: Record<string, unknown>;
  };
}

it("says what its owner reads of the task, and nothing of its arguments", () => {
  expect(bodyOf()).toEqual({
    type: "task.succeeded",
    timestamp: "2026-11-21T12:00:02.000Z",
    data: {
      task_id: "01a1fe5b-1cf1-8002-a207-f4b308267c6e",
      name: "resize",
      status: "SUCCESS",
      result: { width: 100 },
      error: null,
      retries: 1,
      labels: { tenant: "7" },
      submitted_at: "2026-11-21T12:00:00.000Z",
      started_at: "2026-11-21T12:00:01.000Z",
      finished_at: "2026-11-21T12:00:02.000Z",
    },
  });
});

it("an error is told without its stack", () => {
  const error = { exc_type: "TypeError", exc_message: "no", traceback: "at secret/path.ts:1" };
  const { type, data } = bodyOf({ state: "FAILURE", result: null, error });
  expect(type).toBe("task.failed");
  expect(data).toMatchObject({
    status: "FAILURE",
    result: null,
    error: { exc_type: "TypeError", exc_message: "no" },
  });
  expect(JSON.stringify(data)).not.toContain("secret/path");
});

it.each([
  ["REVOKED", "task.revoked"],
  ["IGNORED", "task.ignored"],
] as const)("one that is %s is told as %s, also without an attempt", (state, type) => {
  const said = bodyOf({ state, result: null, attempts: [] });
  expect(said.type).toBe(type);
  expect(said.data["started_at"]).toBeNull();
});

it("a canvas is told as one, and a task that was replaced with one as the task", () => {
  const tree = { chain: ["a", "b"] };
  const canvas = bodyOf({ name: "celery.chain", options: { tree } });
  expect(canvas.type).toBe("canvas.succeeded");
  expect(canvas.data["canvas_id"]).toBe(ended().id);
  expect(bodyOf({ options: { tree, base: "b" } }).type).toBe("task.succeeded");
});

it("of a large result it says where it is", () => {
  const where = { result: null, result_url: `${URL_}/api/tasks/${ended().id}/result/` };
  const fits = JSON.stringify("x".repeat(64 * 1_024 - 2));
  expect(bodyOf({ result: fits }).data["result"]).toHaveLength(64 * 1_024 - 2);
  expect(bodyOf({ result: JSON.stringify("x".repeat(64 * 1_024 - 1)) }).data).toMatchObject(where);
  expect(bodyOf({ result: null, large: { key: "k", bytes: 9 } }).data).toMatchObject(where);
  expect(bodyOf({ result: null, options: { joined: true } }).data).toMatchObject(where);
});

it("a result that may not be read any more is not told", () => {
  const options = { result_expires: 60 };
  expect(bodyOf({ options }, AT + 61_999).data["result"]).toEqual({ width: 100 });
  expect(bodyOf({ options }, AT + 62_000).data).toMatchObject({
    result: null,
    result_expired: true,
  });
});
