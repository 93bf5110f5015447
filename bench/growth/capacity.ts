import { setTimeout as pause } from "node:timers/promises";
import type { ServiceTimes } from "../../scripts/capacity/model.ts";
import { predict, quantile } from "../../scripts/capacity/prediction.ts";
import { pauseBefore, stream } from "../../scripts/capacity/random.ts";
import { bulk } from "../bulk.ts";
import { startServer } from "../server.ts";
import { printTable, writeResult } from "./results.ts";
import { bill, call, median, round2, totals, untilRecorded, spread } from "../measure.ts";

const COMMANDS = 200;
const BULK = 20_000;
const SINGLES = 10_000;
const LONE = 300;
/** Between lone tasks: what is called now and then is not as quick as what is called all the time. */
const LONE_PAUSE_MS = 10;
const WIDTH = 32;
/** What a consumer runs at once, and the shortest time that is taken for a stall. */
const MOST_CLAIMED = 200;
const LEAST_STALL_MS = 20;
/** Shares of the rate at which the server was busy all the time: no prediction was calibrated on them. */
const SHARES = [0.1, 0.25, 0.5, 0.75];

/**
 * One short task. Its limit is longer than the express lane takes: the model is of tasks that consumers run, whatever
 * the load is.
 */
const BODY = JSON.stringify({ name: "bench_noop", kwargs: { n: 1 }, time_limit: 60 });

/** Takes the model's times, and holds what it predicts with them against what happens. */
export async function capacity({ isQuick }: { readonly isQuick: boolean }): Promise<void> {
  const server = await startServer({ LEDGER_SHARDS: "1" });
  try {
    const times = await calibrate(server.url, isQuick);
    writeResult("service-times", times);
    printTable([{ ...times, wayMs: median(times.wayMs), stallMs: median(times.stallMs) }]);
    printTable(await compare(server.url, times, isQuick));
  } finally {
    await server.kill();
  }
}

/**
 * The model's times, from: the commands alone, lone tasks, bulk requests, and single ones as fast as they go. The
 * local server does everything on one processor, so what is not a command's is the front's: that is what a request
 * takes where the next is there already. A lone one takes longer, because it passes from process to process (the
 * proxy of `wrangler dev`, the runtime, and back), while a busy server has each of them at work on another: what it
 * takes longer is its way. Where a busy server answers nobody for longer than any work takes, it stands still.
 */
async function calibrate(url: string, isQuick: boolean): Promise<ServiceTimes> {
  await bulk(url, 5_000, "bench_noop", (n) => ({ n }));
  const share = isQuick ? 0.2 : 1;
  const count = COMMANDS * share;
  const meanOf = async (path: string) => {
    const times = JSON.parse(await call(`${url}/bench/growth/${path}`)) as number[];
    return times.reduce((sum, ms) => sum + ms, 0) / times.length;
  };
  await meanOf("submit?shard=0&count=20&tasks=1");
  const submitOne = await meanOf(`submit?shard=0&count=${count}&tasks=1`);
  const submitMany = await meanOf("submit?shard=0&count=10&tasks=1000");
  await call(`${url}/bench/growth/hold?on=true`);
  const exchange = await meanOf(`exchange?shard=0&count=${Math.ceil(count / 4)}`);
  const claim = await meanOf(`claim?shard=0&count=${count}`);
  await call(`${url}/bench/growth/hold?on=false`);
  const flushOne = await meanOf(`flush?shard=0&count=${count}&tasks=1`);
  const flushMany = await meanOf("flush?shard=0&count=10&tasks=1000");
  const bulked = await bulk(url, BULK * share, "bench_noop", (n) => ({ n }));
  const before = await totals(url);
  const answeredAt: number[] = [];
  const seconds = await spread(SINGLES * share, WIDTH, async () => {
    await call(`${url}/api/tasks/`, BODY);
    answeredAt.push(performance.now());
  });
  await untilRecorded(url, before, SINGLES * share);
  const lone = await loneTasks(url, LONE * share);
  const submitTaskMs = Math.max(0, (submitMany - submitOne) / 999);
  const exchangeTaskMs = Math.max(0, (exchange - claim) / 400);
  const flushTaskMs = Math.max(0, (flushMany - flushOne) / 999);
  const partsMs = submitTaskMs + 2 * exchangeTaskMs + flushTaskMs;
  // What a task takes in bulk, where nothing waits for anything, is its own and no command's.
  const runMs = Math.max(0, 1_000 / bulked.tasks_per_second - partsMs);
  const longestMs = claim + MOST_CLAIMED * (2 * exchangeTaskMs + runMs);
  const stallMs = stallsOf(answeredAt, Math.max(LEAST_STALL_MS, 2 * longestMs));
  const workMs = seconds * 1_000 - stallMs.reduce((sum, ms) => sum + ms, 0);
  const single = workMs / (SINGLES * share) - runMs - partsMs;
  const frontMs = Math.max(0, single - submitOne);
  const wayMs = lone.map(({ answerMs }) => round2(Math.max(0, answerMs - frontMs - submitOne)));
  const way = median(wayMs);
  const end = median(lone.map(({ endMs }) => endMs));
  return {
    wayMs,
    frontMs,
    submitMs: submitOne,
    submitTaskMs,
    exchangeMs: claim,
    exchangeTaskMs,
    runMs,
    bellMs: Math.max(0, end - way - frontMs - submitOne - 2 * claim - runMs),
    flushMs: flushOne,
    flushTaskMs,
    stallEveryMs: workMs / stallMs.length,
    stallMs,
  };
}

