import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Keys that come as more than a character. */
const KEYS: Readonly<Record<string, string>> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[C": "enter",
  "\x1bOC": "enter",
  "\x1b[D": "left",
  "\x1bOD": "left",
  "\x1b[5~": "pageup",
  "\x1b[6~": "pagedown",
  "\x1b[H": "home",
  "\x1b[1~": "home",
  "\x1bOH": "home",
  "\x1b[F": "end",
  "\x1b[4~": "end",
  "\x1bOF": "end",
  "\x1b": "escape",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x03": "ctrl-c",
  "\x1a": "ctrl-z",
};

/** The names of the keys in what a terminal sent; what no key here sends is left out. */
export function keysIn(text: string): string[] {
  // oxlint-disable-next-line eslint/no-control-regex -- they are what a terminal sends
  const parts = text.match(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z])|[\s\S]/gu) ?? [];
  return parts.flatMap((part) => KEYS[part] ?? (part.length === 1 && part >= " " ? part : []));
}

/**
 * A terminal that is one screen, with keys instead of lines. Whatever way the process ends, but by SIGKILL,
 * the terminal is then as it was.
 */
export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  #isOurs = false;
  readonly #restore = () => {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    this.#input.setRawMode(false);
    // At once: after this the process may be gone.
    writeSync(1, LEAVE);
  };

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns;
  }

  get lines(): number {
    return this.#output.rows;
  }

  /** Takes the terminal; both are told of what somebody does with it. */
  enter(onKey: (key: string) => void, onResize: () => void): void {
    process.on("exit", this.#restore);
    this.#input.setEncoding("utf8").on("data", (text) => {
      for (const key of keysIn(String(text))) onKey(key);
    });
    this.#output.on("resize", onResize);
    process.on("SIGCONT", () => {
      this.#take();
      onResize();
    });
    this.#take();
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOurs) return;
    this.#output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
  }

  /** Gives the terminal back and stops, as Ctrl-Z does; goes on with the shell's `fg`. */
  suspend(): void {
    this.#restore();
    // The whole group: npx waits for us.
    process.kill(0, "SIGTSTP");
  }

  leave(): void {
    this.#restore();
    process.off("exit", this.#restore);
    this.#input.pause();
  }

  #take(): void {
    if (this.#isOurs) return;
    this.#isOurs = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(ENTER);
  }
}
