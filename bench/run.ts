/**
 * `npm run bench`: starts a server of its own, measures, prints one table and writes it to
 * bench/results/latest.json. Compare numbers of one run only: machines are noisy.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { LocalServer } from "../scripts/local-server.ts";

const PORT = Number(process.env["BENCH_PORT"] ?? 8790);
const DIR = ".wrangler/bench";
const BULK_SIZE = 1_000;
const SINGLE_REQUESTS = 2_000;
const SINGLE_WIDTH = 64;
const ROUNDS = 5;
const BULK_ROUNDS = 5;
const FEATURE_TASKS = 5_000;
const MEMORY_ROUNDS = 5;
/** List prices in dollars per million, of platform.md's sources (Workers Paid, beyond what is included). */
const PRICE = { row: 1, request: 0.15, queueOperation: 0.4, workerRequest: 0.3 };

interface Totals {
  readonly ledgerRows: number;
  readonly historyRows: number;
  readonly limiterRows: number;
  readonly requests: number;
  readonly bells: number;
  readonly recorded: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One request on a kept-alive connection; the answer's body as text. */
function call(url: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const method = body === undefined ? "GET" : "POST";
    const sent = request(url, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => {
        if ((answer.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(`${answer.statusCode} from ${url}: ${text.slice(0, 300)}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Runs `total` calls, `width` at a time; seconds taken. */
async function spread(total: number, width: number, one: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let left = total;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return (performance.now() - startedAt) / 1_000;
}

async function totals(url: string): Promise<Totals> {
  const { shards, limiters, recorded } = JSON.parse(await call(`${url}/bench/stats`)) as {
    shards: Omit<Totals, "recorded" | "limiterRows">[];
    limiters: { rows: number; requests: number }[];
    recorded: number;
  };
  const sum = (key: keyof Omit<Totals, "recorded" | "limiterRows">) =>
    shards.reduce((total, shard) => total + shard[key], 0);
  return {
    ledgerRows: sum("ledgerRows"),
    historyRows: sum("historyRows"),
    limiterRows: limiters.reduce((total, { rows }) => total + rows, 0),
    requests: limiters.reduce((total, { requests }) => total + requests, sum("requests")),
    bells: sum("bells"),
    recorded,
  };
}

/** Waits until D1 has `count` more finished tasks than `before`. */
async function untilRecorded(url: string, before: Totals, count: number): Promise<void> {
  const until = performance.now() + 120_000;
  while ((await totals(url)).recorded < before.recorded + count) {
    if (performance.now() > until) throw new Error("The tasks were not recorded in 120 s.");
    await pause(10);
  }
}

/** Billed units per task between two readings, and the dollars per million tasks that follow. */
function bill(before: Totals, after: Totals, tasks: number, httpRequests: number) {
  const per = (units: number) => units / tasks;
  const ledgerRows = per(after.ledgerRows - before.ledgerRows);
  const historyRows = per(after.historyRows - before.historyRows);
  const limiterRows = per(after.limiterRows - before.limiterRows);
  const objectRequests = per(after.requests - before.requests);
  const bells = per(after.bells - before.bells);
  const dollars =
    (ledgerRows + historyRows + limiterRows) * PRICE.row +
    objectRequests * PRICE.request +
    bells * (3 * PRICE.queueOperation + PRICE.workerRequest) +
    per(httpRequests) * PRICE.workerRequest;
  return {
    ledger_rows: round2(ledgerRows),
    history_rows: round2(historyRows),
    ...(limiterRows > 0 && { limiter_rows: round2(limiterRows) }),
    object_requests: round2(objectRequests),
    queue_operations: round2(bells * 3),
    dollars_per_million: round2(dollars),
  };
}

/** Tasks in bulk requests of 1,000, from the first request to the last result in D1. */
async function bulk(
  url: string,
  total: number,
  name: string,
  kwargs: (n: number) => unknown,
  options: Record<string, unknown> = {},
) {
  const before = await totals(url);
  const body = JSON.stringify({
    tasks: Array.from({ length: BULK_SIZE }, (_, n) => ({ name, kwargs: kwargs(n), ...options })),
  });
  const startedAt = performance.now();
  await spread(total / BULK_SIZE, 4, () => call(`${url}/api/tasks/bulk/`, body));
  await untilRecorded(url, before, total);
  const seconds = (performance.now() - startedAt) / 1_000;
  const units = bill(before, await totals(url), total, total / BULK_SIZE);
  return { tasks_per_second: Math.round(total / seconds), ...units };
}

/** What each feature costs: the same handler, that does nothing, called in bulk. */
async function features(url: string) {
  const run = (name: string, options?: Record<string, unknown>, count = FEATURE_TASKS) =>
    bulk(url, count, name, (n) => ({ n }), options);
  return {
    plain: await run("bench_noop"),
    countdown_1s: await run("bench_noop", { countdown: 1 }),
    expires: await run("bench_noop", { expires: 60 }),
    retried_once: await run("bench_retry"),
    labels_two: await run("bench_noop", { labels: { customer: "1", campaign: "x" } }),
    // Every bulk request has the same arguments: a second one would make no tasks.
    unique: await run("bench_unique", {}, BULK_SIZE),
    progress_and_log: await run("bench_report"),
    one_step: await run("bench_step"),
    one_sleep_1s: await run("bench_sleep"),
    key: await run("bench_key"),
    concurrency_100: await run("bench_concurrency"),
    rate_1000_per_s: await run("bench_rate"),
  };
}

/** One POST with this body after another, several at a time; requests per second. */
async function requestRate(url: string, body: string): Promise<number> {
  const seconds = await spread(SINGLE_REQUESTS, SINGLE_WIDTH, () => call(url, body));
  return SINGLE_REQUESTS / seconds;
}

/**
 * Single submits, and the same requests to an endpoint that does nothing: the ceiling of the local
 * server. In turns, so that a noisy machine is fair to both; medians.
 */
async function singles(url: string) {
  const before = await totals(url);
  const body = JSON.stringify({ name: "bench_noop", kwargs: { n: 1 } });
  const rounds: { submits: number; nothing: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const nothing = await requestRate(`${url}/bench/empty`, body);
    const submits = await requestRate(`${url}/api/tasks/`, body);
    await untilRecorded(url, before, (round + 1) * SINGLE_REQUESTS);
    rounds.push({ submits, nothing });
  }
  const total = ROUNDS * SINGLE_REQUESTS;
  return {
    requests_per_second: Math.round(median(rounds.map(({ submits }) => submits))),
    nothing_per_second: Math.round(median(rounds.map(({ nothing }) => nothing))),
    share_of_nothing: round2(median(rounds.map(({ submits, nothing }) => submits / nothing))),
    ...bill(before, await totals(url), total, total),
  };
}

/** The run of several whose throughput is the median. */
async function middle<Run extends { tasks_per_second: number }>(
  rounds: number,
  run: () => Promise<Run>,
): Promise<Run> {
  const runs: Run[] = [];
  while (runs.length < rounds) runs.push(await run());
  runs.sort((a, b) => a.tasks_per_second - b.tasks_per_second);
  return runs[Math.floor(rounds / 2)] ?? run();
}

/** The server's memory after each of several bulk runs: it must not grow with the tasks. */
async function memory(server: LocalServer, run: () => Promise<unknown>): Promise<number[]> {
  const mib: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS; round += 1) {
    await run();
    mib.push(server.memoryMiB());
  }
  return mib;
}

/** One task after another: from the submit to the answer that has its result. */
async function latency(url: string, count: number) {
  const before = await totals(url);
  const body = JSON.stringify({ name: "bench_noop", kwargs: { n: 1 } });
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const startedAt = performance.now();
    const { task_id: id } = JSON.parse(await call(`${url}/api/tasks/`, body)) as {
      task_id: string;
    };
    const task = JSON.parse(await call(`${url}/api/tasks/${id}/?wait=10`)) as { state: string };
    if (task.state !== "SUCCESS") throw new Error(`Task ${id} is ${task.state}.`);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => round2(times[Math.floor(times.length * share)] ?? 0);
  await untilRecorded(url, before, count);
  const units = bill(before, await totals(url), count, count);
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), ...units };
}

/** An HTTP server whose every answer takes 5 ms. */
function slowServer(): Promise<Server> {
  const server = createServer((_request, answer) => {
    setTimeout(() => answer.end("ok"), 5);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** One line per figure, the names joined by dots. */
function flat(value: unknown, path = ""): [string, unknown][] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return [[path, Array.isArray(value) ? value.join(" ") : value]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    flat(inner, path === "" ? key : `${path}.${key}`),
  );
}

/** The deployment's own configuration, with the bench's Worker and an empty database. */
function startServer(): Promise<LocalServer> {
  rmSync(DIR, { recursive: true, force: true });
  mkdirSync(DIR, { recursive: true });
  const config = readFileSync("wrangler.toml", "utf8")
    .replace('main = "src/worker.ts"', 'main = "../../bench/worker.ts"')
    .replace('migrations_dir = "migrations"', 'migrations_dir = "../../migrations"');
  writeFileSync(`${DIR}/wrangler.toml`, config);
  return LocalServer.start({ port: PORT, config: `${DIR}/wrangler.toml`, state: `${DIR}/state` });
}

const server = await startServer();
const slow = await slowServer();
try {
  const { url } = server;
  const noop = (total: number) => bulk(url, total, "bench_noop", (n) => ({ n }));
  await noop(10_000);
  await latency(url, 50);
  const address = slow.address();
  const slowUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  const results = {
    date: new Date().toISOString(),
    node: process.version,
    bulk: await middle(BULK_ROUNDS, () => noop(60_000)),
    bulk_http_5ms: await bulk(url, 5_000, "bench_http", () => ({ url: slowUrl })),
    single: await singles(url),
    latency: await latency(url, 500),
    features: await features(url),
    memory_mib_after_each_50k: await memory(server, () => noop(50_000)),
  };
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/latest.json", `${JSON.stringify(results, null, 2)}\n`);
  const rows = flat(results);
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${String(value)}`);
} finally {
  slow.close();
  await server.kill();
}
process.exit(0);
