import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { shardOf } from "#engine";
import { ended, post } from "./api.ts";

async function submit(headers: Record<string, string> = {}): Promise<string> {
  const answer = await post("/api/tasks/process/", { data: "hello" }, headers);
  expect(answer.status).toBe(202);
  const { task_id: id } = await answer.json<{ task_id: string }>();
  return id;
}

/** Bells that all shards have rung. */
async function bells(): Promise<number> {
  const shards = Array.from({ length: Number(env.LEDGER_SHARDS) }, (_, shard) =>
    env.LEDGER.getByName(`shard-${shard}`).stats(),
  );
  return (await Promise.all(shards)).reduce((sum, shard) => sum + shard.bells, 0);
}

it("a lone short task is run by the invocation that accepted it, and the queue hears nothing", async () => {
  const before = await bells();
  for (let n = 0; n < 5; n += 1) {
    expect(await ended(await submit())).toMatchObject({
      state: "SUCCESS",
      result: { processed_data: "HELLO" },
      attempts: [{ attempt: 1, outcome: "success" }],
    });
  }
  expect(await bells()).toBe(before);
});

it("it takes two calls of its shard: the submit and the settle", async () => {
  const id = await submit();
  const shard = env.LEDGER.getByName(`shard-${shardOf(id)}`);
  await ended(id);
  const before = await shard.stats();
  let again = "";
  // The shard of a call is drawn; one of many is this one.
  while (shardOf(again) !== shardOf(id)) {
    again = await submit();
    await expect.poll(async () => (await shard.stats()).running).toBe(0);
  }
  expect((await shard.stats()).requests - before.requests).toBe(2);
});

it("the same request again is the same task, and runs once (G7)", async () => {
  const headers = { "Idempotency-Key": "express" };
  const ids = await Promise.all([submit(headers), submit(headers).catch(() => null)]);
  const id = ids.find((found) => found !== null) ?? "";
  expect(await submit(headers)).toBe(id);
  expect(await ended(id)).toMatchObject({ state: "SUCCESS", attempts: [{ attempt: 1 }] });
});

it("a burst is shared between invocations and consumers, and all of it ends (G1)", async () => {
  const ids = await Promise.all(Array.from({ length: 60 }, () => submit()));
  const states = await Promise.all(ids.map(async (id) => (await ended(id)).state));
  expect(new Set(states)).toEqual(new Set(["SUCCESS"]));
});
