import type { TaskRecord } from "#engine";
import type { WatchersPort } from "#platform/ledger/ports.ts";
import type { Model } from "./model.ts";
import { stateOf } from "./records.ts";
import { Violation } from "./violation.ts";

/** Half of the tasks have watchers. They hear of every change as it is, and of the end. */
export class Watchers implements WatchersPort {
  readonly #model: Model;
  readonly #told = new Set<string>();

  constructor(model: Model) {
    this.#model = model;
  }

  isWatched(id: string): boolean {
    return /[02468ace]$/.test(id);
  }

  notify(record: TaskRecord): void {
    const task = this.#model.tasks.get(record.id);
    if (task === undefined || record.state !== stateOf(task)) {
      throw new Violation(`watchers of ${record.id} hear that it is ${record.state}`);
    }
    if (task.end === null) return;
    if (JSON.stringify(record) !== task.text) {
      throw new Violation(`watchers of ${record.id} hear of another end`);
    }
    this.#told.add(record.id);
  }

  /** Of a task that has ended. */
  checkTold(id: string): void {
    if (this.isWatched(id) && !this.#told.has(id)) {
      throw new Violation(`watchers of ${id} were not told of its end`);
    }
  }
}
