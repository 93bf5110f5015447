import { expect, it } from "vitest";
import { simulateShard, type Load, type ServiceTimes } from "../../../scripts/capacity/model.ts";
import { predict, quantile, waitOfFixed } from "../../../scripts/capacity/prediction.ts";

/** Submits of 1 ms, and nothing else that takes time. */
const ONLY_SUBMITS: ServiceTimes = {
  wayMs: [],
  frontMs: 0,
  submitMs: 1,
  submitTaskMs: 0,
  exchangeMs: 0,
  exchangeTaskMs: 0,
  runMs: 0,
  bellMs: 10,
  flushMs: 0,
  flushTaskMs: 0,
  stallEveryMs: Infinity,
  stallMs: [],
};
const LOAD: Load = {
  rate: 500,
  batch: 1,
  shards: 1,
  durationMs: 0,
  seconds: 100,
  seed: 1,
  isShared: false,
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

it("the same seed gives the same run, another one another", () => {
  const run = simulateShard({ ...LOAD, seconds: 5 }, ONLY_SUBMITS);
  expect(simulateShard({ ...LOAD, seconds: 5 }, ONLY_SUBMITS)).toEqual(run);
  expect(simulateShard({ ...LOAD, seconds: 5, seed: 2 }, ONLY_SUBMITS)).not.toEqual(run);
});

it.each([200, 500, 800])("the wait in line is that of M/D/1: %i a second", (rate) => {
  const { submits, shardBusy } = simulateShard({ ...LOAD, rate }, ONLY_SUBMITS);
  const expected = 1 + waitOfFixed(rate / 1_000, 1);
  expect(mean(submits) / expected).toBeGreaterThan(0.95);
  expect(mean(submits) / expected).toBeLessThan(1.05);
  expect(shardBusy).toBeCloseTo(rate / 1_000, 1);
});

it("the way to the server makes answers later and nobody wait longer", () => {
  const far = predict(LOAD, { ...ONLY_SUBMITS, wayMs: [10, 30] });
  const near = predict(LOAD, ONLY_SUBMITS);
  expect(far.submit_p50_ms).toBeGreaterThan(near.submit_p50_ms + 9);
  expect(far.submit_p99_ms).toBeGreaterThan(near.submit_p50_ms + 30);
  expect(far.submit_p99_ms).toBeLessThan(near.submit_p99_ms + 31);
  expect(far.shard_busy).toBeCloseTo(near.shard_busy, 1);
  expect(far.tasks_per_s).toBeCloseTo(near.tasks_per_s, -1);
});

it("a processor that stands still now and then makes the last of a hundred wait, and not the others", () => {
  const load = { ...LOAD, rate: 100, seconds: 2_000 };
  const calm = predict(load, ONLY_SUBMITS);
  // A tenth of the time it works, so it stands still once in ten seconds.
  const stalls = { stallEveryMs: 1_000, stallMs: [150, 250] };
  const stalling = predict(load, { ...ONLY_SUBMITS, ...stalls });
  expect(calm.submit_p99_ms).toBeLessThan(5);
  expect(stalling.submit_p99_ms).toBeGreaterThan(80);
  expect(stalling.submit_p99_ms).toBeLessThan(250);
  expect(stalling.submit_p50_ms).toBeCloseTo(calm.submit_p50_ms, 0);
  expect(stalling.shard_busy - calm.shard_busy).toBeCloseTo(0.02, 2);
});

it("nothing is lost: what came has ended or waits", () => {
  const { submits, latencies, waiting } = simulateShard(LOAD, ONLY_SUBMITS);
  expect(latencies.length).toBeLessThanOrEqual(submits.length);
  expect(submits.length - latencies.length - waiting).toBeLessThan(10);
});

it("a lone task costs four rows in the ledger, three requests and a bell", () => {
  const lone = simulateShard({ ...LOAD, rate: 0.5, seconds: 10_000 }, ONLY_SUBMITS);
  // And one in the history.
  expect(lone.rows / lone.ended).toBeCloseTo(5, 1);
  expect(lone.requests / lone.ended).toBeCloseTo(3, 1);
  expect(lone.bells / lone.ended).toBeCloseTo(1, 1);
});

it("in bulk tasks share their rows, requests and bells", () => {
  const bulk = simulateShard({ ...LOAD, rate: 1_000, batch: 1_000 }, ONLY_SUBMITS);
  expect(bulk.rows / bulk.ended).toBeCloseTo(3, 1);
  expect(bulk.requests / bulk.ended).toBeLessThan(0.05);
});

it("under more load a task rings fewer bells", () => {
  const bellsAt = (rate: number) => {
    const { bells, ended } = simulateShard({ ...LOAD, rate }, ONLY_SUBMITS);
    return bells / ended;
  };
  expect(bellsAt(10)).toBeGreaterThan(bellsAt(100));
  expect(bellsAt(100)).toBeGreaterThan(bellsAt(900));
});

it("more than a shard takes is seen, and ends no faster than it serves", () => {
  const { shard_busy: busy, tasks_per_s: rate } = predict({ ...LOAD, rate: 2_000 }, ONLY_SUBMITS);
  expect(busy).toBeGreaterThan(1);
  expect(rate).toBeLessThan(1_050);
});

it("a shard more takes its share of the load", () => {
  const busyWith = (shards: number) => predict({ ...LOAD, shards }, ONLY_SUBMITS).shard_busy;
  expect(busyWith(4) / busyWith(1)).toBeCloseTo(0.25, 1);
});

it("D1 has one line for all shards", () => {
  const times = { ...ONLY_SUBMITS, flushMs: 10 };
  const busyWith = (shards: number) =>
    predict({ ...LOAD, rate: 10 * shards, shards }, times).d1_busy;
  expect(busyWith(4) / busyWith(1)).toBeCloseTo(4, 0);
});

it("a quantile is the value that so many are below", () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(3);
  expect(quantile([1], 0.99)).toBe(1);
});
