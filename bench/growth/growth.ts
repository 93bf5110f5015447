import type { LocalServer } from "../../scripts/local-server.ts";
import { bulk } from "../bulk.ts";
import { call, median, round2, totals, untilRecorded, spread } from "../measure.ts";
import { startServer } from "../server.ts";
import { printTable, writeResult } from "./results.ts";

const KINDS = ["off", "due"] as const;
const FULL = { shards: [1, 4, 16], sizes: [1_000, 10_000, 100_000, 1_000_000] };
const QUICK = { shards: [1, 4], sizes: [1_000, 10_000, 50_000] };
const FRESH = 150;
const SINGLES = 500;
const COMMANDS = 40;
const WAKES = 3;
const BULK = 5_000;

/** One line: a deployment of so many shards with so many live tasks in all. */
type Line = {
  readonly shards: number;
  readonly kind: (typeof KINDS)[number];
  readonly live: number;
} & Record<string, number | string>;

/**
 * Ledgers with more and more live tasks, one day off (`off`) or due and waiting (`due`). Every figure is of one
 * run; those of a number of shards are compared with those of its smallest ledger.
 */
export async function growth({ isQuick }: { readonly isQuick: boolean }): Promise<void> {
  const { shards, sizes } = isQuick ? QUICK : FULL;
  const lines: Line[] = [];
  for (const count of shards) {
    for (const kind of KINDS) {
      const server = await startServer({ LEDGER_SHARDS: String(count) });
      try {
        await grow(server, count, kind, sizes, lines);
      } finally {
        await server.kill();
      }
    }
  }
  report(lines);
}

async function grow(
  server: LocalServer,
  shards: number,
  kind: Line["kind"],
  sizes: readonly number[],
  lines: Line[],
): Promise<void> {
  const { url } = server;
  await bulk(url, BULK, "bench_noop", (n) => ({ n }));
  // What is in the ordinary queue stays there: for the backlog, and for the claims that are measured.
  await call(`${url}/bench/growth/hold?on=true`);
  let live = 0;
  for (const size of sizes) {
    const startedAt = performance.now();
    const each = Math.round((size - live) / shards);
    await Promise.all(
      Array.from({ length: shards }, (_, shard) =>
        call(`${url}/bench/growth/fill?shard=${shard}&count=${each}&kind=${kind}`),
      ),
    );
    const filled = ((size - live) / (performance.now() - startedAt)) * 1_000;
    live = size;
    const line: Line = { shards, kind, live, fill_per_s: Math.round(filled), ...(await look(url)) };
    lines.push({ ...line, ...(await sizeOf(url, shards, live)), rss_mib: server.memoryMiB() });
    console.log(JSON.stringify(lines.at(-1)));
  }
}

/** What a client and a consumer see of shard 0, and of all. */
async function look(url: string): Promise<Record<string, number>> {
  const command = async (name: string, more = "") =>
    JSON.parse(
      await call(`${url}/bench/growth/${name}?shard=0&count=${COMMANDS}${more}`),
    ) as number[];
  // Without statistics of the time before: the first look after the fill is not measured.
  await fresh(url, 10);
  const latency = await fresh(url, FRESH);
  const before = await totals(url);
  const body = JSON.stringify({ name: "bench_noop", kwargs: { n: 1 }, queue: "high-priority" });
  const seconds = await spread(SINGLES, 16, () => call(`${url}/api/tasks/`, body));
  await untilRecorded(url, before, SINGLES);
  const bulked = await bulk(url, BULK, "bench_noop", (n) => ({ n }), { queue: "high-priority" });
  const wakes: number[] = [];
  while (wakes.length < WAKES) wakes.push(await wake(url));
  return {
    submits_per_s: Math.round(SINGLES / seconds),
    tasks_per_s: bulked.tasks_per_second,
    fresh_p50_ms: at(latency, 0.5),
    fresh_p99_ms: at(latency, 0.99),
    read_ms: mean(await command("read")),
    claim_ms: mean(await command("claim")),
    submit_ms: mean(await command("submit", "&tasks=1")),
    wake_ms: median(wakes.map(round2)),
  };
}

/** From the submit to the answer with the result, of tasks in a queue that has no backlog; sorted, ms. */
async function fresh(url: string, count: number): Promise<number[]> {
  const body = JSON.stringify({ name: "bench_noop", kwargs: { n: 1 }, queue: "high-priority" });
  const times: number[] = [];
  while (times.length < count) {
    const startedAt = performance.now();
    const { task_id: id } = JSON.parse(await call(`${url}/api/tasks/`, body)) as {
      task_id: string;
    };
    await call(`${url}/api/tasks/${id}/?wait=10`);
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}

/** The first answer of a shard that was taken out of memory, over HTTP. */
async function wake(url: string): Promise<number> {
  await call(`${url}/bench/growth/evict?shard=0`);
  const startedAt = performance.now();
  await call(`${url}/bench/growth/size?shard=0`);
  return performance.now() - startedAt;
}

async function sizeOf(url: string, shards: number, live: number) {
  const health = await Promise.all(
    Array.from({ length: shards }, (_, shard) => call(`${url}/bench/growth/size?shard=${shard}`)),
  );
  const bytes = health.map((text) => (JSON.parse(text) as { databaseBytes: number }).databaseBytes);
  return { bytes_per_task: Math.round(bytes.reduce((sum, one) => sum + one, 0) / live) };
}

function report(lines: readonly Line[]): void {
  const first = (line: Line) =>
    lines.find(({ shards, kind }) => shards === line.shards && kind === line.kind) ?? line;
  const ratio = (line: Line, name: string) =>
    round2(Number(line[name]) / Number(first(line)[name]));
  const compared = lines.map((line) => ({
    ...line,
    p50_ratio: ratio(line, "fresh_p50_ms"),
    p99_ratio: ratio(line, "fresh_p99_ms"),
    claim_ratio: ratio(line, "claim_ms"),
  }));
  const run = { date: new Date().toISOString(), node: process.version };
  writeResult("growth", { ...run, lines: compared });
  printTable(compared);
}

function at(sorted: readonly number[], share: number): number {
  return round2(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);
}

function mean(values: readonly number[]): number {
  return round2(values.reduce((sum, value) => sum + value, 0) / values.length);
}
