import { WorkerEntrypoint } from "cloudflare:workers";
import * as z from "zod";
import type { TaskLimits } from "#engine";
import { defineShopTask, shopTasks } from "../src/domain/index.ts";
import { createSmtpTransport } from "../src/integrations/mail/smtp-transport.ts";
import type { Doorbell } from "../src/platform/doorbell.ts";
import type { Env } from "../src/platform/env.ts";
import { LedgerObject } from "../src/platform/ledger/ledger-object.ts";
import { createWorker, declaredKeys, declaredLimits, wire } from "../src/wiring.ts";
import { SAMPLE_MAIL } from "./sample-mail.ts";
import { answerGrowth, isHeld } from "./growth/commands.ts";
import { countingDatabase, type RowCounts } from "./counting-database.ts";

export { Beat, Limiter, Watchdog } from "../src/worker.ts";

/** The bench's own tasks; they are in no deployment. */
const benchNoop = defineShopTask({
  name: "bench_noop",
  params: z.object({ n: z.number() }),
  timeLimitSeconds: 20,
  handler: ({ n }) => n,
});

/** Awaits an HTTP answer that takes 5 ms (timers would not do: many in one invocation fire late). */
const benchHttp = defineShopTask({
  name: "bench_http",
  params: z.object({ url: z.string() }),
  handler: async ({ url }) => (await fetch(url)).status,
});

/** Has an effect outside, and nothing that guards it: as most tasks are written. */
const benchEffect = defineShopTask({
  name: "bench_effect",
  params: z.object({ url: z.string() }),
  handler: async ({ url }) => {
    await fetch(url);
    return (await fetch(url, { method: "POST" })).status;
  },
});

/** The same as an effect that is remembered, for a receiver that honours its key. */
const benchEffectOnce = defineShopTask({
  name: "bench_effect_once",
  params: z.object({ url: z.string() }),
  handler: async ({ url }, ctx) => {
    await fetch(url);
    return ctx.once("effect", async ({ idempotencyKey }) => {
      const headers = { "Idempotency-Key": idempotencyKey };
      return (await fetch(url, { method: "POST", headers })).status;
    });
  },
});

const benchRate = defineShopTask({
  name: "bench_rate",
  params: z.object({ n: z.number() }),
  rateLimit: "1000/s",
  handler: ({ n }) => n,
});

const benchConcurrency = defineShopTask({
  name: "bench_concurrency",
  params: z.object({ n: z.number() }),
  concurrency: 100,
  handler: ({ n }) => n,
});

const benchKey = defineShopTask({
  name: "bench_key",
  params: z.object({ n: z.number() }),
  key: { of: ({ n }) => n % 10 },
  handler: ({ n }) => n,
});

const benchRetry = defineShopTask({
  name: "bench_retry",
  params: z.object({ n: z.number() }),
  handler: ({ n }, ctx) => (ctx.retries === 0 ? ctx.retry({ countdown: 0 }) : n),
});

const benchUnique = defineShopTask({
  name: "bench_unique",
  params: z.object({ n: z.number() }),
  unique: true,
  handler: ({ n }) => n,
});

const benchStep = defineShopTask({
  name: "bench_step",
  params: z.object({ n: z.number() }),
  handler: ({ n }, ctx) => ctx.step("one", () => n),
});

const benchOnce = defineShopTask({
  name: "bench_once",
  params: z.object({ n: z.number() }),
  handler: ({ n }, ctx) => ctx.once("one", () => n),
});

const benchSleep = defineShopTask({
  name: "bench_sleep",
  params: z.object({ n: z.number() }),
  handler: async ({ n }, ctx) => {
    await ctx.sleep(1);
    return n;
  },
});

const benchReport = defineShopTask({
  name: "bench_report",
  params: z.object({ n: z.number() }),
  handler: ({ n }, ctx) => {
    ctx.progress({ current: n, total: n });
    ctx.log("here", { n });
    return n;
  },
});

/** A chord's body. */
const benchSize = defineShopTask({
  name: "bench_size",
  params: z.object({ list: z.array(z.unknown()) }),
  handler: ({ list }) => list.length,
});

const tasks = [
  ...shopTasks,
  benchNoop,
  benchHttp,
  benchEffect,
  benchEffectOnce,
  benchRate,
  benchConcurrency,
  benchKey,
  benchRetry,
  benchUnique,
  benchStep,
  benchOnce,
  benchSleep,
  benchReport,
  benchSize,
];
const worker = createWorker(tasks);

