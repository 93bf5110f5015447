import { expect, it } from "vitest";
import type { StepEntry, StepRecord } from "#engine";
import { Rig } from "./rig.ts";

const BEGUN: StepRecord = {
  ...{ index: 0, kind: "once", name: "charge", nth: 0, state: "started", result: null },
  ...{ error: null, tries: 1, until: null, retries: 0, begun: 0, place: null },
  ...{ startedAt: 1, finishedAt: null },
};
const DONE: StepRecord = { ...BEGUN, state: "done", result: '"r1"', finishedAt: 2 };

function entry(taskId: string, token: number, step: StepRecord): StepEntry {
  return { taskId, token, step, eventSeq: null };
}

/** A ledger whose tasks run under one lease. */
async function running(count: number) {
  const rig = new Rig();
  await rig.ledger.submit(Array.from({ length: count }, () => rig.spec()));
  const { tasks, token } = rig.claim(count);
  return { rig, token, ids: tasks.map(({ id }) => id) };
}

it("what is done stays so, also when its beginning comes late or twice", async () => {
  const { rig, token, ids } = await running(1);
  const [id = ""] = ids;
  const record = (step: StepRecord) => rig.ledger.recordSteps([entry(id, token, step)]);
  for (const step of [BEGUN, DONE, BEGUN, DONE, { ...DONE, result: '"r2"' }]) {
    expect(record(step)).toEqual([true]);
  }
  expect(rig.ledger.durable(id, token)?.steps).toEqual([DONE]);
});

it("of one call those are recorded whose tasks still run under their tokens", async () => {
  const { rig, token, ids } = await running(3);
  const [first = "", second = "", third = ""] = ids;
  rig.ledger.revoke(second, true);
  const tokens = [token, token, token + 1];
  const entries = ids.map((id, index) => entry(id, tokens[index] ?? 0, BEGUN));
  expect(rig.ledger.recordSteps(entries)).toEqual([true, false, false]);
  expect(rig.sql.peek("SELECT task_id FROM steps")).toEqual([{ task_id: first }]);
  expect(rig.ledger.get(third)?.steps).toBeUndefined();
});

it("an event is taken with its step once: the call that comes twice takes no other's", async () => {
  const { rig, token, ids } = await running(1);
  const [id = ""] = ids;
  const send = (key: string) =>
    rig.ledger.sendEvent(id, { name: "paid", payload: JSON.stringify(key), key });
  expect(send("one")).toBe("delivered");
  const [event] = rig.ledger.durable(id, token)?.events ?? [];
  const step: StepRecord = { ...DONE, kind: "event", name: "paid" };
  const taken = { ...entry(id, token, step), eventSeq: event?.seq ?? 0 };
  rig.ledger.recordSteps([taken]);
  // The clock stands still, so the next one may get the number of the one that is gone.
  expect(send("two")).toBe("delivered");
  rig.ledger.recordSteps([taken]);
  expect(rig.ledger.durable(id, token)?.events).toMatchObject([{ payload: '"two"' }]);
});
