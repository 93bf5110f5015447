import { InvalidOptionError, queueNamed, UnknownTaskError, type ControlChange } from "#engine";
import { invalid, problemOf } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";

/** What a command calls the fields that a call has by other names. */
const COMMAND_FIELDS: Readonly<Record<string, string>> = {
  name: "task",
  soft_time_limit: "soft",
  time_limit: "hard",
};

/** Operators' commands as people and programs give them, by the same rules. */
export class ControlDesk {
  readonly #parts: Pick<ApiParts, "control" | "registry" | "queues">;

  constructor(parts: Pick<ApiParts, "control" | "registry" | "queues">) {
    this.#parts = parts;
  }

  /** @param rate null: the declared one again @throws Problem 422 naming the field */
  async setRate(task: string, rate: string | null): Promise<void> {
    await this.#ofTask({ kind: "rate_limit", name: task, rate });
  }

  /** Seconds; both null: the declared ones again. @throws Problem 422 naming the field */
  async setTimes(task: string, soft: number | null, hard: number | null): Promise<void> {
    await this.#ofTask({ kind: "time_limit", name: task, soft, hard });
  }

  /** Pauses a queue or goes on with it. @throws Problem 422 for a queue that there is not */
  async consume(kind: "cancel_consumer" | "add_consumer", queue: string): Promise<void> {
    await this.#parts.control.change({ kind, queue: this.#known(queue) });
  }

  /** All queues at once. */
  async consumeAll(kind: "shutdown" | "start"): Promise<void> {
    await this.#parts.control.change({ kind });
  }

  /** @returns how many tasks are REVOKED by it @throws Problem 422 for a queue that there is not */
  purge(queue: string): Promise<number> {
    return this.#parts.control.purge(this.#known(queue));
  }

  async #ofTask(change: Extract<ControlChange, { readonly name: string }>): Promise<void> {
    try {
      this.#parts.registry.get(change.name);
      await this.#parts.control.change(change);
    } catch (error) {
      const isRefused = error instanceof UnknownTaskError || error instanceof InvalidOptionError;
      if (!isRefused) throw error;
      const { errors } = problemOf(error);
      throw invalid(
        errors.map(({ field, message }) => ({ field: COMMAND_FIELDS[field] ?? field, message })),
      );
    }
  }

  #known(name: string): string {
    const { queues } = this.#parts;
    const queue = queueNamed(queues, name);
    if (queue !== null) return queue;
    const message = `'${name}' is none of ${[...queues].join(", ")}.`;
    throw invalid([{ field: "queue", message }]);
  }
}
