import { LovageError, type Merged, type SubmitAnswer, type TaskSpec } from "#engine";
import { startTasks } from "./claim.ts";
import { ExpressLane } from "./express-lane.ts";
import type { Memory } from "./memory.ts";
import type { Claim, ExpressAnswer } from "./protocol.ts";
import { LedgerQuestions } from "./questions.ts";
import { loseOffered } from "./settle.ts";
import { answerIfKnown, insertRunning, insertTasks, sameCall } from "./submit.ts";
import { submitUnique } from "./uniques.ts";

const NONE_MERGED: ReadonlyMap<string, Merged> = new Map();

/** How tasks come into a ledger. */
export class LedgerSubmissions extends LedgerQuestions {
  /** Ids that a submit looks up in the history right now, with its offer; null: it made none, or withdrew it. */
  readonly #lookups = new Map<string, string | null>();
  protected readonly express = new ExpressLane();

  /**
   * Commits tasks. An id that may come twice (it has a fingerprint) and is not known here is looked up in
   * the history first, by one submit at a time: so the same call is one task, also after it has left.
   * A unique one whose key is taken is merged into the task that has it.
   * @throws LovageError `history_behind` (retryable) while D1 is too far behind; nothing is written then
   */
  async submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    return (await this.#submit(specs, null)).answers;
  }

  /**
   * Commits one task, as `submit` does, for an invocation that can run it: where a bell would ring for it alone, it
   * gets the task under an ordinary lease instead. Rows written: as for `submit`, the lease is in the task's row. If the
   * invocation dies, the lease expires; if the answer is lost, it says so: see `withdraw`.
   * @param offer of this invocation alone
   */
  async submitToRun(spec: TaskSpec, offer: string): Promise<ExpressAnswer> {
    const { answers, claim } = await this.#submit([spec], offer);
    return { answer: answers[0] ?? "busy", claim };
  }

  /**
   * Whoever submitted a task with this offer was not told whether it got it, and will not run it: a lease on that
   * offer is lost at once, so that a consumer comes now and not when it expires; a submit that still asks the history
   * gets none. Otherwise nothing happens: safe twice, and late. Rows written: 2, those of a loss.
   */
  withdraw(taskId: string, offer: string): void {
    if (this.#lookups.get(taskId) === offer) this.#lookups.set(taskId, null);
    if (this.load().leases.holding(taskId)?.offer !== offer) return;
    this.command((memory, changes) => {
      loseOffered(memory, changes, taskId, offer);
    });
  }

  async #submit(specs: readonly TaskSpec[], offer: string | null) {
    const answers = specs.map((spec) => this.#answerAtOnce(spec));
    const open = specs.filter((_spec, index) => answers[index] === null).map(({ id }) => id);
    // Until the commit nobody else can take these ids: what the history says of them holds as long.
    for (const id of open) this.#lookups.set(id, offer);
    try {
      // Ids seen here or in the history, with the fingerprint of the call that has them.
      const taken =
        open.length > 0
          ? await this.ports.history.fingerprints(open)
          : new Map<string, string | null>();
      const fresh = specs.filter((spec, index) => {
        if (answers[index] === null) {
          const fingerprint = taken.get(spec.id);
          answers[index] = fingerprint === undefined ? "accepted" : sameCall(fingerprint, spec);
          taken.set(spec.id, spec.fingerprint);
        }
        return answers[index] === "accepted";
      });
      const isOffered = open.every((id) => this.#lookups.get(id) === offer);
      const { merged, claim } = this.#commit(fresh, isOffered ? offer : null);
      if (merged.size > 0) {
        for (const [index, spec] of specs.entries()) {
          if (answers[index] === "accepted") answers[index] = merged.get(spec.id) ?? "accepted";
        }
      }
      return { answers: answers as SubmitAnswer[], claim };
    } finally {
      for (const id of open) this.#lookups.delete(id);
    }
  }

  /** Null: it takes a look into the history to answer. */
  #answerAtOnce(spec: TaskSpec): SubmitAnswer | null {
    if (spec.fingerprint === null) return "accepted";
    const known = answerIfKnown(this.ports.sql, this.load(), spec);
    if (known !== null) return known;
    return this.#lookups.has(spec.id) ? "busy" : null;
  }

  /**
   * @param offer of whoever submits and can run what is one plain task; null: it can not
   * @returns what became of those that are no tasks of their own, by their id; and what is run by who submits
   */
  #commit(
    specs: readonly TaskSpec[],
    offer: string | null,
  ): { merged: ReadonlyMap<string, Merged>; claim: Claim | null } {
    const plain = { merged: NONE_MERGED, claim: null };
    if (specs.length === 0) return plain;
    if (this.load().finished.size > this.settings.maxUnflushed) {
      throw new LovageError("history_behind", "The history is too far behind.", {
        retryable: true,
      });
    }
    return this.command((memory, changes, now) => {
      const { sql } = this.ports;
      const isPlain = ({ unique, plan }: TaskSpec) => unique === undefined && plan === undefined;
      const areAllPlain = specs.every(isPlain);
      const [first] = specs;
      if (
        offer !== null &&
        areAllPlain &&
        first !== undefined &&
        this.#mayRun(memory, first, now)
      ) {
        const terms = { offer, now, leaseMs: this.settings.leaseMs };
        const lease = insertRunning(sql, memory, changes, first, terms);
        return { ...plain, claim: startTasks(memory, changes, lease) };
      }
      insertTasks(sql, memory, changes, areAllPlain ? specs : specs.filter(isPlain), now);
      if (areAllPlain) return plain;
      for (const spec of specs) if (spec.plan !== undefined) changes.beginCanvas(spec);
      return { ...plain, merged: submitUnique(sql, memory, changes, specs, now) };
    });
  }

  /** Whether a task may be run by who submits it. Before it is inserted. */
  #mayRun(memory: Memory, spec: TaskSpec, now: number): boolean {
    return (
      !this.wakeups.isServed(memory, spec.queue, now) && this.express.isOpenFor(memory, spec, now)
    );
  }
}
