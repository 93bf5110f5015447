import type { DurableState, KeptAt, StepEntry, TaskReport } from "#engine";
import type { Exchange, ExchangeAnswer, GoneTask, KeptInput } from "../ledger/protocol.ts";

/** Where steps are kept: one ledger shard. Calls may fail or get lost; all may be repeated. */
export interface StepDoor {
  durable(taskId: string, token: number): Promise<DurableState | null>;
  /** For each whether its task still runs under its token; only then it is recorded. */
  recordSteps(entries: readonly StepEntry[]): Promise<readonly boolean[]>;
}

/** Where arguments are kept that are too large for a task's row. */
export interface InputDoor {
  /** Null: it is gone, and so is who needed it. */
  input(at: KeptAt): Promise<KeptInput | null>;
}

/** One ledger shard, as consumers use it. Calls may fail or get lost; all may be repeated. */
export interface LedgerDoor extends StepDoor, InputDoor {
  exchange(request: Exchange): Promise<ExchangeAnswer>;
  /** Also carries what running attempts said, for a ledger that has forgotten it. */
  heartbeat(
    held: ReadonlyMap<number, readonly string[]>,
    reports: readonly TaskReport[],
  ): Promise<readonly GoneTask[]>;
  /** What running attempts say of themselves. May get lost: the next one says it all. */
  report(reports: readonly TaskReport[]): Promise<void>;
}
