import {
  createExecutionContext,
  createScheduledController,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ended, get, post } from "./api.ts";

interface Report {
  status: string;
  agents: {
    name: string;
    last_ran_at: string | null;
    problem: string | null;
    note: string | null;
  }[];
  usage: { name: string; used: number; limit: number }[];
  figures: { name: string; value: number }[];
  findings: { name: string; level: string }[];
}

async function report(): Promise<Report> {
  return (await get("/api/system/")).json();
}

it("the report names every agent, and nothing is wrong with those that run", async () => {
  const call = await post("/api/tasks/process_data/", { kwargs: { data: "x" } });
  const { task_id: id } = await call.json<{ task_id: string }>();
  await ended(id);
  await env.WATCHDOG.getByName("watchdog").round();
  await env.BEAT.getByName("beat").tick();
  const { status, agents, usage, figures } = await report();
  const names = agents.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["cron", "watchdog", "relay", "beat", "duty outbox", "flusher 3"]),
  );
  expect(agents.filter(({ problem }) => problem !== null)).toEqual([]);
  const ran = agents.filter(({ last_ran_at: at }) => at !== null).map(({ name }) => name);
  expect(ran).toEqual(expect.arrayContaining(["cron", "beat", "duty history", "recoverer 0"]));
  expect(status).toBe("ok");
  expect(usage.find(({ name }) => name === "D1")?.used).toBeGreaterThan(0);
  expect(figures.map(({ name }) => name)).toContain("ledger 0: live tasks");
});

it("risky settings are findings, and don't make it a problem", async () => {
  const { status, findings } = await report();
  expect(findings).toContainEqual(expect.objectContaining({ name: "OPEN_ACCESS", level: "risk" }));
  expect(status).toBe("ok");
});

it("a paused queue is a finding until it is consumed again", async () => {
  await post("/api/control/cancel_consumer/", { queue: "emails" });
  expect((await report()).findings).toContainEqual(
    expect.objectContaining({ name: "queue emails", level: "problem" }),
  );
  await post("/api/control/add_consumer/", { queue: "emails" });
  expect((await report()).findings.map(({ name }) => name)).not.toContain("queue emails");
});

it("the deployment is ready, and says no more than that to anybody", async () => {
  await Promise.all([
    env.WATCHDOG.getByName("watchdog").start(),
    env.BEAT.getByName("beat").start(),
  ]);
  const answer = await get("/readyz");
  expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
});

it("a deployment without its settings says that these fail, and a database that is behind too", async () => {
  const ask = async (over: object) => {
    const ctx = createExecutionContext();
    const answer = await worker.fetch(
      new Request("http://lovage/readyz"),
      { ...env, ...over },
      ctx,
    );
    await waitOnExecutionContext(ctx);
    return [answer.status, await answer.json()];
  };
  expect(await ask({ ID_SECRET: "" })).toEqual([
    503,
    { status: "unavailable", failing: ["settings"] },
  ]);
  await env.DB.prepare("UPDATE d1_migrations SET name = 'x' || name").run();
  expect(await ask({})).toEqual([503, { status: "unavailable", failing: ["database"] }]);
  await env.DB.prepare("UPDATE d1_migrations SET name = substr(name, 2)").run();
});

it("the report is for those who monitor", async () => {
  const ctx = createExecutionContext();
  const request = new Request("http://lovage/api/system/");
  const answer = await worker.fetch(request, { ...env, OPEN_ACCESS: "false" }, ctx);
  await waitOnExecutionContext(ctx);
  expect(answer.status).toBe(401);
});

it("when the watchdog sees the cron trigger it writes that down once in five minutes", async () => {
  const watchdog = env.WATCHDOG.getByName("rarely");
  await watchdog.round();
  const stored = () =>
    runInDurableObject(watchdog, (_dog, state) => state.storage.get<number>("cron-seen"));
  const first = await stored();
  await watchdog.round();
  expect(await stored()).toBe(first);
  expect((await watchdog.health()).cronAt).toBeGreaterThanOrEqual(first ?? Infinity);
});

it("a duty that throws is said by the watchdog, and is well again when it ran", async () => {
  const watchdog = env.WATCHDOG.getByName("watchdog");
  const history = async () =>
    (await watchdog.health()).duties.find(({ name }) => name === "outbox");
  await env.DB.prepare("ALTER TABLE outbox RENAME TO away").run();
  await watchdog.round();
  expect(await history()).toMatchObject({ error: expect.stringContaining("outbox") });
  await env.DB.prepare("ALTER TABLE away RENAME TO outbox").run();
  await watchdog.round();
  expect(await history()).toMatchObject({ failingSince: null, error: null });
});

it("what the alerts have seen, and since when the watchdog watches, outlives its object", async () => {
  const watchdog = env.WATCHDOG.getByName("watchdog");
  await watchdog.round();
  const seen = () =>
    runInDurableObject(watchdog, (_dog, state) => state.storage.get<{ at: number }>("duty system"));
  const { since } = await watchdog.health();
  const look = await seen();
  expect(look?.at).toBeLessThanOrEqual(Date.now());
  await evictDurableObject(watchdog);
  await watchdog.round();
  // The one that was started just now does not look again: the last look is some seconds ago.
  expect(await seen()).toEqual(look);
  const health = await watchdog.health();
  expect(health.since).toBe(since);
  expect(health.startedAt).toBeGreaterThan(since);
});

it("when rounds, duties and ticks last ran outlives their objects", async () => {
  const watchdog = env.WATCHDOG.getByName("watchdog");
  const beat = env.BEAT.getByName("beat");
  const before = Date.now();
  await watchdog.start();
  await runDurableObjectAlarm(watchdog);
  await beat.tick();
  await evictDurableObject(watchdog);
  await evictDurableObject(beat);
  const { rounds, duties } = await watchdog.health();
  expect(rounds.ranAt).toBeGreaterThanOrEqual(before);
  expect(duties.find(({ name }) => name === "outbox")?.ranAt).toBeGreaterThanOrEqual(before);
  expect((await beat.health()).ticks.ranAt).toBeGreaterThanOrEqual(before);
});

it("while the watchdog is out of reach the cron trigger looks around, and keeps what it saw", async () => {
  const away = () => Promise.reject(new Error("away"));
  const watchdog = { round: away, health: away, controls: away, start: away };
  const broken = { ...env, WATCHDOG: { getByName: () => watchdog } } as unknown as typeof env;
  await expect(worker.scheduled(createScheduledController(), broken)).rejects.toThrow("away");
  const kept = await env.RESULTS.get("system/last-look.json");
  expect(await kept?.json()).toMatchObject({
    seenAt: { watchdog: expect.any(Number) },
  });
});
