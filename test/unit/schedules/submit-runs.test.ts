import { expect, it } from "vitest";
import { DEFAULT_SETTINGS, mintTaskId, shardOf, type TaskSpec } from "#engine";
import { newSchedule } from "#platform/beat/schedule-changes.ts";
import { ANSWER_MS, submitRuns } from "#platform/beat/submit-runs.ts";
import { World } from "../../../src/testing/world.ts";

it("a shard that never answers keeps no run of the others back", async () => {
  const world = new World(1);
  const runs = [0, 1, 2].map((shard) => {
    const name = `s${shard}`;
    const timing = { kind: "clocked", at: world.now() } as const;
    const settings = { ...DEFAULT_SETTINGS, task: "t", timing };
    const schedule = newSchedule({ name, id: name, settings, origin: "admin", now: world.now() });
    return { schedule, slot: world.now(), key: String(shard) };
  });
  const lovage = {
    prepareKeyed: async (_call: unknown, { key }: { readonly key: string }) =>
      ({ id: mintTaskId(world.now(), Number(key), world.bytes(8)), kwargs: "{}" }) as TaskSpec,
  };
  const submit = (tasks: readonly TaskSpec[]) =>
    shardOf(tasks[0]?.id ?? "") === 1
      ? new Promise<never>(() => undefined)
      : Promise.resolve(tasks.map(() => "accepted" as const));
  const answers: unknown[] = [];
  void submitRuns(runs, lovage, { submit }, world).then((given) => answers.push(...given));
  // Before, all are asked.
  world.after(0, () => undefined);
  await world.run(world.now() + ANSWER_MS);
  const known = { taskId: expect.any(String) };
  expect(answers).toEqual([known, null, known]);
});
