import { grantClaim } from "./claim.ts";
import type { LedgerCore } from "./core.ts";
import type { ExpressLane } from "./express-lane.ts";
import { isStopped, type Memory } from "./memory/memory.ts";
import { pickTasks } from "./picker.ts";
import type { Exchange, ExchangeAnswer } from "./protocol.ts";
import { settle } from "./settle.ts";
import { hasDue, nextSlot } from "./sources.ts";

/** A consumer that paces limited tasks comes back after this at the earliest: for several at once. */
const MIN_PACE_MS = 8;
/** A consumer waits this long for the next limited task; beyond that a bell calls one. */
const MAX_PACED_WAIT_MS = 1_500;

/** What consumers come for: to settle what they ran, and to claim what they run next. */
export class Exchanges {
  readonly #core: LedgerCore;
  readonly #express: ExpressLane;

  constructor(core: LedgerCore, express: ExpressLane) {
    this.#core = core;
    this.#express = express;
  }

  /** Settles outcomes and claims the next tasks, in one transaction. */
  run(request: Exchange): ExchangeAnswer {
    const { queue, claim: limit, isIdle } = request;
    const { ports, settings, wakeups, gatekeeper } = this.#core;
    wakeups.bellsAnswered(queue, request.bells);
    return this.#core.command((memory, changes, now) => {
      const stale = settle(memory, changes, request.settlements);
      changes.write();
      const { leaseMs } = settings;
      const nothing = { tasks: [], token: 0, isSolo: false, leaseMs, againInMs: null, stale };
      if (limit <= 0) {
        if (request.isExpress === true) return nothing;
        // It may be leaving: what is still due needs another consumer, what is due in a moment one that waits for it.
        const isAlone = wakeups.left(queue, request.pace, now);
        const isComing = isAlone && this.#nextStart(memory, queue, now) !== null;
        if (isComing || hasDue(memory, queue, now)) changes.dueQueues.add(queue);
        return nothing;
      }
      if (isStopped(memory, queue)) return nothing;
      wakeups.claimed(queue, request.isNarrow === true, now);
      gatekeeper.attended(memory, queue);
      const picked = pickTasks(ports.sql, memory, { queue, limit, isIdle, now });
      this.#express.claimed(queue, picked.tasks.length, now);
      const claim = grantClaim(memory, changes, queue, picked, { now, leaseMs });
      if (!picked.isAll) wakeups.recheckSoon(queue);
      const again =
        picked.tasks.length < limit ? this.#again(memory, queue, request.pace, now) : null;
      return { ...nothing, ...claim, ...again };
    });
  }

  /**
   * How long until the next limited task of a queue may start, if that is worth a consumer's wait; null: it is not.
   * One waits, however many come: each would be back for every start.
   */
  #again(
    memory: Memory,
    queue: string,
    pace: number | undefined,
    now: number,
  ): Pick<ExchangeAnswer, "againInMs" | "pace"> | null {
    const { wakeups } = this.#core;
    const at = this.#nextStart(memory, queue, now);
    if (at === null) {
      wakeups.expectNobody(queue);
      return null;
    }
    const backAt = Math.max(now + MIN_PACE_MS, at);
    const otherAt = wakeups.otherBackAt(queue, pace, now);
    if (otherAt !== null && otherAt <= backAt) return null;
    const isWanted = (then: number) => this.#isComing(this.#core.load(), queue, then);
    return { againInMs: backAt - now, pace: wakeups.expectBack(queue, backAt, now, isWanted) };
  }

  /** When a limited task of a queue may start, or a start be asked for, if that is soon; epoch ms. */
  #nextStart(memory: Memory, queue: string, now: number): number | null {
    const { gatekeeper } = this.#core;
    const end = now + MAX_PACED_WAIT_MS;
    const at = nextSlot(memory, queue, now) ?? gatekeeper.nextAskFor(memory, queue, end, now);
    return at === null || at > end ? null : at;
  }

  /** Whether a queue has work for a consumer, now or in a moment. */
  #isComing(memory: Memory, queue: string, now: number): boolean {
    return hasDue(memory, queue, now) || this.#nextStart(memory, queue, now) !== null;
  }
}
