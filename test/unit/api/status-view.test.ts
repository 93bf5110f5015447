import { expect, it } from "vitest";
import type { TaskRecord } from "#engine";
import { statusView } from "../../../src/delivery/api/tasks/task-views.ts";

const error = { exc_type: "ValueError", exc_message: "boom", traceback: "at …" };

function resultIn(state: string) {
  const task = { id: "a", state, error, result: null, options: {}, finishedAt: null };
  return statusView(task as unknown as TaskRecord, 0).result;
}

it.each(["RETRY", "FAILURE", "REVOKED"])("as in Celery the result in %s is the error", (state) => {
  expect(resultIn(state)).toEqual({ exc_type: "ValueError", exc_message: "boom" });
});

it.each(["PENDING", "STARTED"])("a task that had an error before has no result in %s", (state) => {
  expect(resultIn(state)).toBeNull();
});
