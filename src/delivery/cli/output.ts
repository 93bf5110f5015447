import type { WriteStream } from "node:tty";
import { coloured, fit, plain, printable, widthOf, type Paint } from "./text.ts";

/** A column of a table: its title, and which text of a row it shows. */
export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Colours the text of a cell. */
  readonly paint?: (paint: Paint, text: string) => string;
}

/**
 * Where a command says things: what was asked for on stdout, everything else on stderr. With `isJson` stdout
 * has one JSON document and nothing else.
 */
export class Output {
  readonly isJson: boolean;
  /** Colours for stdout; none where it is no terminal, or where NO_COLOR says so. */
  readonly paint: Paint;
  readonly paintError: Paint;
  readonly #stdout: WriteStream;
  readonly #stderr: WriteStream;

  constructor(options: {
    readonly isJson: boolean;
    readonly isColoured: boolean;
    readonly stdout: WriteStream;
    readonly stderr: WriteStream;
  }) {
    this.isJson = options.isJson;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.paint = options.isColoured && options.stdout.isTTY ? coloured : plain;
    this.paintError = options.isColoured && options.stderr.isTTY ? coloured : plain;
  }

  /** Whether stdout is a terminal that people look at. */
  get isTerminal(): boolean {
    return this.#stdout.isTTY;
  }

  /** The terminal that progress is shown on; null: nobody looks. */
  get progressTerminal(): WriteStream | null {
    return this.#stderr.isTTY && !this.isJson ? this.#stderr : null;
  }

  /** The one document, or with people the words; `words` is called for them alone. */
  answer(document: unknown, words: () => void): void {
    if (this.isJson) this.#stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    else words();
  }

  /** A document that fits on a line: one of many. */
  jsonLine(document: unknown): void {
    this.#stdout.write(`${JSON.stringify(document)}\n`);
  }

  /** A line for people, or several. Others' text in it has gone through `printable`. */
  line(text = ""): void {
    this.#stdout.write(`${text}\n`);
  }

  /** A text of others, as it is; on a terminal it does nothing to it. */
  raw(text: string): void {
    this.line(this.isTerminal ? printable(text, "\n\t") : text);
  }

  /** Something besides the answer: on stderr. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** A table for people; with no rows it says so. On a terminal its last column is cut where it ends. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    if (rows.length === 0) {
      this.line("- empty -");
      return;
    }
    const cells = rows.map((row) => columns.map(({ of }) => printable(of(row))));
    const widths = columns.map(({ title }, index) =>
      Math.max(title.length, ...cells.map((line) => widthOf(line[index] ?? ""))),
    );
    this.#narrow(widths);
    const lay = (texts: readonly string[], paintCell: (text: string, index: number) => string) =>
      texts
        .map((text, index) => {
          const cell = fit(text, widths[index] ?? 0, columns[index]?.align);
          const isLast = index === texts.length - 1 && columns[index]?.align !== "right";
          return paintCell(isLast ? cell.trimEnd() : cell, index);
        })
        .join("  ");
    const titles = columns.map(({ title }) => title);
    this.line(lay(titles, (text) => this.paint("bold", text)));
    for (const line of cells) {
      this.line(lay(line, (text, index) => columns[index]?.paint?.(this.paint, text) ?? text));
    }
  }

  /** Takes from the last column what a terminal has no room for. */
  #narrow(widths: number[]): void {
    if (!this.isTerminal) return;
    const last = widths.length - 1;
    const others = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
    widths[last] = Math.max(8, Math.min(widths[last] ?? 0, this.#stdout.columns - others));
  }
}
