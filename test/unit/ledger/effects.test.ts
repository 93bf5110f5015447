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
