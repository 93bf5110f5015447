import { expect, it } from "vitest";
import type { StepEntry, StepRecord } from "#engine";
import { StepRecorder } from "#platform/consumer/step-recorder.ts";

function entry(index: number, characters = 1): StepEntry {
  const step: StepRecord = {
    ...{ index, kind: "step", name: `s${index}`, nth: 0, state: "done" },
    ...{ result: "1".repeat(characters), error: null, tries: 1, until: null },
    ...{ retries: 0, begun: 0, place: 0, startedAt: 0, finishedAt: 0 },
  };
  return { taskId: "t", token: 1, step, eventSeq: null };
}

/** Counts the entries of its calls, and says of those with an even index that their tasks are held. */
function door() {
  const calls: number[] = [];
  const recorder = new StepRecorder({
    recordSteps: async (entries) => {
      calls.push(entries.length);
      return entries.map(({ step }) => step.index % 2 === 0);
    },
  });
  return { calls, recorder };
}

it("what comes in one turn is one call, and each hears of its own", async () => {
  const { calls, recorder } = door();
  const held = await Promise.all([1, 2, 3].map((index) => recorder.record(entry(index))));
  expect(held).toEqual([false, true, false]);
  await recorder.record(entry(4));
  expect(calls).toEqual([3, 1]);
});

it("a call has 500 entries at most, and not much more than 4 MiB of results", async () => {
  const { calls, recorder } = door();
  await Promise.all(Array.from({ length: 1_001 }, (_, index) => recorder.record(entry(index))));
  expect(calls).toEqual([500, 500, 1]);
  calls.length = 0;
  const large = Array.from({ length: 33 }, (_, index) => entry(index, 262_144));
  await Promise.all(large.map((each) => recorder.record(each)));
  expect(calls).toEqual([16, 16, 1]);
});

it("a call that fails fails for each in it, and for no other", async () => {
  let calls = 0;
  const recorder = new StepRecorder({
    recordSteps: async (entries) => {
      calls += 1;
      if (calls === 1) throw new Error("out of reach");
      return entries.map(() => true);
    },
  });
  const both = [recorder.record(entry(1)), recorder.record(entry(2))];
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
  ]);
  expect(await recorder.record(entry(1))).toBe(true);
});
