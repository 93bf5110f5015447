import {
  abortAllDurableObjects,
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  runDurableObjectAlarm,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Doorbell } from "../../src/platform/doorbell.ts";
import type { Env } from "../../src/platform/env.ts";
import worker from "../../src/worker.ts";
import { World } from "../../src/testing/world.ts";
import { get } from "./api.ts";

const SEEDS = [1, 2, 3];
const TASKS = 500;
const SHARDS = 4;
/** Requests under way at once. */
const WIDTH = 8;
const FAULTS = 150;
/** Leases of what was cut off run out after 30 s, and what they held is run one by one. */
const CALM_MS = 150_000;

type Chance = Pick<World, "chance" | "between" | "pick">;

/** Calls of shards that get lost on the way there, or whose answers do. */
function lossy(chance: Chance, lost: number): Env {
  const stub = (shard: DurableObjectStub) =>
    new Proxy(shard, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]): Promise<unknown> => {
          if (chance.chance(lost)) throw disconnected();
          const answer: unknown = await Reflect.apply(member, target, args);
          if (chance.chance(lost)) throw disconnected();
          return answer;
        };
      },
    });
  const namespace = new Proxy(env.LEDGER, {
    get(target, name) {
      if (name === "getByName") return (shard: string) => stub(target.getByName(shard));
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { ...env, LEDGER: namespace };
}

function disconnected(): Error {
  return Object.assign(new Error("Network connection lost."), { retryable: true });
}

/** One thing that goes wrong. */
async function strike(chance: Chance, around: Env): Promise<string> {
  const shard = chance.between(0, SHARDS - 1);
  const stub = env.LEDGER.getByName(`shard-${shard}`);
  const kind = chance.pick(["evict", "abort", "alarm", "bells", "cron"]);
  if (kind === "evict") {
    // One that nobody has called since the last abort is not there.
    await evictDurableObject(stub).catch(() => undefined);
  } else if (kind === "abort" && chance.chance(0.3)) {
    await abortAllDurableObjects();
  } else if (kind === "alarm") {
    await Promise.allSettled([runDurableObjectAlarm(stub), runDurableObjectAlarm(stub)]);
  } else if (kind === "cron") {
    const event = { scheduledTime: Date.now(), cron: "* * * * *", noRetry: () => undefined };
    // One that is cut off by an abort fails; the next minute's comes.
    await Promise.allSettled([worker.scheduled(event, around), worker.scheduled(event, around)]);
  } else {
    const bells = Array.from({ length: chance.between(1, 20) }, (_, index) => ({
      id: `bell-${index}`,
      timestamp: new Date(0),
      attempts: 1,
      body: { shard, queue: "default" },
    }));
    await worker.queue(createMessageBatch<Doorbell>("default", bells), around);
  }
  return kind;
}

/** The id that a submit is answered with; null: what became of it is not known. */
async function submit(around: Env, n: number, key: string): Promise<string | null> {
  const request = new Request("http://lovage/api/tasks/", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({
      name: "process_data",
      kwargs: { data: `d${n}` },
      priority: n % 3,
      ...(n % 5 === 0 && { countdown: n % 4 }),
    }),
  });
  const answer = await worker.fetch(request, around, createExecutionContext());
  if (answer.ok) return (await answer.json<{ task_id: string }>()).task_id;
  // 409: the same call is in progress.
  expect([503, 409]).toContain(answer.status);
  return null;
}

async function history(chance: Chance, seed: number): Promise<Map<string, string>> {
  const around = lossy(chance, 0.03);
  const ids = new Map<string, string>();
  let next = 0;
  const client = async () => {
    while (next < TASKS) {
      const n = next;
      next += 1;
      const key = `chaos-${seed}-${n}`;
      let id = await submit(around, n, key);
      // Some insist though they have their answer.
      while (id === null || chance.chance(0.1)) {
        const again = await submit(around, n, key);
        if (id !== null && again !== null) expect(again).toBe(id);
        id ??= again;
      }
      ids.set(id, `D${n}`);
    }
  };
  const nemesis = async () => {
    const struck = new Set<string>();
    for (let faults = 0; faults < FAULTS; faults += 1) struck.add(await strike(chance, around));
    expect(struck.size).toBe(5);
  };
  await Promise.all([nemesis(), ...Array.from({ length: WIDTH }, client)]);
  return ids;
}

/** Waits for the end of all of them, whatever it takes. */
async function untilEnded(expected: ReadonlyMap<string, string>): Promise<void> {
  const waiting = [...expected];
  const reader = async () => {
    for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
      const [id, processed] = task;
      let state = "";
      while (state !== "SUCCESS") {
        const answer = await get(`/api/tasks/${id}/?wait=60`);
        expect(answer.status).toBe(200);
        const read = await answer.json<{ state: string; result: unknown }>();
        expect(["PENDING", "STARTED", "SUCCESS"]).toContain(read.state);
        if (read.state === "SUCCESS") expect(read.result).toEqual({ processed_data: processed });
        ({ state } = read);
      }
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, reader));
}

it.each(SEEDS)(
  "objects that are evicted or aborted, calls that get lost, bells, alarms and ticks that come twice: every call is one task and ends as it should (G1, G2, G16, G21), seed %i",
  { timeout: CALM_MS },
  async (seed) => {
    const expected = await history(new World(seed), seed);
    expect(expected.size).toBe(TASKS);
    await untilEnded(expected);
    const shards = Array.from({ length: SHARDS }, (_, shard) =>
      env.LEDGER.getByName(`shard-${shard}`).stats(),
    );
    for (const { ready, running } of await Promise.all(shards)) {
      expect({ ready, running }).toEqual({ ready: 0, running: 0 });
    }
    // The seeds before it are in the history too.
    const kept = () =>
      env.DB.prepare("SELECT count(*) AS n FROM tasks WHERE name = 'process_data'");
    await expect
      .poll(() => kept().first(), { timeout: 30_000 })
      .toEqual({ n: (SEEDS.indexOf(seed) + 1) * TASKS });
  },
);
