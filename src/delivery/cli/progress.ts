import type { Output } from "./output.ts";
import { counted, fit } from "./text.ts";

const BAR = 30;

/**
 * How far long work is: a bar at the end of what a terminal shows, on stderr; nothing where nobody looks. It
 * leaves no trace: whatever is said next goes where it was.
 */
export class Progress {
  readonly #output: Output;
  readonly #label: string;
  readonly #noun: string;

  constructor(output: Output, label: string, noun: string) {
    this.#output = output;
    this.#label = label;
    this.#noun = noun;
  }

  /** @param total null: nobody knows yet */
  show(done: number, total: number | null, what = ""): void {
    const terminal = this.#output.progressTerminal;
    if (terminal === null) return;
    const share = total === null || total === 0 ? 0 : Math.min(1, done / total);
    const filled = Math.round(BAR * share);
    const bar = "█".repeat(filled) + "░".repeat(BAR - filled);
    const count =
      total === null ? counted(done, this.#noun) : `${done} of ${counted(total, this.#noun)}`;
    const line = fit(`${this.#label} ${bar} ${count} ${what}`, terminal.columns - 1);
    terminal.write(`\r${line.trimEnd()}\x1b[K`);
  }

  /** Takes the bar away. */
  clear(): void {
    this.#output.progressTerminal?.write("\r\x1b[K");
  }
}
