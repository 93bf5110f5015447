import type { Client } from "./client.ts";

const EVERY_MS = 1_000;
const PAGE = 100;

/** Schedules that tick every second, by each policy for what was missed. */
const POLICIES = { skip: "skip", once: "once", all: { all: 100 } } as const;
export type PolicyName = keyof typeof POLICIES;
const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** One schedule, and the first slot that it has. */
export interface Ticker {
  readonly policy: PolicyName;
  readonly name: string;
  /** Epoch ms; every second from then on is a slot. */
  readonly anchor: number;
}

/** A schedule that was stopped at some moment between these two, epoch ms. */
export interface StoppedTicker extends Ticker {
  readonly askedToStopAt: number;
  readonly stoppedAt: number;
}

export interface Run {
  readonly slot: string;
  readonly drift_ms: number | null;
  readonly task_id: string | null;
}

/** Makes the schedules. */
export function startTickers(client: Client): Promise<Ticker[]> {
  return Promise.all(
    POLICY_NAMES.map(async (policy) => {
      const name = `ticker-${policy}`;
      const start = new Date(Math.ceil(Date.now() / EVERY_MS + 2) * EVERY_MS);
      await client.need(
        client.post("/api/schedules/", {
          ...{ name, task: "referee_tick", missed: POLICIES[policy] },
          ...{ interval: { every: 1, period: "seconds" }, start_time: start.toISOString() },
        }),
      );
      return { policy, name, anchor: start.getTime() };
    }),
  );
}

/** Stops them. */
export function stopTickers(client: Client, tickers: readonly Ticker[]): Promise<StoppedTicker[]> {
  return Promise.all(
    tickers.map(async (ticker) => {
      const askedToStopAt = Date.now();
      await client.need(client.post(`/api/schedules/${ticker.name}/disable/`, {}));
      return { ...ticker, askedToStopAt, stoppedAt: Date.now() };
    }),
  );
}

/** How late the newest slots of a schedule were fired, ms. */
export async function driftsOf(client: Client, name: string, since: number): Promise<number[]> {
  const answer = await client.get(`/api/schedules/${name}/runs/?limit=${PAGE}`);
  if (answer.outcome !== "ok") return [];
  const { runs } = JSON.parse(answer.text) as { runs: Run[] };
  return runs
    .filter(({ slot }) => Date.parse(slot) >= since)
    .flatMap(({ drift_ms: ms }) => (ms === null ? [] : [ms]));
}
