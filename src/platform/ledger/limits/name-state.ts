import { latenessOf, type TaskLimits } from "#engine";
import { REMEMBERS_MS } from "../../idle.ts";
import { ALL, type LimitAnswer, type LimitRequest } from "../../limiter/protocol.ts";
import { AskTimes } from "./ask-times.ts";

/** What is not granted is asked for again after this, should the limiter's call be lost. */
export const ASK_AGAIN_MS = 20_000;
/** After a request that failed the next one waits so long, and after each further one twice as long. */
const FAILED_AGAIN_MS = 1_000;
/** A consumer looks for an answer that is under way at least this often. */
const ANSWER_PACE_MS = 250;

/** What the gatekeeper knows of the tasks of one name. Times are epoch ms. */
export class NameState {
  readonly times: AskTimes;
  isAsking = false;
  /** When the request that is under way was made. */
  askedAt = 0;
  /** How long the last answer took, ms; 0: there was none yet. */
  #tookMs = 0;
  /** How old it was when it came, ms. */
  #ageMs = 0;
  /** Something happened while it was asking, or not everything found a place in the request. */
  isAgain = false;
  /** The limiter called, or the limits changed, while it was asking: what it answers may be old. */
  isOutdated = false;
  /** Requests that failed one after the other. */
  #failures = 0;
  /** Others wait for places; of those that it holds when its object starts they may. */
  isContended = true;
  /** When it was granted places last; null: it holds none. */
  heldSince: number | null = 0;
  /** When it looks whether something may be asked for; null: it doesn't, or by the alarm. */
  timerAt: number | null = null;

  /** @param served keys that got something, the one that was served longest ago first */
  constructor(served: readonly string[]) {
    this.times = new AskTimes(served);
  }

  /** False: its last request failed, and the limiter may not know what is held here. */
  get isStated(): boolean {
    return this.#failures === 0;
  }

  /** A request has failed: the limiter may have granted what never came here. */
  failed(now: number): void {
    this.isAsking = false;
    // No longer than it remembers how many failed.
    const pause = Math.min(FAILED_AGAIN_MS * 2 ** this.#failures, REMEMBERS_MS);
    this.times.wait(ALL, now + pause, true);
    this.#failures += 1;
  }

  /** An answer has come that was made at this time. */
  heard(askedAt: number, madeAt: number, now: number): void {
    this.#tookMs = now - askedAt;
    this.#ageMs = now - madeAt;
  }

  /** What the answer to a request says of when to ask again, and of others. */
  answered(
    { wants }: LimitRequest,
    { grants, waits, isContended }: LimitAnswer,
    now: number,
  ): void {
    this.isAsking = false;
    this.#failures = 0;
    this.isContended = isContended;
    this.times.answered(
      wants,
      grants.map(({ key }) => key),
    );
    for (const { resource, retryAt } of waits) {
      // Who is in a line will be called, by a limiter that is kept in memory by those who ask: the line is nowhere else.
      const at = this.isOutdated ? now : (retryAt ?? now + REMEMBERS_MS);
      this.times.wait(resource, at, retryAt === null);
    }
    this.isOutdated = false;
  }

  /** See LimitRequest. Half of the time by which a start may be late is left for a consumer to come. */
  leadMs(limits: TaskLimits): number {
    return Math.max(0, this.#ageMs - latenessOf(limits) / 2);
  }

  /** When a consumer is to look for the answer that is under way: when it is expected, and then less and less often. */
  nextLookAt(now: number): number {
    const expectedAt = this.askedAt + Math.min(this.#tookMs, ANSWER_PACE_MS);
    return Math.max(expectedAt, now + Math.min(now - expectedAt, ANSWER_PACE_MS));
  }
}
