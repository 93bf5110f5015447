import { expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  importIdSecret,
  Registry,
  shardOf,
  type TaskRecord,
  type TaskSpec,
} from "#engine";
import { replaySpec } from "../../../src/engine/replay.ts";

const work = createTaskDefiner<null>()({ name: "work", params: z.object({}), handler: () => null });
const settings = { idSecret: importIdSecret("0".repeat(32)), shards: 4 };
const registry = new Registry<null>([work]) as Registry<never>;

function replay(id: string, owner = "o"): Promise<TaskSpec> {
  const old = { id, name: "work", kwargs: "{}", priority: 0, options: {} };
  return replaySpec(old as unknown as TaskRecord, null, { registry, settings, owner, queue: "q" });
}

it("a replay that was cut off and is asked for again is the same task, and the same call (G15)", async () => {
  const old = "01a1fb55-b0fc-8001-9ade-b653eac2d0b6";
  const [first, again] = [await replay(old), await replay(old)];
  expect(again).toEqual(first);
  expect(shardOf(first.id)).not.toBeNull();
  expect(first.options.replay_of).toBe(old);
  const others = [await replay(old.replace("01a1", "01a2")), await replay(old, "another")];
  expect(new Set([first, ...others].map(({ id }) => id)).size).toBe(3);
});
