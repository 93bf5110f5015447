import { signature, type TaskContext } from "#engine";
import type { ShopServices } from "../services/index.ts";

/** What a run sends itself of the mails that wait, and for how long; what is left goes with the next sweep. */
const MAX_SWEPT = 2_000;
const MAX_SWEEP_MS = 5 * 60_000;
const SWEPT_AT_ONCE = 100;

/** A round of a job: what it did, and where it stands. */
export interface Round {
  /** What it dealt with: transactions, milestones, users. */
  readonly count: number;
  /** Mails that it queued. */
  readonly mails: number;
  /** Behind which the next round begins; null: nothing is left. */
  readonly next: number | null;
}

/**
 * Runs a job in rounds, each a transaction of its own that is safe to repeat, and sends what they queued.
 * When more is left than a run's budget the job calls itself, with where it stands, and that call is one
 * however often this run is repeated.
 * @param round does one, from behind a place on (0: from the beginning)
 */
export async function runInRounds(
  { taskId, name, lovage, log, signal, services }: TaskContext<ShopServices>,
  from: number,
  budget: number,
  round: (after: number) => Promise<Round>,
  kwargs: Readonly<Record<string, unknown>> = {},
): Promise<{ count: number; mails: number; is_done: boolean }> {
  const done = { count: 0, mails: 0 };
  let next: number | null = from;
  for (let left = budget; next !== null && left > 0; left -= 1) {
    signal.throwIfAborted();
    const { count, mails, next: following }: Round = await round(next);
    done.count += count;
    done.mails += mails;
    next = following;
  }
  if (next !== null) {
    await lovage.send(signature(name, { ...kwargs, after: next }), { route: name, key: taskId });
  }
  log("queued", { ...done, next, sent: await sweep(services, signal) });
  return { ...done, is_done: next === null };
}

/** Sends mails that wait, until none does or it has had its share. */
async function sweep({ mail, clock }: ShopServices, signal: AbortSignal): Promise<number> {
  const until = clock.now() + MAX_SWEEP_MS;
  let sent = 0;
  for (let left = MAX_SWEPT; left > 0; left -= SWEPT_AT_ONCE) {
    if (signal.aborted || clock.now() > until) break;
    const swept = await mail.sweep(SWEPT_AT_ONCE);
    sent += swept.sent;
    if (swept.sent + swept.failed < SWEPT_AT_ONCE) break;
  }
  return sent;
}