/** What the tasks' statements read and wrote, since it was asked for first; this costs time itself. */
const rows: RowCounts = { read: 0, written: 0, queries: 0 };
let counted: { of: Env; env: Env } | null = null;
let isCounting = false;

/** The bindings that tasks run with. */
function taskEnv(env: Env): Env {
  if (!isCounting) return env;
  if (counted?.of !== env)
    counted = { of: env, env: { ...env, DB: countingDatabase(env.DB, rows) } };
  return counted.env;
}

/** Rows of one table, as the seed makes them. */
async function insertRows(env: Env, request: Request): Promise<Response> {
  const {
    table,
    columns,
    rows: given,
  } = await request.json<{
    table: string;
    columns: string[];
    rows: unknown[][];
  }>();
  const values = columns.map((_column, index) => `value ->> ${index}`).join(", ");
  await env.DB.prepare(
    `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) SELECT ${values} FROM json_each(?)`,
  )
    .bind(JSON.stringify(given))
    .run();
  return new Response("ok");
}

/** Sends mails by the transport alone, one batch after another. */
async function sendMails(request: Request): Promise<Response> {
  const { searchParams: query } = new URL(request.url);
  const [port, batch, connections, count] = ["port", "batch", "connections", "count"].map((name) =>
    Number(query.get(name)),
  ) as [number, number, number, number];
  const { from, ...content } = SAMPLE_MAIL;
  const transport = createSmtpTransport(
    { host: "127.0.0.1", port, security: "none", login: null, connections, from },
    { clock: { now: () => Date.now() } },
  );
  const message = { ...content, taskId: "bench", template: "bench", headers: {} };
  for (let sent = 0; sent < count; sent += batch) {
    const messages = Array.from({ length: batch }, (_, n) => ({
      ...message,
      messageId: `<${sent + n}@bench>`,
    }));
    const outcomes = await transport.sendBatch(messages, "bench");
    if (outcomes.some(({ status }) => status !== "sent")) throw new Error(JSON.stringify(outcomes));
  }
  return new Response("ok");
}

const limits = declaredLimits(tasks);
const keyOf = declaredKeys(tasks);

export class Ledger extends LedgerObject {
  protected override limitsOf(name: string): TaskLimits | null {
    return limits.get(name) ?? null;
  }

  protected override keyOf(name: string, kwargs: string): string | null {
    return keyOf(this.env, name, kwargs);
  }

  /** Takes the object out of memory: whoever calls next wakes it. */
  evict(): void {
    this.ctx.abort("evicted by the bench");
  }
}

export class Consumer extends WorkerEntrypoint<Env> {
  async drain(shard: number, queue: string): Promise<number> {
    return isHeld(queue) ? 0 : wire(taskEnv(this.env), tasks).drain(shard, queue, 0);
  }
}

export default {
  ...worker,
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    // The ceiling: what the local server answers when there is nothing to do.
    if (pathname === "/bench/empty") return new Response("ok");
    if (pathname === "/bench/mail") return sendMails(request);
    if (pathname === "/bench/insert") return insertRows(env, request);
    if (pathname === "/bench/rows") {
      isCounting = true;
      return Response.json(rows);
    }
    if (pathname.startsWith("/bench/growth/")) return answerGrowth(env, request);
    if (pathname === "/bench/stats") return Response.json(await stats(env));
    return worker.fetch(request, env, ctx);
  },
  async queue(batch, env) {
    if (!isHeld(batch.queue)) await worker.queue(batch, taskEnv(env));
  },
} satisfies ExportedHandler<Env, Doorbell>;

async function stats(env: Env) {
  const shards = await Promise.all(
    Array.from({ length: Number(env.LEDGER_SHARDS) }, (_, shard) =>
      env.LEDGER.getByName(`shard-${shard}`).stats(),
    ),
  );
  const limiters = await Promise.all(
    tasks
      .filter((task) => task.limits !== null)
      .map(({ name }) => env.LIMITER.getByName(name).stats()),
  );
  const recorded = await env.DB.prepare("SELECT count(*) AS n FROM tasks").first<{ n: number }>();
  return { shards, limiters, recorded: recorded?.n ?? 0 };
}
