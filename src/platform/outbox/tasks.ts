import {
  mintedAt,
  type EventAnswer,
  type Reschedule,
  type Rescheduled,
  type TaskControl,
  type TaskEventCall,
  type TaskReader,
  type TaskRecord,
  type TaskSpec,
} from "#engine";
import type { D1Outbox } from "./outbox.ts";

/** Pause while somebody else relays the task that is waited for. */
const RELAY_PAUSE_MS = 50;

/**
 * Reads and stops tasks wherever they are, the outbox included: a task whose write was committed but not
 * relayed yet is relayed by whoever asks for it, so an id that was handed out is never unknown.
 */
export class Tasks implements TaskReader, TaskControl {
  readonly #ledger: TaskReader & TaskControl;
  readonly #outbox: D1Outbox;

  constructor(ledger: TaskReader & TaskControl, outbox: D1Outbox) {
    this.#ledger = ledger;
    this.#outbox = outbox;
  }

  async get(taskId: string): Promise<TaskRecord | null> {
    const known = await this.#ledger.get(taskId);
    if (known !== null) return known;
    const spec = await this.#relay(taskId);
    // Asked again in any case: the relay may have been between the two looks.
    return (await this.#ledger.get(taskId)) ?? (spec && pending(spec));
  }

  async revoke(taskId: string, options: { terminate: boolean }): Promise<TaskRecord | null> {
    const known = await this.#ledger.revoke(taskId, options);
    if (known !== null || (await this.get(taskId)) === null) return known;
    return this.#ledger.revoke(taskId, options);
  }

  async sendEvent(taskId: string, event: TaskEventCall): Promise<EventAnswer> {
    const answer = await this.#ledger.sendEvent(taskId, event);
    // It may be a task that was not relayed yet.
    if (answer !== "ended" || (await this.get(taskId)) === null) return answer;
    return this.#ledger.sendEvent(taskId, event);
  }

  async reschedule(taskId: string, change: Reschedule): Promise<Rescheduled | null> {
    const known = await this.#ledger.reschedule(taskId, change);
    if (known !== null || (await this.get(taskId)) === null) return known;
    return this.#ledger.reschedule(taskId, change);
  }

  watch(taskId: string, signal: AbortSignal): AsyncIterable<TaskRecord> {
    return untilAborted(this.#watch(taskId, signal), signal);
  }

  async *#watch(taskId: string, signal: AbortSignal): AsyncGenerator<TaskRecord> {
    let isKnown = false;
    while (!isKnown && !signal.aborted) {
      for await (const task of this.#ledger.watch(taskId, signal)) {
        isKnown = true;
        yield task;
      }
      if (isKnown || (await this.get(taskId)) === null) return;
      await new Promise((resolve) => setTimeout(resolve, RELAY_PAUSE_MS));
    }
  }

  /** Relays a task that is still in the outbox; null if it isn't there. */
  async #relay(taskId: string): Promise<TaskSpec | null> {
    const spec = await this.#outbox.find(taskId);
    if (spec !== null) await this.#outbox.relay([spec]);
    return spec;
  }
}

/** What comes until `signal` aborts: nobody waits longer, whoever does not answer. */
async function* untilAborted<T>(
  items: AsyncGenerator<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  let end: () => void = () => undefined;
  const aborted = () => {
    end();
  };
  signal.addEventListener("abort", aborted);
  try {
    while (!signal.aborted) {
      // No race with one promise that outlives them all: that would keep whatever came before.
      const next = await new Promise<IteratorResult<T> | null>((resolve, reject) => {
        end = () => {
          resolve(null);
        };
        items.next().then(resolve, reject);
      });
      if (next === null || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", aborted);
    // Not waited for: it ends when what it waits for does.
    void items.return(undefined);
  }
}

/** What is known of a task that somebody else is relaying this very moment. */
function pending(spec: TaskSpec): TaskRecord {
  return {
    ...spec,
    state: "PENDING",
    result: null,
    error: null,
    retries: 0,
    submittedAt: mintedAt(spec.id),
    attempts: [],
    finishedAt: null,
    isDeadLettered: false,
  };
}
