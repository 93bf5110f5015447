import { expect, it } from "vitest";
import type { TaskRecord } from "#engine";
import { streamStates } from "../../../src/delivery/api/tasks/task-stream.ts";

const LET_IN = { isStillLetIn: () => Promise.resolve(true) };
const CHANGES = 1_000;
const CHARACTERS = 10_000;

/** A task that says much and often, and then ends. */
async function* talkative(): AsyncGenerator<TaskRecord> {
  for (let change = 1; change <= CHANGES; change += 1) {
    const state = change === CHANGES ? "SUCCESS" : "STARTED";
    yield { state, retries: change } as unknown as TaskRecord;
  }
}

/** What a client gets that begins to read when all is over. */
async function readLate(): Promise<string> {
  const view = ({ retries }: TaskRecord) => ({ retries, said: "x".repeat(CHARACTERS) });
  const answer = streamStates(LET_IN, talkative, view);
  await new Promise((resolve) => setImmediate(resolve));
  return answer.text();
}

it("a client that reads nothing holds a few states, however many there are, and the last one", async () => {
  const text = await readLate();
  const seen = [...text.matchAll(/"retries":(\d+)/g)].map(([, change]) => Number(change));
  expect(text.length).toBeLessThan(20 * CHARACTERS);
  expect(seen[0]).toBe(1);
  expect(seen.at(-1)).toBe(CHANGES);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});
