import {
  MAX_EXPRESS_SECONDS,
  toHex,
  type AnyTaskDefinition,
  type Random,
  type SubmitAnswer,
  type TaskSpec,
  type TaskSubmitter,
  type Timers,
} from "#engine";
import type { Claim, ExpressAnswer } from "../ledger/protocol.ts";
import { persistently } from "./persistently.ts";

/** A withdrawal is tried this often, with doubling delay from the first; then the lease expires by itself. */
const WITHDRAW_TRIES = 6;
const OFFER_BYTES = 16;

/** Where tasks are submitted to be run. Calls may fail or get lost. */
interface ExpressLedgers extends TaskSubmitter {
  submitToRun(task: TaskSpec, offer: string): Promise<ExpressAnswer>;
  withdraw(taskId: string, offer: string): Promise<void>;
}

interface ExpressParts {
  readonly ledgers: ExpressLedgers;
  /** The declaration of a task; null: nobody knows it. */
  readonly definitionOf: (
    name: string,
  ) => Pick<AnyTaskDefinition<never>, "isExpress" | "timeLimitSeconds"> | null;
  /** Runs what was claimed, and settles it. */
  readonly run: (task: TaskSpec, claim: Claim) => Promise<void>;
  /** Lets the invocation run on after its answer, for 30 s. */
  readonly background: (work: Promise<void>) => void;
  readonly random: Pick<Random, "bytes">;
  readonly timers: Timers;
}

/**
 * Submits tasks for an invocation that can run one itself after its answer: each submit of one short task offers
 * that. Several at once go to consumers.
 */
export class ExpressSubmitter implements TaskSubmitter {
  readonly #parts: ExpressParts;

  constructor(parts: ExpressParts) {
    this.#parts = parts;
  }

  async submit(tasks: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    const { ledgers, run, background, random } = this.#parts;
    const [task] = tasks;
    if (task === undefined || tasks.length > 1 || !this.#mayRun(task)) return ledgers.submit(tasks);
    const offer = toHex(random.bytes(OFFER_BYTES));
    const { answer, claim } = await ledgers.submitToRun(task, offer).catch((error: unknown) => {
      // It may have got the lease: whoever calls again under the same key would wait for nobody.
      background(this.#withdraw(task.id, offer));
      throw error;
    });
    if (claim !== null) background(run(task, claim));
    return [answer];
  }

  #withdraw(taskId: string, offer: string): Promise<void> {
    const { ledgers, timers } = this.#parts;
    return persistently(timers, WITHDRAW_TRIES, () => ledgers.withdraw(taskId, offer)).catch(
      () => undefined,
    );
  }

  #mayRun({ name, options, dueAt, unique, plan }: TaskSpec): boolean {
    const definition = this.#parts.definitionOf(name);
    if (definition?.isExpress !== true || dueAt !== null) return false;
    if (unique !== undefined || plan !== undefined) return false;
    return (options.time_limit ?? definition.timeLimitSeconds) <= MAX_EXPRESS_SECONDS;
  }
}
