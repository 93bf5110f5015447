/**
 * `npm run bench`: starts a server of its own, measures, prints one table and writes it to
 * bench/results/latest.json. With names of sections as arguments only these. Compare numbers of one run only: machines are noisy.
 * With `--peers` first: what else does such work, side by side (bench/peers/run.ts).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { LocalServer } from "../scripts/local-server.ts";
import { beat } from "./beat.ts";
import { bulk, features } from "./bulk.ts";
import { canvases } from "./canvas.ts";
import { cost } from "./cost.ts";
import { capacity } from "./growth/capacity.ts";
import { growth } from "./growth/growth.ts";
import { mail } from "./mail.ts";
import { GATEWAY_MS, gatewaySettings, payments } from "./payments.ts";
import { comparePeers } from "./peers/run.ts";
import { startServer } from "./server.ts";
import { shop } from "./shop.ts";
import { StripeServer } from "../test/stripe/server.ts";
import { bill, call, median, round2, spread, totals, untilRecorded } from "./measure.ts";

const SINGLE_REQUESTS = 2_000;
const SINGLE_WIDTH = 64;
const ROUNDS = 5;
const BULK_ROUNDS = 5;
const MEMORY_ROUNDS = 5;
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

/** One line per figure, the names joined by dots. */
function flat(value: unknown, path = ""): [string, unknown][] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return [[path, Array.isArray(value) ? value.join(" ") : value]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    flat(inner, path === "" ? key : `${path}.${key}`),
  );
}

// They start servers of their own.
const alone = new Map([
  ["growth", growth],
  ["capacity", capacity],
]).get(process.argv[2] ?? "");
if (alone !== undefined) {
  await alone({ isQuick: process.argv.includes("--quick") });
  process.exit(0);
}

if (process.argv[2] === "--peers") {
  await comparePeers(process.argv.slice(3));
  process.exit(0);
}
const gateway = await StripeServer.start(GATEWAY_MS);
const server = await startServer(gatewaySettings(gateway));
const slow = await slowServer();
try {
  const { url } = server;
  const noop = (total: number) => bulk(url, total, "bench_noop", (n) => ({ n }));
  await noop(10_000);
  await latency(url, 50);
  const address = slow.address();
  const slowUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  const sections: Readonly<Record<string, () => Promise<unknown>>> = {
    bulk: () => middle(BULK_ROUNDS, () => noop(60_000)),
    bulk_http_5ms: () => bulk(url, 5_000, "bench_http", () => ({ url: slowUrl })),
    single: () => singles(url),
    latency: () => latency(url, 500),
    canvas: () => canvases(url),
    beat: () => beat(url),
    payments: () => payments(url, gateway),
    shop: () => shop(url),
    mail: () => mail(url),
    features: () => features(url),
    cost: () => cost(url, { latency: () => latency(url, 200), singles: () => singles(url) }),
    memory_mib_after_each_50k: () => memory(server, () => noop(50_000)),
  };
  const wanted = process.argv.slice(2);
  const results: Record<string, unknown> = {
    date: new Date().toISOString(),
    node: process.version,
  };
  for (const [name, measure] of Object.entries(sections)) {
    if (wanted.length === 0 || wanted.includes(name)) results[name] = await measure();
  }
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/latest.json", `${JSON.stringify(results, null, 2)}\n`);
  const rows = flat(results);
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${String(value)}`);
} finally {
  slow.close();
  gateway.stop();
  await server.kill();
}
process.exit(0);
