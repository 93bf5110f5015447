import { setTimeout as pause } from "node:timers/promises";
import type { Receiver } from "./receiver.ts";
import type { Running } from "./system.ts";

/** The worker is killed when these shares of the tasks have had their effect. */
const SHARES = [0.25, 0.5, 0.75];
const DOWN_MS = 500;
const PAUSE_MS = 5;
const LOOK_MS = 500;
const SHARE_TIMEOUT_MS = 90_000;
/** So long after the last effect nothing more is awaited: BullMQ looks for stalled jobs every 30 s, twice for one. */
const QUIET_MS = 65_000;
const TIMEOUT_MS = 200_000;

/** What became of tasks whose worker was killed in the middle. */
export interface Killed {
  readonly submitted: number;
  readonly kills: number;
  /** Tasks whose effect happened. */
  readonly done: number;
  /** Tasks whose effect hasn't happened, and that the system doesn't have any more. */
  readonly lost: number;
  /** Tasks that it still has, and would run much later, whether their effect has happened or not. */
  readonly held: number;
  /** Tasks whose effect happened more than once. */
  readonly doubled: number;
  /** From the last restart to the last effect. */
  readonly seconds: number;
}

/**
 * Kills what runs the tasks in the middle of them, several times, starts it again half a second later, and
 * waits until all is done or nothing has happened for long. All is accepted before the first kill: what was
 * never answered nobody promised.
 */
export async function killed(
  running: Running,
  name: string,
  receiver: Receiver,
  submitted: number,
): Promise<Killed> {
  const book = receiver.book(name);
  await running.effects(submitted, `${receiver.url}${name}/`);
  let kills = 0;
  for (const share of SHARES) {
    const until = Date.now() + SHARE_TIMEOUT_MS;
    while (book.tasks < submitted * share && Date.now() < until) await pause(PAUSE_MS);
    // What is lost or held back doesn't come to so many.
    if (book.tasks < submitted * share) break;
    await running.killWorker();
    kills += 1;
    await pause(DOWN_MS);
    await running.restartWorker();
  }
  const restartedAt = Date.now();
  let held = await running.held();
  // Where tasks are held that have had their effect, it may come a second time.
  while ((book.tasks < submitted || held !== 0) && Date.now() < restartedAt + TIMEOUT_MS) {
    if (Date.now() > Math.max(book.lastAt, restartedAt) + QUIET_MS) break;
    await pause(LOOK_MS);
    held = await running.held();
  }
  return {
    submitted,
    kills,
    done: book.tasks,
    lost: Math.max(0, submitted - book.tasks - (held ?? 0)),
    held: held ?? 0,
    doubled: book.doubled,
    seconds: Math.round(Math.max(0, book.lastAt - restartedAt) / 100) / 10,
  };
}
