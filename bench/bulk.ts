import { bill, call, spread, totals, untilRecorded } from "./measure.ts";

const BULK_SIZE = 1_000;
const FEATURE_TASKS = 5_000;

/** Tasks in bulk requests of 1,000, from the first request to the last result in D1. */
export async function bulk(
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
export async function features(url: string) {
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
    one_effect: await run("bench_once"),
    one_sleep_1s: await run("bench_sleep"),
    key: await run("bench_key"),
    concurrency_100: await run("bench_concurrency"),
    rate_1000_per_s: await run("bench_rate"),
  };
}
