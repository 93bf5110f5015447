import {
  LeaseLostError,
  TaskRevokedError,
  type ClaimedTask,
  type Clock,
  type Outcome,
  type Random,
  type Registry,
  type Settlement,
  type Timers,
} from "#engine";
import type { Claim, Exchange, ExchangeAnswer, GoneTask } from "../ledger/protocol.ts";
import { noSpans, type Spans } from "../trace/spans.ts";
import { logEnd } from "./attempt-trace.ts";
import { Deadlines } from "./deadlines.ts";
import type { LedgerDoor } from "./door.ts";
import { exchange, fitting } from "./exchange.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Reports } from "./reports.ts";
import { limitsOf, RunningTask, type AttemptSupplies } from "./running.ts";
import { RunningSteps, type StepParts } from "./running-steps.ts";
import { startAttempts } from "./start-attempts.ts";
import { StepRecorder } from "./step-recorder.ts";
import { Widths } from "./widths.ts";

export interface DrainParts<Services> {
  readonly ledger: LedgerDoor;
  readonly registry: Registry<Services>;
  readonly supplies: AttemptSupplies<Services>;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  /** How many of the attempts that went well are logged, from 0 to 1; absent: none. */
  readonly logSampling?: number;
  /** Absent: nothing is traced. */
  readonly spans?: Spans;
  /** What other consumers learned of the queues; absent: nothing. */
  readonly widths?: Widths;
}

export interface DrainLimits {
  /**
   * Tasks that one consumer runs at the same time. Only six of an invocation's requests may wait for their answers (a
   * limit of the platform): the more run, the longer each waits for its turn, and the more a crash leaves in doubt.
   */
  readonly maxRunning: number;
  /** As many of a queue whose tasks end at once, or in batches: neither stands in line. See Widths. */
  readonly maxWide: number;
  /** After this a consumer claims no more, so that other shards of its queue get their turn. */
  readonly budgetMs: number;
}

export const DEFAULT_DRAIN_LIMITS: DrainLimits = { maxRunning: 50, maxWide: 200, budgetMs: 1_000 };

/** Outcomes are settled when half of what may run has ended, or this long after the first: a crash takes few along. */
const SETTLE_MS = 100;
/** Longest stay of a consumer that paces limited tasks and is there for nothing else. */
const PACED_BUDGET_MS = 5_000;

/**
 * A consumer's work on one queue of one shard: claim, run, settle and claim again, until nothing is due
 * or its time is up.
 * @param bells the doorbells that it answers; 0 when it comes without one
 * @param claim what it is given to run: it claims nothing then; null: it claims
 * @returns the number of attempts run
 * @throws when the ledger can't be reached for long; what was claimed is lost then and tried again
 */
export function drain<Services>(
  parts: DrainParts<Services>,
  queue: string,
  bells: number,
  limits: DrainLimits = DEFAULT_DRAIN_LIMITS,
  claim: Claim | null = null,
): Promise<number> {
  const { spans = noSpans } = parts;
  return spans(
    "drain",
    () => ({ queue, bells }),
    (inner) => new Drain({ ...parts, spans: inner }, queue, limits, claim).run(bells),
  );
}

class Drain<Services> {
  readonly #parts: DrainParts<Services>;
  readonly #queue: string;
  readonly #limits: DrainLimits;
  /** What it runs without having asked for it, and then no more; null: it claims. */
  readonly #claim: Claim | null;
  readonly #running = new Map<string, RunningTask<Services>>();
  readonly #reports: Reports;
  readonly #deadlines: Deadlines;
  readonly #heartbeats: Heartbeats<RunningTask<Services>>;
  readonly #makeSteps: (running: RunningTask<Services>) => RunningSteps;
  readonly #settlements: Settlement[] = [];
  #ran = 0;
  #isSolo = false;
  readonly #widths: Widths;
  /** What the longest of the tasks took that ended since the last exchange; see `Widths.learn`. */
  #longestMs: number | null = null;
  #wake: () => void = () => undefined;
  #cancelSettleTimer: (() => void) | null = null;
  /** The timer went off, maybe in the middle of an exchange that carries older outcomes. */
  #isSettleDue = false;
  #isPaceDue = false;
  /** By which its ledger knows it again; undefined: it is not expected back. */
  #pace: number | undefined;
  /** A limited task may start soon: the timer that goes off then. */
  #cancelPaceTimer: (() => void) | null = null;

