import { expect, it } from "vitest";
import type { AttemptRecord, TaskRecord } from "#engine";
import { timelineOf } from "../../../src/delivery/dashboard/tasks/timeline.ts";

function task(over: Partial<TaskRecord>): TaskRecord {
  return {
    id: "id",
    name: "t",
    queue: "default",
    priority: 0,
    state: "PENDING",
    owner: "o",
    kwargs: "{}",
    result: null,
    error: null,
    options: {},
    retries: 0,
    submittedAt: 1_000,
    dueAt: null,
    expiresAt: null,
    attempts: [],
    finishedAt: null,
    isDeadLettered: false,
    fingerprint: null,
    ...over,
  };
}

const attempt = (over: Partial<AttemptRecord>): AttemptRecord => ({
  attempt: 1,
  startedAt: 1_500,
  finishedAt: null,
  outcome: null,
  error: null,
  ...over,
});

const spans = (record: TaskRecord, now: number) =>
  timelineOf(record, now).phases.map(({ kind, from, to }) => [kind, from, to]);

it("a task that waits has waited until now", () => {
  expect(spans(task({}), 3_000)).toEqual([["waiting", 1_000, 3_000]]);
});

it("a task is not due before its time, and waits from then on", () => {
  expect(spans(task({ dueAt: 2_000 }), 3_000)).toEqual([
    ["not due", 1_000, 2_000],
    ["waiting", 2_000, 3_000],
  ]);
});

it("attempts and what lies between them follow each other without a gap", () => {
  const attempts = [
    attempt({ finishedAt: 2_000, outcome: "retry" }),
    attempt({ attempt: 2, startedAt: 4_000 }),
  ];
  expect(spans(task({ state: "STARTED", attempts }), 5_000)).toEqual([
    ["waiting", 1_000, 1_500],
    ["retry", 1_500, 2_000],
    ["between", 2_000, 4_000],
    ["running", 4_000, 5_000],
  ]);
});

it("an ended task's timeline ends with it, whatever the time is", () => {
  const attempts = [attempt({ finishedAt: 2_000, outcome: "success" })];
  const ended = task({ state: "SUCCESS", attempts, finishedAt: 2_000 });
  expect(timelineOf(ended, 9_999_999).to).toBe(2_000);
});

it("steps at the same time lie in lanes of their own, one after the other share one", () => {
  const step = (index: number, startedAt: number, finishedAt: number) => ({
    ...{
      index,
      kind: "step",
      name: `s${index}`,
      state: "done",
      error: null,
      tries: 1,
      until: null,
    },
    ...{ startedAt, finishedAt },
  });
  const steps = [step(0, 1_500, 1_800), step(1, 1_600, 1_700), step(2, 1_800, 1_900)];
  const record = task({ steps: steps as TaskRecord["steps"] & {} });
  expect(timelineOf(record, 2_000).steps.map(({ lane }) => lane)).toEqual([0, 1, 0]);
});
