import { stripVTControlCharacters, styleText } from "node:util";
import { isDone, type Task } from "./client.ts";

/** A line of the demo: an order or a single call, with the tasks it set off. */
export interface Row {
  readonly label: string;
  readonly tasks: TaskCell[];
}

export interface TaskCell {
  readonly id: string;
  readonly name: string;
  /** Null: nothing is known of it yet. */
  task: Task | null;
}

type Style = Parameters<typeof styleText>[0];

const STATES: Readonly<Record<string, readonly [mark: string, style: Style]>> = {
  PENDING: ["·", "gray"],
  STARTED: ["▸", "cyan"],
  SUSPENDED: ["▸", "cyan"],
  RETRY: ["↻", "yellow"],
  SUCCESS: ["✓", "green"],
  FAILURE: ["✗", "red"],
  REVOKED: ["⊘", "magenta"],
};

const LABEL_WIDTH = 26;
const CELL_WIDTH = 40;
const BAR_WIDTH = 40;

/** How a task stands, in colour: `✓ SUCCESS process payment ↻2` after two retries. */
function cell({ name, task }: TaskCell): string {
  const [mark, style] = STATES[task?.state ?? "PENDING"] ?? ["?", "white"];
  const retries = task === null || task.retries === 0 ? "" : ` ↻${task.retries}`;
  const state = task?.state ?? "PENDING";
  return styleText(style, `${mark} ${state} ${name.replaceAll("_", " ")}${retries}`);
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(1, width - stripVTControlCharacters(text).length));
}

/** What came out of a task: its result, or the error it failed with. */
function outcomeOf(task: Task): string {
  if (task.state !== "SUCCESS" && task.error !== null) {
    return `${task.error.exc_type}: ${task.error.exc_message}`;
  }
  return task.result === null ? "" : JSON.stringify(task.result);
}

function bar(rows: readonly Row[]): string {
  const cells = rows.flatMap((row) => row.tasks);
  const done = cells.filter(({ task }) => task !== null && isDone(task)).length;
  const filled = Math.round((BAR_WIDTH * done) / cells.length);
  const blocks = styleText("green", "█".repeat(filled)) + "░".repeat(BAR_WIDTH - filled);
  return `${blocks} ${done} of ${cells.length} tasks done`;
}

/** Shows the demo as it goes: redrawn in place on a terminal, else one line per change. */
export class DemoView {
  readonly #rows: readonly Row[];
  readonly #output: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  #drawnLines = 0;

  constructor(rows: readonly Row[], output: NodeJS.WriteStream) {
    this.#rows = rows;
    this.#output = output;
  }

  /** Call after every change of a task. */
  changed(row: Row, changed: TaskCell): void {
    if (this.#output.isTTY) this.draw();
    else this.#log(row, changed);
  }

  /** Draws all rows over the last drawing; only the bar where they don't fit. Nothing off a terminal. */
  draw(): void {
    if (!this.#output.isTTY) return;
    const lines = this.#rows.map((row) =>
      [pad(row.label, LABEL_WIDTH), ...row.tasks.map((one) => pad(cell(one), CELL_WIDTH))]
        .join("")
        .trimEnd(),
    );
    const widest = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
    const fits = this.#output.rows > lines.length + 3 && this.#output.columns > widest;
    const shown = [...(fits ? [...lines, ""] : []), bar(this.#rows)];
    this.#output.write(
      // Up to the first line of the last drawing, and from there on all is cleared.
      (this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A\r\x1b[J` : "") + `${shown.join("\n")}\n`,
    );
    this.#drawnLines = shown.length;
  }

  #log(row: Row, changed: TaskCell): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1).padStart(5);
    const outcome = changed.task !== null && isDone(changed.task) ? outcomeOf(changed.task) : "";
    this.#output.write(
      `${seconds} s  ${pad(row.label, LABEL_WIDTH)}${pad(cell(changed), CELL_WIDTH)}${outcome}\n`,
    );
  }
}

/** The summary: a line per task name, then what didn't succeed. */
export function summary(rows: readonly Row[]): string {
  const cells = rows.flatMap((row) => row.tasks.map((one) => ({ ...one, label: row.label })));
  const names = [...new Set(cells.map(({ name }) => name))];
  const head = ["task", "SUCCESS", "FAILURE", "other", "attempts", "slowest"];
  const table = names.map((name) => {
    const tasks = cells.filter((one) => one.name === name).map(({ task }) => task);
    const count = (state: string) => tasks.filter((task) => task?.state === state).length;
    const [success, failure] = [count("SUCCESS"), count("FAILURE")];
    const attempts = tasks.reduce((sum, task) => sum + (task?.attempts.length ?? 0), 0);
    const slowest = Math.max(...tasks.map((task) => (task === null ? 0 : secondsOf(task))));
    const other = tasks.length - success - failure;
    return [name, success, failure, other, attempts, `${slowest.toFixed(2)} s`].map(String);
  });
  const widths = head.map((title, column) =>
    Math.max(...[head, ...table].map((line) => line[column]?.length ?? title.length)),
  );
  const format = (line: readonly string[]) =>
    line
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join("   ");
  const unsuccessful = cells
    .filter(({ task }) => task?.state !== "SUCCESS")
    .map(
      (one) => `${pad(one.label, LABEL_WIDTH)}${cell(one)}  ${one.task ? outcomeOf(one.task) : ""}`,
    );
  return [
    "",
    styleText("bold", format(head)),
    ...table.map(format),
    ...(unsuccessful.length > 0 ? ["", styleText("bold", "Not successful:"), ...unsuccessful] : []),
  ].join("\n");
}

/** From the submit to the end; 0 while it has none. */
function secondsOf(task: Task): number {
  if (task.finished_at === null) return 0;
  return (Date.parse(task.finished_at) - Date.parse(task.submitted_at)) / 1_000;
}