  constructor(
    parts: DrainParts<Services>,
    queue: string,
    limits: DrainLimits,
    claim: Claim | null,
  ) {
    this.#parts = parts;
    this.#queue = queue;
    this.#limits = limits;
    this.#claim = claim;
    this.#widths = parts.widths ?? new Widths();
    const { ledger, clock, timers, log } = parts;
    const steps: StepParts = { ...parts, recorder: new StepRecorder(ledger) };
    this.#makeSteps = (running) =>
      new RunningSteps(running, running.isBatched, steps, () => this.#drop(running, "lost"));
    this.#deadlines = new Deadlines(clock, timers, () => this.#running.values());
    this.#reports = new Reports({
      clock,
      timers,
      send: (reports) =>
        ledger.report(reports).catch((error: unknown) => {
          log("report_failed", { queue, error });
        }),
    });
    this.#heartbeats = new Heartbeats({
      timers,
      running: this.#running,
      reports: () => this.#reports.current(),
      beat: (held, reports) => ledger.heartbeat(held, reports),
      gone: (running, reason) => this.#drop(running, reason),
      failed: (error) => log("heartbeat_failed", { queue, error }),
    });
  }

  async run(bells: number): Promise<number> {
    const startedAt = this.#parts.clock.now();
    const stopAt = startedAt + this.#limits.budgetMs;
    try {
      if (this.#claim !== null) this.#start(this.#claim);
      for (let isFirst = true; ; isFirst = false) {
        const now = this.#parts.clock.now();
        const isPaced = this.#pace !== undefined;
        const isOver = !isFirst && now >= (isPaced ? startedAt + PACED_BUDGET_MS : stopAt);
        const isAlone = this.#isSolo && this.#running.size > 0;
        this.#widths.learn(this.#queue, this.#running.values(), this.#longestMs, now);
        this.#longestMs = null;
        const settlements = this.#settlements.splice(0, fitting(this.#settlements));
        // One at least: who asks for none says that it leaves. What waits to be settled is in memory as what runs.
        const room =
          isOver || isAlone || this.#claim !== null
            ? 0
            : Math.max(1, this.#width - this.#running.size - this.#settlements.length);
        // One that was expected back says that it leaves, so that another is called at once.
        if (room > 0 || settlements.length > 0 || (isOver && isPaced)) {
          const part = { settlements, claim: room, bells: isFirst ? bells : 0 };
          const answer = await this.#exchange(part);
          this.#start(answer);
          this.#pace = answer.pace;
          this.#comeBackIn(answer.againInMs);
        }
        const isDone = this.#running.size === 0 && this.#settlements.length === 0;
        if (isDone && this.#cancelPaceTimer === null) return this.#ran;
        await this.#progress();
      }
    } finally {
      this.#cancelSettleTimer?.();
      this.#heartbeats.stop();
      this.#cancelPaceTimer?.();
      this.#deadlines.stop();
      this.#reports.stop();
      // Only when the ledger is out of reach something still runs here.
      for (const running of this.#running.values()) running.stop(new LeaseLostError());
    }
  }

  /** How many may run at the same time. */
  get #width(): number {
    const { maxRunning, maxWide } = this.#limits;
    return this.#widths.isWide(this.#queue) ? maxWide : maxRunning;
  }

  #exchange(part: Pick<Exchange, "settlements" | "claim" | "bells">): Promise<ExchangeAnswer> {
    if (this.#settlements.length > 0) this.#settleNow();
    return exchange(this.#parts, {
      ...part,
      queue: this.#queue,
      isIdle: this.#running.size === 0,
      ...(!this.#widths.isWide(this.#queue) && { isNarrow: true as const }),
      ...(this.#pace !== undefined && { pace: this.#pace }),
      ...(this.#claim !== null && { isExpress: true as const }),
    });
  }

  #start({ tasks, token, isSolo, leaseMs }: Claim): void {
    if (tasks.length === 0) return;
    this.#isSolo = isSolo;
    const now = this.#parts.clock.now();
    const attempts = tasks.map((task) => this.#track(task, token, now));
    startAttempts(this.#parts, attempts, (running, outcome) => {
      this.#settle(running, outcome);
    });
    this.#heartbeats.start(leaseMs);
    this.#deadlines.watch();
  }

  #track(task: ClaimedTask, token: number, now: number): RunningTask<Services> {
    const { registry, supplies, clock, ledger } = this.#parts;
    const running = new RunningTask(
      task,
      token,
      now,
      limitsOf(task, registry.runnerOf(task)),
      supplies,
      clock,
      this.#reports,
      ledger,
      this.#makeSteps,
    );
    this.#running.set(task.id, running);
    return running;
  }

  /** An attempt that is no longer tracked was lost or revoked: its outcome counts for nothing. */
  #settle(running: RunningTask<Services>, outcome: Outcome): void {
    const { task, token, startedAt } = running;
    running.isOver = true;
    if (this.#running.get(task.id) !== running) return;
    this.#running.delete(task.id);
    this.#ran += 1;
    const logs = running.notes?.logs() ?? null;
    if (running.notes !== null) this.#reports.close(running.notes);
    const runtimeMs = this.#parts.clock.now() - startedAt;
    logEnd(this.#parts.log, this.#parts.logSampling ?? 0, task, outcome, runtimeMs);
    const settlement = { id: task.id, token, outcome, runtimeMs };
    this.#settlements.push(logs === null ? settlement : { ...settlement, logs });
    this.#longestMs = Math.max(this.#longestMs ?? 0, running.isBatched ? 0 : runtimeMs);
    // Also in the middle of an exchange that brings others, which may take long.
    if (task.isAwaited === true || this.#running.size === 0) this.#settleNow();
    else if (this.#isFull) this.#wake();
    else this.#cancelSettleTimer ??= this.#parts.timers.after(SETTLE_MS, () => this.#settleNow());
  }

  /** Enough have ended for an exchange of their own. */
  get #isFull(): boolean {
    return this.#settlements.length >= this.#width / 2;
  }

  #settleNow(): void {
    this.#isSettleDue = true;
    this.#wake();
  }

  /** Waits until there is something worth an exchange. */
  async #progress(): Promise<void> {
    const isIdle = !this.#isFull && !this.#isSettleDue;
    const isPaced = this.#cancelPaceTimer !== null && this.#settlements.length === 0;
    const isWaiting = this.#running.size > 0 || isPaced;
    if (isWaiting && isIdle && !this.#isPaceDue) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#cancelSettleTimer?.();
    this.#cancelSettleTimer = null;
    this.#isSettleDue = false;
    this.#isPaceDue = false;
  }

  /** Has the next exchange follow then at the latest; null takes that back. */
  #comeBackIn(ms: number | null): void {
    this.#cancelPaceTimer?.();
    this.#cancelPaceTimer = null;
    if (ms === null) return;
    this.#cancelPaceTimer = this.#parts.timers.after(ms, () => {
      this.#cancelPaceTimer = null;
      this.#isPaceDue = true;
      this.#wake();
    });
  }

  #drop(running: RunningTask<Services>, reason: GoneTask["reason"]): void {
    // A late word on an attempt that is over is none on the next one of its task.
    if (this.#running.get(running.task.id) !== running) return;
    this.#running.delete(running.task.id);
    if (running.notes !== null) this.#reports.close(running.notes);
    running.stop(reason === "revoked" ? new TaskRevokedError("terminated") : new LeaseLostError());
    if (this.#running.size === 0) this.#wake();
  }
}
