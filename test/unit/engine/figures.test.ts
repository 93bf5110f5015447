import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  addFigures,
  countTasks,
  DURATION_EDGES,
  figuresKey,
  figuresOf,
  NO_DURATIONS,
  percentile,
  totalFigures,
  type AttemptRecord,
  type Durations,
  type FinishedTask,
} from "#engine";

it("a task counts once by its end, its attempts by theirs", () => {
  const attempts = [
    attempt("lost", 0, 40),
    attempt("retry", 100, 130),
    attempt("success", 500, 502),
  ];
  const { [figuresKey("pay", "payments")]: figures } = countTasks({}, [
    task({ name: "pay", queue: "payments", attempts }),
  ]);
  expect(figures).toMatchObject({ succeeded: 1, failed: 0, retried: 1, lost: 1 });
  expect(figures?.runtime).toMatchObject({ count: 2, sumMs: 32 });
  expect(figures?.wait).toMatchObject({ count: 1, sumMs: 0 });
});

it.each([
  ["SUCCESS", "succeeded"],
  ["FAILURE", "failed"],
  ["REVOKED", "revoked"],
  ["IGNORED", "ignored"],
] as const)("%s counts as %s", (state, counted) => {
  const [figures] = Object.values(countTasks({}, [task({ state })]));
  expect(figures?.[counted]).toBe(1);
});

it("the wait is from when a task could start: its due time, or its submit", () => {
  const attempts = [attempt("success", 5_000, 5_001)];
  const waited = (dueAt: number | null) =>
    totalFigures(Object.values(countTasks({}, [task({ attempts, dueAt })]))).wait.sumMs;
  expect([waited(null), waited(4_000), waited(9_000)]).toEqual([5_000, 1_000, 0]);
});

it("a task that never ran has no durations", () => {
  const [figures] = Object.values(countTasks({}, [task({ state: "REVOKED", attempts: [] })]));
  expect(figures).toMatchObject({ runtime: NO_DURATIONS, wait: NO_DURATIONS });
});

it("counting in parts and adding up is counting all", () => {
  const some = fc.array(
    fc.record({
      name: fc.constantFrom("a", "b", "__proto__"),
      queue: fc.constantFrom("default", "emails"),
      ms: fc.nat(100_000),
    }),
  );
  fc.assert(
    fc.property(some, some, (first, second) => {
      const [a, b] = [first, second].map((each) =>
        each.map(({ name, queue, ms }) =>
          task({ name, queue, attempts: [attempt("success", 0, ms)] }),
        ),
      );
      const all = countTasks({}, [...(a ?? []), ...(b ?? [])]);
      expect(addFigures([countTasks({}, a ?? []), countTasks({}, b ?? [])])).toEqual(all);
      expect(countTasks(countTasks({}, a ?? []), b ?? [])).toEqual(all);
    }),
  );
});

it("counting changes nothing that was counted before", () => {
  const before = countTasks({}, [task({})]);
  const text = JSON.stringify(before);
  countTasks(before, [task({})]);
  addFigures([before, before]);
  expect(JSON.stringify(before)).toBe(text);
});

it("a percentile is within the class of the duration that it stands for", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3_600_000), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.95, 0.99, 1),
      (all, share) => {
        const found = percentile(durationsOf(all), share) ?? -1;
        const exact = all.toSorted((a, b) => a - b)[Math.ceil(share * all.length) - 1] ?? 0;
        const above = DURATION_EDGES.findIndex((edge) => exact <= edge);
        expect(found).toBeGreaterThanOrEqual(DURATION_EDGES[above - 1] ?? 0);
        expect(found).toBeLessThanOrEqual(DURATION_EDGES[above] ?? Infinity);
      },
    ),
  );
});

it("no durations have no percentile", () => {
  expect(percentile(NO_DURATIONS, 0.5)).toBeNull();
});

it("a key tells its name and queue, whatever they are", () => {
  expect(figuresOf(figuresKey("a\nb", "emails"))).toEqual({ name: "a\nb", queue: "emails" });
});

function durationsOf(all: readonly number[]): Durations {
  const tasks = all.map((ms) => task({ attempts: [attempt("success", 0, ms)] }));
  return totalFigures(Object.values(countTasks({}, tasks))).runtime;
}

function attempt(
  outcome: AttemptRecord["outcome"],
  startedAt: number,
  finishedAt: number,
): AttemptRecord {
  return { attempt: 1, startedAt, finishedAt, outcome, error: null };
}

function task(over: Partial<FinishedTask>): FinishedTask {
  return {
    ...{ id: "id", name: "work", queue: "default", priority: 0, state: "SUCCESS", owner: "shop" },
    ...{ kwargs: "{}", result: null, error: null, options: {}, retries: 0, submittedAt: 0 },
    ...{ dueAt: null, expiresAt: null, finishedAt: 1, isDeadLettered: false, fingerprint: null },
    attempts: [attempt("success", 0, 1)],
    ...over,
  };
}
