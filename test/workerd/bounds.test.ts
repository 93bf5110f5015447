import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { History } from "../../src/platform/history/history.ts";
import { LedgerDirectory } from "../../src/platform/ledger/directory.ts";
import { workerSpans } from "../../src/platform/trace/worker-spans.ts";
import { post } from "./api.ts";
import { keyFor, request } from "./credentials.ts";

const call = { task: "process_data", args: ["x"], interval: { every: 1, period: "days" } };

it("of two that give schedules the same name at once one is told that it is taken", async () => {
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => post("/api/schedules/", { name: "wanted", ...call })),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([201, 409, 409, 409, 409, 409]);
});

it("there are ten thousand schedules at most", async () => {
  await runInDurableObject(env.BEAT.getByName("beat"), (_beat, { storage }) => {
    storage.sql.exec(
      `INSERT INTO schedules (name, next_at, body)
       WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
       SELECT 'made-up-' || n, NULL, '{}' FROM numbers`,
    );
  });
  const answer = await post("/api/schedules/", { name: "one too many", ...call });
  expect(answer.status).toBe(409);
  expect(await answer.json()).toMatchObject({ code: "too_many_schedules" });
});

it("two hundred wait for one task; one more is told to come again", async () => {
  const submitted = await post("/api/tasks/", {
    name: "process_data",
    args: ["x"],
    countdown: 900,
  });
  const { task_id: id } = await submitted.json<{ task_id: string }>();
  const directory = new LedgerDirectory(env.LEDGER, env.LIMITER, new History(env.DB), workerSpans);
  const waiting = new AbortController();
  const watch = async () => {
    const states = directory.watch(id, waiting.signal)[Symbol.asyncIterator]();
    await states.next();
    return states;
  };
  const opened = await Promise.all(Array.from({ length: 200 }, watch));
  await expect(watch()).rejects.toMatchObject({ code: "too_many_watchers", retryable: true });
  const reader = await keyFor("anonymous", ["monitor"]);
  const refused = await request(`/api/tasks/${id}/?wait=5`, reader);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("Retry-After")).toBe("2");
  expect(await refused.json()).toMatchObject({ code: "too_many_watchers" });
  waiting.abort();
  for (const states of opened) await states.return?.();
});
