/**
 * `npm run soak -- --minutes 60`: finds how much of a mixed day this machine can do, offers half of it for so long
 * with one in a hundred things going wrong and a kill now and then, and watches what must not grow.
 * `--kill-every 30` (minutes; 0: never. What lives for ten minutes has little after the five that are left out, and a
 * slope of so little is noise), `--seed 1`, `--port 9230`, `--rate` (calls a second, instead of half of the
 * peak). Ends with 1 when something was lost or doubled, grew, or came late beyond its bound.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ROOT } from "../../scripts/wrangler.ts";
import { findingsText, table, writeResults } from "./report.ts";
import { Sampler, type Sample } from "./samples.ts";
import { Session } from "./session.ts";
import { commonLine, lineThrough, mean, quantile } from "./trend.ts";
import { optionsOf } from "../../scripts/options.ts";

const { values: given } = optionsOf({
  options: {
    minutes: { type: "string", default: "60" },
    "kill-every": { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    port: { type: "string", default: "9230" },
    rate: { type: "string" },
  },
});
const MINUTES = Number(given.minutes);
const KILL_EVERY_MS = Number(given["kill-every"]) * 60_000;
const SEED = Number(given.seed);

/** Of all that is asked of the mail server, the gateway and the receiver, this much goes wrong. */
const FAULTS = 0.01;
const PEAK_WARM_MS = 15_000;
const PEAK_MS = 45_000;
const PEAK_WIDTH = 32;
/** Tasks under way beyond which the search for the peak offers no more: what piles up is not done. */
const MAX_BACKLOG = 1_500;
/** The steady load begins when no more are left of them, or after so long. */
const LEFT_OVER = 50;
const DRAIN_MS = 120_000;
const LOOK_MS = 500;
const TICK_MS = 10;
/** Calls under way at once, at most; what there is no room for is counted. */
const MAX_OPEN = 400;
const POLLS_PER_CALL = 0.2;
const SAMPLE_MS = 10_000;
/** A server warms up for so long, seconds: what it grows then is its code and its caches. */
const WARM_SECONDS = Math.min(300, MINUTES * 10);
/** Bounds. Growth over an hour, as a share of the mean; lateness of a slot, 99 of 100, away from kills. */
const MAX_GROWTH_PER_HOUR = { memory: 1, heap: 0.25, shards: 0.25 };
const MAX_DRIFT_MS = 5_000;
/** In a shorter run a slope says nothing; it is reported all the same. */
const MIN_TREND_MINUTES = 20;

/** Offers as much as is done. @returns calls a second that were taken and done */
async function findPeak(session: Session): Promise<number> {
  const until = performance.now() + PEAK_WARM_MS + PEAK_MS;
  let backlog = 0;
  const lane = async () => {
    while (performance.now() < until) {
      if (backlog > MAX_BACKLOG) await pause(20);
      else await session.workload.one();
    }
  };
  const look = async () => {
    while (performance.now() < until) {
      backlog = session.backlog();
      await pause(100);
    }
  };
  const lanes = [look(), ...Array.from({ length: PEAK_WIDTH }, lane)];
  await pause(PEAK_WARM_MS);
  const { counts } = session.workload;
  const before = { ok: counts.ok, at: performance.now() };
  await pause(PEAK_MS);
  const seconds = (performance.now() - before.at) / 1_000;
  const perSecond = (counts.ok - before.ok) / seconds;
  await Promise.all(lanes);
  // What it left over is none of the steady load's.
  for (let waited = 0; session.backlog() > LEFT_OVER && waited < DRAIN_MS; waited += LOOK_MS) {
    await pause(LOOK_MS);
  }
  return perSecond;
}

