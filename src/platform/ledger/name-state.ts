import { AskTimes } from "./ask-times.ts";

/** What the gatekeeper knows of the tasks of one name. Times are epoch ms. */
export class NameState {
  readonly times = new AskTimes();
  isAsking = false;
  /** When the request that is under way was made. */
  askedAt = 0;
  /** Something happened while it was asking, or not everything found a place in the request. */
  isAgain = false;
  /** The limiter called, or the limits changed, while it was asking: what it answers may be old. */
  isOutdated = false;
  /** False: its last request failed, and the limiter may not know what is held here. */
  isStated = true;
  /** Others wait for places. */
  isContended = false;
  /** When it was granted places last; null: it holds none. */
  heldSince: number | null = null;
  /** When it looks whether something may be asked for; null: it doesn't, or by the alarm. */
  timerAt: number | null = null;
}
