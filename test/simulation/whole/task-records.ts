import type { FinishedTask } from "#engine";
import { Violation } from "../violation.ts";

/** How each task of a deployment ended: once, and never otherwise after. (G2) */
export class Records {
  readonly ends = new Map<string, FinishedTask>();
  readonly #texts = new Map<string, string>();
  readonly #kept = new Set<string>();

  get unkept(): number {
    return this.ends.size - this.#kept.size;
  }

  hasEnded(id: string): boolean {
    return this.ends.has(id);
  }

  /** Whether D1 has it. */
  isKept(id: string): boolean {
    return this.#kept.has(id);
  }

  ended(task: FinishedTask): void {
    if (this.ends.has(task.id)) throw new Violation(`${task.id} ended twice`);
    this.ends.set(task.id, task);
    this.#texts.set(task.id, JSON.stringify(task));
  }

  /** A record arrives in D1. */
  kept(id: string, text: string): void {
    if (this.#texts.get(id) !== text) throw new Violation(`D1 is given ${id} as it never ended`);
    this.#kept.add(id);
  }
}
