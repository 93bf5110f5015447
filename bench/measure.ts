import { OPERATIONS_PER_BELL, PRICE } from "../scripts/capacity/prices.ts";
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface Totals {
  readonly ledgerRows: number;
  readonly historyRows: number;
  readonly limiterRows: number;
  readonly requests: number;
  readonly bells: number;
  readonly recorded: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One request on a kept-alive connection; the answer's body as text. */
export function call(url: string, body?: string): Promise<string> {
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
export async function spread(
  total: number,
  width: number,
  one: () => Promise<unknown>,
): Promise<number> {
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

export async function totals(url: string): Promise<Totals> {
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
export async function untilRecorded(url: string, before: Totals, count: number): Promise<void> {
  const until = performance.now() + 120_000;
  while ((await totals(url)).recorded < before.recorded + count) {
    if (performance.now() > until) throw new Error("The tasks were not recorded in 120 s.");
    await pause(10);
  }
}

/** Billed units per task between two readings, and the dollars per million tasks that follow. */
export function bill(before: Totals, after: Totals, tasks: number, httpRequests: number) {
  const per = (units: number) => units / tasks;
  const ledgerRows = per(after.ledgerRows - before.ledgerRows);
  const historyRows = per(after.historyRows - before.historyRows);
  const limiterRows = per(after.limiterRows - before.limiterRows);
  const objectRequests = per(after.requests - before.requests);
  const bells = per(after.bells - before.bells);
  const dollars =
    (ledgerRows + historyRows + limiterRows) * PRICE.row +
    objectRequests * PRICE.objectRequest +
    bells * (OPERATIONS_PER_BELL * PRICE.queueOperation + PRICE.workerRequest) +
    per(httpRequests) * PRICE.workerRequest;
  return {
    ledger_rows: round2(ledgerRows),
    history_rows: round2(historyRows),
    ...(limiterRows > 0 && { limiter_rows: round2(limiterRows) }),
    object_requests: round2(objectRequests),
    queue_operations: round2(bells * OPERATIONS_PER_BELL),
    dollars_per_million: round2(dollars),
  };
}

export function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