/** The gaps between answers, of a server that had work all the time, that are longer than so many ms. */
function stallsOf(answeredAt: readonly number[], longerThanMs: number): number[] {
  return answeredAt
    .map((at, index) => round2(at - (answeredAt[index - 1] ?? at)))
    .filter((gapMs) => gapMs > longerThanMs);
}

/** From the submit to its answer, and to the end that the ledger noted: one task after the other. */
async function loneTasks(url: string, count: number) {
  const times: { readonly answerMs: number; readonly endMs: number }[] = [];
  while (times.length < count) {
    await pause(LONE_PAUSE_MS);
    const wallAt = Date.now();
    const askedAt = performance.now();
    const { task_id: id } = JSON.parse(await call(`${url}/api/tasks/`, BODY)) as {
      task_id: string;
    };
    const answerMs = performance.now() - askedAt;
    times.push({ answerMs, endMs: (await endOf(url, id)) - wallAt });
  }
  return times;
}

async function endOf(url: string, id: string): Promise<number> {
  const task = JSON.parse(await call(`${url}/api/tasks/${id}/?wait=10`)) as {
    finished_at?: string;
  };
  return Date.parse(task.finished_at ?? "");
}

/** Loads that come as they like, measured and predicted. */
async function compare(url: string, times: ServiceTimes, isQuick: boolean) {
  const busyMs =
    times.frontMs +
    times.submitMs +
    times.submitTaskMs +
    2 * times.exchangeTaskMs +
    times.flushTaskMs +
    times.runMs;
  const lines: Record<string, number | string>[] = [];
  for (const share of isQuick ? SHARES.slice(1, 3) : SHARES) {
    const rate = Math.round((share * 1_000) / busyMs);
    const measured = await drive(url, rate, isQuick ? 4 : 30);
    const load = {
      rate,
      batch: 1,
      shards: 1,
      durationMs: 0,
      seconds: 300,
      seed: 1,
      isShared: true,
    };
    const predicted = predict(load, times);
    for (const [name, value] of Object.entries(measured)) {
      const said = predicted[name as keyof typeof measured];
      const error = `${Math.round((100 * (said - value)) / value)} %`;
      const line = { rate, share, what: name.replaceAll("_", " ") };
      lines.push({ ...line, predicted: round2(said), measured: round2(value), error });
    }
  }
  return lines;
}

/** Single submits at a rate, whatever becomes of those before. */
async function drive(url: string, rate: number, seconds: number) {
  const random = stream(7);
  const before = await totals(url);
  const submits: number[] = [];
  const sent: Promise<{ id: string; at: number }>[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < seconds * 1_000; at += pauseBefore(rate / 1_000, random)) {
    const ahead = at - (performance.now() - startedAt);
    if (ahead > 1) await pause(ahead);
    const askedAt = performance.now();
    const wallAt = Date.now();
    sent.push(
      call(`${url}/api/tasks/`, BODY).then((text) => {
        submits.push(performance.now() - askedAt);
        return { id: (JSON.parse(text) as { task_id: string }).task_id, at: wallAt };
      }),
    );
  }
  const tasks = await Promise.all(sent);
  const took = (performance.now() - startedAt) / 1_000;
  await untilRecorded(url, before, tasks.length);
  const units = bill(before, await totals(url), tasks.length, tasks.length);
  const ends: number[] = [];
  for (const { id, at } of tasks.filter((_task, index) => index % 5 === 0)) {
    ends.push((await endOf(url, id)) - at);
  }
  submits.sort((a, b) => a - b);
  ends.sort((a, b) => a - b);
  return {
    tasks_per_s: tasks.length / took,
    submit_p50_ms: quantile(submits, 0.5),
    submit_p99_ms: quantile(submits, 0.99),
    end_p50_ms: quantile(ends, 0.5),
    end_p99_ms: quantile(ends, 0.99),
    rows_per_task: units.ledger_rows + units.history_rows,
    object_requests_per_task: units.object_requests,
    queue_operations_per_task: units.queue_operations,
  };
}
