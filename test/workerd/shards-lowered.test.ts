import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { shardOf } from "#engine";
import { readConfig } from "../../src/config.ts";
import { shopTasks } from "../../src/domain/index.ts";
import { wire } from "../../src/wiring.ts";
import worker from "../../src/worker.ts";

type Shards = { LEDGER_SHARDS: string; LEDGER_SHARDS_PREVIOUS?: string };

async function ask<Answer>(shards: Shards, path: string, body?: unknown): Promise<Answer> {
  const request = new Request(`http://lovage${path}`, {
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    headers: { "Content-Type": "application/json" },
  });
  const answer = await worker.fetch(request, { ...env, ...shards }, createExecutionContext());
  expect(answer.status).toBeLessThan(300);
  return answer.json();
}

const FOUR = { LEDGER_SHARDS: "4" };
const ONE = { LEDGER_SHARDS: "1" };
const ONE_OF_FOUR = { LEDGER_SHARDS: "1", LEDGER_SHARDS_PREVIOUS: "4" };

/** A task of later, in a shard that is one too many. */
async function taskAbove(): Promise<string> {
  const call = { name: "process_data", args: ["x"], countdown: 3_600, labels: { of: "before" } };
  for (;;) {
    const { task_id: id } = await ask<{ task_id: string }>(FOUR, "/api/tasks/", call);
    if (shardOf(id) !== 0) return id;
    await ask(FOUR, "/api/control/revoke/", { ids: [id] });
  }
}

it("where there were more shards, tasks in those are looked after as long as that is said", async () => {
  const id = await taskAbove();
  const live = async (shards: Shards) => {
    const path = "/api/tasks/search/?label=of:before&state=PENDING";
    const { tasks } = await ask<{ tasks: { task_id: string }[] }>(shards, path);
    return tasks.map(({ task_id: found }) => found);
  };
  expect(await live(ONE)).toEqual([]);
  expect(await live(ONE_OF_FOUR)).toEqual([id]);
  // It is known by its id in any case.
  expect(await ask(ONE, `/api/tasks/${id}/`)).toMatchObject({ state: "PENDING" });
  const filter = { labels: { of: "before" } };
  expect(await ask(ONE, "/api/control/revoke/", filter)).toMatchObject({ revoked: 0 });
  expect(await ask(ONE_OF_FOUR, "/api/control/revoke/", filter)).toMatchObject({ revoked: 1 });
});

it("new tasks go to those that there are now, and the watchdog goes to all", async () => {
  const sent = Array.from({ length: 20 }, () =>
    ask<{ task_id: string }>(ONE_OF_FOUR, "/api/tasks/", { name: "process_data", args: ["x"] }),
  );
  const shards = new Set((await Promise.all(sent)).map(({ task_id: id }) => shardOf(id)));
  expect([...shards]).toEqual([0]);
  const { watchdogDuties } = wire({ ...env, ...ONE_OF_FOUR }, shopTasks);
  expect(watchdogDuties.map(({ name }) => name)).toContain("ledger 3");
  expect(readConfig({ ...env, ...FOUR, LEDGER_SHARDS_PREVIOUS: "2" }).shardsInUse).toBe(4);
});
