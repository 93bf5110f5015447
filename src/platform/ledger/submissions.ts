import { LovageError, type Merged, type SubmitAnswer, type TaskSpec } from "#engine";
import { startTasks } from "./claim.ts";
import { within } from "../health/within.ts";
import type { LedgerCore } from "./core.ts";
import type { ExpressLane } from "./express-lane.ts";
import type { Memory } from "./memory/memory.ts";
import type { Claim } from "./protocol.ts";
import { loseOffered } from "./settle.ts";
import { answerIfKnown, insertRunning, insertTasks, sameCall } from "./submit.ts";
import { submitUnique } from "./uniques.ts";

/** What became of each task of a submit, and what is run by who submits. */
interface Submitted {
  readonly answers: SubmitAnswer[];
  readonly claim: Claim | null;
}

/** A look into the history that takes longer has failed: D1 may never answer, and until then nobody else takes the id. */
const LOOK_MS = 30_000;

const NONE_MERGED: ReadonlyMap<string, Merged> = new Map();

/** How tasks come into a ledger. */
export class Submissions {
  readonly #core: LedgerCore;
  readonly #express: ExpressLane;
  /** Ids that a submit looks up in the history right now, with its offer; null: it made none, or withdrew it. */
  readonly #lookups = new Map<string, string | null>();

  constructor(core: LedgerCore, express: ExpressLane) {
    this.#core = core;
    this.#express = express;
  }

  /**
   * See `TaskLedger.submit`, and `submitToRun` for one with an offer.
   * @param offer of whoever submits and can run what is one plain task; null: it can not
   */
  async submit(specs: readonly TaskSpec[], offer: string | null): Promise<Submitted> {
    const answers = specs.map((spec) => this.#answerAtOnce(spec));
    const open = specs.filter((_spec, index) => answers[index] === null).map(({ id }) => id);
    // Until the commit nobody else can take these ids: what the history says of them holds as long.
    for (const id of open) this.#lookups.set(id, offer);
    const { history, timers } = this.#core.ports;
    try {
      // Ids seen here or in the history, with the fingerprint of the call that has them.
      const taken =
        open.length > 0
          ? await within(timers, LOOK_MS, () => history.fingerprints(open))
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

  /** See `TaskLedger.withdraw`. */
  withdraw(taskId: string, offer: string): void {
    if (this.#lookups.get(taskId) === offer) this.#lookups.set(taskId, null);
    if (this.#core.load().leases.holding(taskId)?.offer !== offer) return;
    this.#core.command((memory, changes) => {
      loseOffered(memory, changes, taskId, offer);
    });
  }

  /** Null: it takes a look into the history to answer. */
  #answerAtOnce(spec: TaskSpec): SubmitAnswer | null {
    if (spec.fingerprint === null) return "accepted";
    const known = answerIfKnown(this.#core.ports.sql, this.#core.load(), spec);
    if (known !== null) return known;
    return this.#lookups.has(spec.id) ? "busy" : null;
  }

  /** @returns what became of those that are no tasks of their own, by their id; and what is run by who submits */
  #commit(
    specs: readonly TaskSpec[],
    offer: string | null,
  ): { merged: ReadonlyMap<string, Merged>; claim: Claim | null } {
    const plain = { merged: NONE_MERGED, claim: null };
    if (specs.length === 0) return plain;
    if (this.#core.load().finished.isBehind) {
      throw new LovageError("history_behind", "The history is too far behind.", {
        retryable: true,
      });
    }
    return this.#core.command((memory, changes, now) => {
      const { sql } = this.#core.ports;
      const isPlain = ({ unique, plan }: TaskSpec) => unique === undefined && plan === undefined;
      const areAllPlain = specs.every(isPlain);
      const [first] = specs;
      if (
        offer !== null &&
        areAllPlain &&
        first !== undefined &&
        this.#mayRun(memory, first, now)
      ) {
        const terms = { offer, now, leaseMs: this.#core.settings.leaseMs };
        const { lease, row } = insertRunning(sql, memory, changes, first, terms);
        return { ...plain, claim: startTasks(memory, changes, lease, [row]) };
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
      !this.#core.wakeups.isServed(memory, spec.queue, now) &&
      this.#express.isOpenFor(memory, spec, now)
    );
  }
}
