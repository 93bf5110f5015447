import {
  InvalidOptionError,
  type ClaimedTask,
  type Clock,
  type ErrorInfo,
  type Timers,
} from "#engine";
import type { StepDoor } from "./door.ts";
import { DurableSteps } from "./durable-steps.ts";

/** The steps of a running task. @throws InvalidOptionError for one that runs in a batch */
export function stepsOf(
  running: {
    readonly task: ClaimedTask;
    readonly token: number;
    readonly signal: AbortSignal;
    readonly isOver: boolean;
    leave(reason: Error): void;
  },
  isBatch: boolean,
  parts: {
    ledger: StepDoor;
    clock: Clock;
    timers: Timers;
    registry: { describe(task: ClaimedTask, thrown: unknown): ErrorInfo };
  },
  lost: () => void,
): DurableSteps {
  if (isBatch) {
    throw new InvalidOptionError("batch", "durable steps need a handler that takes one call.");
  }
  return new DurableSteps({
    task: running.task,
    token: running.token,
    signal: () => running.signal,
    describe: (thrown) => parts.registry.describe(running.task, thrown),
    door: parts.ledger,
    clock: parts.clock,
    timers: parts.timers,
    end: (reason) => {
      running.leave(reason);
    },
    isOver: () => running.isOver,
    lost,
  });
}
