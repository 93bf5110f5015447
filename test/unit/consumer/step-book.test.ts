import { expect, it } from "vitest";
import type { ClaimedTask, StepEntry, StepRecord } from "#engine";
import { StepBook } from "#platform/consumer/step-book.ts";
import { StepRecorder } from "#platform/consumer/step-recorder.ts";
import { systemClock, systemTimers } from "#platform/system.ts";

const MIB = 1_024 * 1_024;

function record(name: string, bytes: number): StepRecord {
  return {
    ...{ index: 0, kind: "once", name, nth: 0, state: "done", result: "x".repeat(bytes) },
    ...{ error: null, tries: 1, until: null, retries: 0, begun: 0, place: null },
    ...{ startedAt: 1, finishedAt: null },
  };
}

function book(): StepBook {
  const recordSteps = async (entries: readonly StepEntry[]) => entries.map(() => true);
  return new StepBook({
    task: { id: "t" } as ClaimedTask,
    token: 1,
    door: { durable: async () => null },
    recorder: new StepRecorder({ recordSteps }),
    clock: systemClock,
    timers: systemTimers,
    lost: () => undefined,
    halt: () => Promise.reject(new Error("lost")),
  });
}

it("the limit is for what is kept: a step that is recorded again counts once", async () => {
  const steps = book();
  for (let times = 0; times < 5; times += 1) await steps.record(record("a", 3 * MIB), null);
  await steps.record(record("b", 4 * MIB), null);
  await expect(steps.record(record("c", 2 * MIB), null)).rejects.toThrow("in all");
});
