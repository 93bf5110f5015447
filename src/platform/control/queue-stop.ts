import type { Clock, DeploymentControl } from "#engine";

/** What is kept of a reason. */
const MAX_REASON_LENGTH = 500;

interface Parts {
  readonly control: Pick<DeploymentControl, "controls" | "change">;
  readonly clock: Clock;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  /** Of the log line. */
  readonly event: string;
  readonly queue: string;
}

/**
 * Pauses a queue whose work can't succeed until a person has looked: it keeps its tasks, and operators see why.
 * `PauseAlerts` tells them. Safe to call again and again: a queue that is paused, by an operator too, stays as it is.
 */
export class QueueStop {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never throws: whoever finds out has work to put away. What could not be paused is, when the next one finds out. */
  async stop(reason: string): Promise<void> {
    const { control, clock, log, event, queue } = this.#parts;
    try {
      if ((await control.controls()).pausedQueues.includes(queue)) return;
      log(event, { queue, reason });
      const pause = { reason: reason.slice(0, MAX_REASON_LENGTH).toWellFormed(), at: clock.now() };
      await control.change({ kind: "cancel_consumer", queue, pause });
    } catch (error) {
      log("pause_failed", { queue, error });
    }
  }
}