/** Offers calls at a steady rate, whatever becomes of them. */
async function offer(session: Session, perSecond: number, ms: number) {
  const startedAt = performance.now();
  const open = { calls: 0, most: 0, shed: 0 };
  let made = 0;
  let polls = 0;
  for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - startedAt) {
    const due = Math.floor((elapsed / 1_000) * perSecond);
    for (; made < due; made += 1) {
      if (open.calls >= MAX_OPEN) {
        open.shed += 1;
        continue;
      }
      open.calls += 1;
      open.most = Math.max(open.most, open.calls);
      void session.workload.one().finally(() => {
        open.calls -= 1;
      });
    }
    for (; polls < made * POLLS_PER_CALL; polls += 1) void session.watcher.look();
    await pause(TICK_MS);
  }
  while (open.calls > 0) await pause(TICK_MS);
  return { offered: made, shed: open.shed, mostOpen: open.most };
}

async function killNowAndThen(session: Session, until: number): Promise<void> {
  if (KILL_EVERY_MS === 0) return;
  for (;;) {
    const next = Date.now() + KILL_EVERY_MS;
    // The last life is long enough to be looked at.
    if (next > until - KILL_EVERY_MS / 2) return;
    await pause(KILL_EVERY_MS);
    await session.kill("any");
    await session.restart();
  }
}

/** One line per ten minutes (or per sixth of a shorter run). */
function periods(samples: readonly Sample[]) {
  const seconds = Math.min(600, Math.ceil(MINUTES * 10));
  const MIB = 1_048_576;
  let ended = samples[0]?.tasksEnded ?? 0;
  let at = samples[0]?.at ?? 0;
  return [...Map.groupBy(samples, (sample) => Math.floor(sample.at / seconds)).values()].map(
    (part) => {
      const last = part.at(-1);
      const span = Math.max(1, (last?.at ?? 0) - at);
      const done = (last?.tasksEnded ?? 0) - ended;
      ended = last?.tasksEnded ?? 0;
      at = last?.at ?? 0;
      const probes = part.flatMap(({ probesMs }) => probesMs);
      const drifts = part.flatMap(({ driftsMs }) => driftsMs);
      return {
        until_minute: Math.round(at / 6) / 10,
        tasks_per_second: Math.round((done / span) * 10) / 10,
        backlog: Math.round(mean(part.map(({ backlog }) => backlog))),
        heap_mib: Math.round(mean(heapsOf(part).map(([, heap]) => heap)) * 10) / 10,
        memory_mib: Math.round(mean(part.map(({ memoryMiB }) => memoryMiB))),
        shards_kib: Math.round(mean(part.map(({ shardBytes }) => shardBytes)) / 1_024),
        database_mib: Math.round(((last?.databaseBytes ?? 0) / MIB) * 10) / 10,
        probe_p50_ms: Math.round(quantile(probes, 0.5)),
        probe_p99_ms: Math.round(quantile(probes, 0.99)),
        drift_p50_ms: Math.round(quantile(drifts, 0.5)),
        drift_p99_ms: Math.round(quantile(drifts, 0.99)),
        harness_mib: last?.harnessMiB ?? 0,
      };
    },
  );
}

/** What was held in memory, by time. */
function heapsOf(samples: readonly Sample[]): [at: number, heapMiB: number][] {
  return samples.flatMap(({ at, heapMiB }) => (heapMiB === null ? [] : [[at, heapMiB]]));
}

/** Whether what must stay flat did, as a share of the mean per hour. */
function trends(samples: readonly Sample[]) {
  const lives = [...Map.groupBy(samples, ({ life }) => life).values()].map((life) => {
    const from = (life[0]?.at ?? 0) + WARM_SECONDS;
    return life.filter(({ at }) => at >= from);
  });
  const warm = samples.filter(({ at }) => at >= WARM_SECONDS);
  const hour = 3_600;
  const share = (slope: number, values: readonly number[]) => (slope * hour) / (mean(values) || 1);
  const memory = commonLine(lives.map((life) => life.map(({ at, memoryMiB }) => [at, memoryMiB])));
  const heap = commonLine(lives.map(heapsOf));
  const shards = lineThrough(warm.map(({ at, shardBytes }) => [at, shardBytes]));
  const database = lineThrough(warm.map((one) => [one.tasksEnded, one.databaseBytes]));
  return {
    memory_growth_per_hour: share(
      memory.slope,
      warm.map(({ memoryMiB }) => memoryMiB),
    ),
    heap_growth_per_hour: share(
      heap.slope,
      heapsOf(warm).map(([, value]) => value),
    ),
    shards_growth_per_hour: share(
      shards.slope,
      warm.map(({ shardBytes }) => shardBytes),
    ),
    database_bytes_per_task: Math.round(database.slope),
    database_linearity: database.fit,
    drift_p99_ms: quantile(
      samples.flatMap(({ driftsMs }) => driftsMs),
      0.99,
    ),
  };
}

