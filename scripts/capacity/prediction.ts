import { simulateShard, type Load, type ServiceTimes } from "./model.ts";
import { OPERATIONS_PER_BELL, PRICE } from "./prices.ts";

const SECONDS_PER_MONTH = 30 * 86_400;
/** An object that is never idle for a month, dollars: 332,000 GB-s. */
const OBJECT_MONTH = 4.15;

/** What a deployment does under a load, all shards together. */
export interface Prediction {
  readonly tasks_per_s: number;
  readonly submit_p50_ms: number;
  readonly submit_p99_ms: number;
  readonly end_p50_ms: number;
  readonly end_p99_ms: number;
  /** Shares of the time that they are busy. From 1 on the backlog grows for ever. */
  readonly shard_busy: number;
  readonly d1_busy: number;
  readonly rows_per_task: number;
  readonly object_requests_per_task: number;
  readonly queue_operations_per_task: number;
  readonly bells_per_s: number;
  readonly dollars_per_million: number;
  readonly dollars_per_month: number;
}

/** Dollars at list price, beyond what is included, without CPU time and storage. */
export function predict(load: Load, times: ServiceTimes): Prediction {
  const run = simulateShard(load, times);
  const per = (units: number) => units / Math.max(1, run.ended);
  const rows = per(run.rows);
  const requests = per(run.requests);
  const operations = per(run.bells * OPERATIONS_PER_BELL);
  const dollars =
    rows * PRICE.row +
    requests * PRICE.objectRequest +
    operations * PRICE.queueOperation +
    per(run.httpRequests + run.bells) * PRICE.workerRequest;
  const millions = (load.rate * SECONDS_PER_MONTH) / 1e6;
  return {
    tasks_per_s: (run.ended / run.seconds) * load.shards,
    submit_p50_ms: quantile(run.submits, 0.5),
    submit_p99_ms: quantile(run.submits, 0.99),
    end_p50_ms: quantile(run.latencies, 0.5),
    end_p99_ms: quantile(run.latencies, 0.99),
    shard_busy: run.shardBusy,
    d1_busy: run.databaseBusy,
    rows_per_task: rows,
    object_requests_per_task: requests,
    queue_operations_per_task: operations,
    bells_per_s: (run.bells / run.seconds) * load.shards,
    dollars_per_million: dollars,
    dollars_per_month: dollars * millions + load.shards * OBJECT_MONTH,
  };
}

/** The mean wait in line at a server of fixed service time (M/D/1, Pollaczek-Khinchine), ms. */
export function waitOfFixed(perMs: number, serviceMs: number): number {
  const busy = perMs * serviceMs;
  return busy >= 1 ? Infinity : (busy * serviceMs) / (2 * (1 - busy));
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
