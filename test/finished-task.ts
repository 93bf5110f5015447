import type { FinishedTask } from "#engine";

/** A plain task that came and succeeded at this time (epoch ms), as the history keeps it. */
export function finishedTask(
  id: string,
  at: number,
  over: Partial<FinishedTask> = {},
): FinishedTask {
  return {
    ...{ id, name: "noop", queue: "default", priority: 0, state: "SUCCESS", owner: "o" },
    ...{ kwargs: "{}", result: "1", error: null, options: {}, retries: 0, attempts: [] },
    ...{ submittedAt: at, dueAt: null, expiresAt: null, finishedAt: at },
    ...{ isDeadLettered: false, fingerprint: null },
    ...over,
  };
}
