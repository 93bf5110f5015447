import { expect, it } from "vitest";
import { requestOf } from "../../../src/delivery/cli/celery-tasks.ts";
import type { Attempt, Task } from "../../../src/delivery/cli/tasks.ts";

const started_at = "2026-11-22T08:00:00.500Z";

function shown(state: string, ...attempts: readonly Partial<Attempt>[]) {
  const task = { task_id: "a", name: "t", args: [], kwargs: {}, queue: "default", state, attempts };
  return requestOf({ ...task, priority: 0, retries: 0 } as unknown as Task);
}

it.each(["STARTED", "PROGRESS"])(
  "a task that runs is shown since when, in the state %s",
  (state) => {
    expect(shown(state, { started_at, finished_at: null })).toMatchObject({
      time_start: 1_795_334_400.5,
      acknowledged: true,
    });
  },
);

it("a task that waits for its next attempt is shown as not begun", () => {
  expect(shown("RETRY", { started_at, finished_at: started_at })).toMatchObject({
    time_start: null,
    acknowledged: false,
  });
});
