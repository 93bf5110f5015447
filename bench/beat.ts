import { setTimeout as pause } from "node:timers/promises";
import { call, round2 } from "./measure.ts";

/** A deployment takes 10,000, and the shop has some of its own. */
const SCHEDULES = 9_900;
const DUE = 1_000;
const WIDTH = 32;
const TICKER_SECONDS = 30;

interface Run {
  readonly slot: string;
  readonly drift_ms: number;
  readonly task_id: string;
}

/** Runs one call for each number, several at a time. */
async function each(count: number, one: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      await one(next - 1);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

async function runsOf(url: string, name: string, limit: number): Promise<Run[]> {
  const answer = await call(`${url}/api/schedules/${name}/runs/?limit=${limit}`);
  return (JSON.parse(answer) as { runs: Run[] }).runs;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Many schedules of which some are due in one minute; and one that ticks every second. */
export async function beat(url: string) {
  const task = { task: "process_data", kwargs: { data: "x" } };
  const create = (name: string, timing: Record<string, unknown>) =>
    call(`${url}/api/schedules/`, JSON.stringify({ name, ...task, ...timing }));
  const startedAt = performance.now();
  // Far enough off that all are there by then.
  const due = new Date(Math.ceil(Date.now() / 60_000) * 60_000 + 120_000);
  const minute = String(due.getUTCMinutes());
  const hour = String(due.getUTCHours());
  const later = String((due.getUTCHours() + 6) % 24);
  await each(SCHEDULES, (n) =>
    create(`s${n}`, {
      crontab: { minute, hour: n < DUE ? hour : later, timezone: "UTC" },
    }),
  );
  const createdIn = (performance.now() - startedAt) / 1_000;
  if (Date.now() > due.getTime()) throw new Error("The schedules were not made in time.");
  await create("ticker", { interval: { every: 1, period: "seconds" } });
  await pause(TICKER_SECONDS * 1_000);
  const ticks = (await runsOf(url, "ticker", 100)).map(({ drift_ms: ms }) => ms);
  await call(`${url}/api/schedules/ticker/disable/`, "{}");
  await pause(Math.max(0, due.getTime() - Date.now()) + 5_000);
  const drifts: number[] = [];
  const tasks = new Set<string>();
  let runs = 0;
  await each(DUE, async (n) => {
    for (const run of await runsOf(url, `s${n}`, 10)) {
      runs += 1;
      tasks.add(run.task_id);
      drifts.push(run.drift_ms);
    }
  });
  if (runs !== DUE || tasks.size !== DUE) throw new Error(`${runs} runs, ${tasks.size} tasks.`);
  drifts.sort((a, b) => a - b);
  ticks.sort((a, b) => a - b);
  return {
    schedules_made_in_s: round2(createdIn),
    due_1000_last_submitted_ms: at(drifts, 1),
    ticker_runs: ticks.length,
    ticker_drift_p50_ms: at(ticks, 0.5),
    ticker_drift_p99_ms: at(ticks, 0.99),
  };
}