function tooMuch(found: ReturnType<typeof trends>): string[] {
  const { memory_growth_per_hour: memory, heap_growth_per_hour: heap } = found;
  const { shards_growth_per_hour: shards } = found;
  const late =
    found.drift_p99_ms > MAX_DRIFT_MS ? [`Slots were ${found.drift_p99_ms} ms late.`] : [];
  if (MINUTES < MIN_TREND_MINUTES) return late;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    ...(memory > MAX_GROWTH_PER_HOUR.memory ? [`Memory grew by ${percent(memory)} an hour.`] : []),
    ...(heap > MAX_GROWTH_PER_HOUR.heap ? [`The heap grew by ${percent(heap)} an hour.`] : []),
    ...(shards > MAX_GROWTH_PER_HOUR.shards
      ? [`The shards grew by ${percent(shards)} an hour.`]
      : []),
    ...late,
  ];
}

const folder = join(ROOT, ".wrangler/soak");
const session = await Session.start({ port: Number(given.port), folder, seed: SEED });
let exitCode = 1;
try {
  const peak = await findPeak(session);
  const rate = given.rate === undefined ? peak / 2 : Number(given.rate);
  console.log(`Peak: ${peak.toFixed(1)} calls/s. Offered: ${rate.toFixed(1)} calls/s.`);
  const { counts } = session.workload;
  const before = { ...counts };
  session.outside.setFaults(FAULTS, SEED);
  const sampler = new Sampler(session);
  session.loop(SAMPLE_MS, () => sampler.look());
  const ms = MINUTES * 60_000;
  const killing = killNowAndThen(session, Date.now() + ms);
  const offered = await offer(session, rate, ms);
  await killing;
  sampler.stop();
  const { findings, calmSeconds, deadLettersReplayed } = await session.end();
  const found = trends(sampler.samples);
  const wrong = [
    ...findings.filter(({ broken }) => broken > 0).map(({ invariant }) => `Not so: ${invariant}.`),
    ...tooMuch(found),
  ];
  const lines = periods(sampler.samples);
  const faults = { ...session.outside.counts, gateway: session.outside.account.faults.counts };
  const calls = {
    ok: counts.ok - before.ok,
    fail: counts.fail - before.fail,
    unknown: counts.unknown - before.unknown,
  };
  const results = {
    ...{ date: new Date().toISOString(), node: process.version, minutes: MINUTES, seed: SEED },
    ...{ peak_calls_per_second: peak, offered_per_second: rate, ...offered, calls },
    ...{ tasks: counts.tasks, kills: session.kills, faults, calm_seconds: calmSeconds },
    dead_letters_replayed: deadLettersReplayed,
    ...{ trends: found, bounds: { ...MAX_GROWTH_PER_HOUR, drift_ms: MAX_DRIFT_MS } },
    ...{ periods: lines, findings, wrong },
  };
  writeResults("soak", results);
  console.log(table([Object.keys(lines[0] ?? {}), ...lines.map((line) => Object.values(line))]));
  console.log(JSON.stringify({ offered, calls, faults, kills: session.kills, calmSeconds, found }));
  console.log(findingsText(findings));
  for (const line of wrong) console.log(line);
  exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await session.stop();
}
process.exit(exitCode);
