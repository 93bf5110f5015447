import { mintTaskId, type FinishedTask, type TaskSpec } from "#engine";
import type { Env } from "../../src/platform/env.ts";
import { History } from "../../src/platform/history/history.ts";
import { spareRowsOf } from "../../src/platform/history/spare-rows.ts";
import { workerSpans } from "../../src/platform/trace/worker-spans.ts";
import type { LedgerObject } from "../../src/platform/ledger/ledger-object.ts";
import { nameOfShard } from "../../src/platform/ledger/shard-name.ts";

const CHUNK = 1_000;
const DAY_MS = 86_400_000;
const CLAIM = 200;

/** Queues whose bells nobody answers: what is due there stays. */
const held = new Set<string>();

export function isHeld(queue: string): boolean {
  return held.has(queue);
}

type Shard = DurableObjectStub<LedgerObject & { evict(): void }>;

/** The growth bench's calls of one shard, past HTTP and consumers: `/bench/growth/<what>?shard=…`. */
export async function answerGrowth(env: Env, request: Request): Promise<Response> {
  const { pathname, searchParams: query } = new URL(request.url);
  const number = (name: string) => Number(query.get(name) ?? 0);
  const shard = number("shard");
  const stub = env.LEDGER.getByName(nameOfShard(shard)) as unknown as Shard;
  const count = number("count");
  switch (pathname.slice("/bench/growth/".length)) {
    case "hold":
      if (query.get("on") === "true") held.add("default");
      else held.delete("default");
      return new Response("ok");
    case "fill":
      await fill(stub, shard, count, query.get("kind") === "due");
      return new Response("ok");
    case "evict":
      await stub.evict().catch(() => undefined);
      return new Response("ok");
    case "size":
      return Response.json(await stub.health(false));
    case "submit":
      return Response.json(await submit(stub, shard, count, number("tasks")));
    case "read":
      return Response.json(await read(stub, shard, count));
    case "claim":
      return Response.json(await claim(stub, shard, count));
    case "exchange":
      return Response.json(await exchange(stub, shard, count));
    case "flush":
      return Response.json(await flush(env, shard, count, number("tasks")));
    case "tick":
      await stub.tick();
      return new Response("ok");
    default:
      return new Response(null, { status: 404 });
  }
}

function specs(shard: number, count: number, over: Partial<TaskSpec>): TaskSpec[] {
  return Array.from({ length: count }, () => ({
    id: mintTaskId(Date.now(), shard, crypto.getRandomValues(new Uint8Array(8))),
    name: "bench_noop",
    queue: "default",
    priority: 0,
    kwargs: '{"n":1}',
    owner: "anonymous",
    key: null,
    dueAt: null,
    expiresAt: null,
    options: {},
    fingerprint: null,
    ...over,
  }));
}

/** By submits, in bulk: the rows are those that submits write. Due ones stay while the queue is held. */
async function fill(stub: Shard, shard: number, count: number, isDue: boolean): Promise<void> {
  const over = isDue ? {} : { dueAt: Date.now() + DAY_MS };
  for (let left = count; left > 0; left -= CHUNK) {
    await stub.submit(specs(shard, Math.min(CHUNK, left), over));
  }
}

/** How long a command took, ms each; what goes before and after it is not counted. */
async function timed(count: number, one: () => Promise<() => Promise<unknown>>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const command = await one();
    const startedAt = performance.now();
    await command();
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Submits of so many tasks each. They are a day off, and stay. */
function submit(stub: Shard, shard: number, count: number, tasks: number): Promise<number[]> {
  return timed(count, async () => {
    const given = specs(shard, tasks, { dueAt: Date.now() + DAY_MS });
    return () => stub.submit(given);
  });
}

/** Reads of a due task of the lowest priority, as a client's GET does. */
async function read(stub: Shard, shard: number, count: number): Promise<number[]> {
  const [task] = specs(shard, 1, {});
  if (task === undefined) return [];
  await stub.submit([task]);
  const times = await timed(count, async () => () => stub.read(task.id));
  await stub.revoke(task.id, false);
  return times;
}

/** Claims of a fresh task of the highest priority, in the queue that has the backlog. */
function claim(stub: Shard, shard: number, count: number): Promise<number[]> {
  let settle: () => Promise<unknown> = async () => undefined;
  return timed(count + 1, async () => {
    await settle();
    const given = specs(shard, 1, { priority: 9 });
    await stub.submit(given);
    return async () => {
      const { token, tasks } = await stub.exchange(step(1, []));
      if (tasks[0]?.id !== given[0]?.id) throw new Error("Another task was before it.");
      settle = () => stub.exchange(step(0, ended(token, tasks)));
    };
  }).then(async (times) => {
    await settle();
    return times.slice(1);
  });
}

/** Exchanges that settle 200 tasks and claim the next 200, of tasks that are submitted for it. */
async function exchange(stub: Shard, shard: number, count: number): Promise<number[]> {
  await stub.submit(specs(shard, CLAIM, { priority: 9 }));
  let lease = await stub.exchange(step(CLAIM, []));
  const times = await timed(count, async () => {
    await stub.submit(specs(shard, CLAIM, { priority: 9 }));
    return async () => {
      lease = await stub.exchange(step(CLAIM, ended(lease.token, lease.tasks)));
    };
  });
  await stub.exchange(step(0, ended(lease.token, lease.tasks)));
  return times;
}

/** Writes of so many finished tasks each to D1, as a shard's flusher does. */
function flush(env: Env, shard: number, count: number, tasks: number): Promise<number[]> {
  const history = new History(env.DB, workerSpans, spareRowsOf(env));
  return timed(count, async () => {
    const given = specs(shard, tasks, {}).map(finished);
    return () => history.write(given);
  });
}

function finished(spec: TaskSpec): FinishedTask {
  const now = Date.now();
  return {
    ...spec,
    ...{ state: "SUCCESS", result: "1", error: null, retries: 0, attempts: [] },
    ...{ submittedAt: now, finishedAt: now, isDeadLettered: false },
  };
}

type Step = Parameters<LedgerObject["exchange"]>[0];

function step(limit: number, settlements: Step["settlements"]): Step {
  return { queue: "default", settlements, claim: limit, isIdle: true, bells: 0 };
}

function ended(token: number, tasks: readonly { readonly id: string }[]): Step["settlements"] {
  const outcome = { kind: "success" as const, result: "1" };
  return tasks.map(({ id }) => ({ id, token, outcome, runtimeMs: 1 }));
}
