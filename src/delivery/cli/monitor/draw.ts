import { fit, printable, styleOf, type Paint } from "../text.ts";
import type { MonitorView } from "./view.ts";
import type { TaskRow } from "./task-rows.ts";

/** What a screen shows besides the tasks. */
export interface Surroundings {
  readonly columns: number;
  readonly lines: number;
  readonly paint: Paint;
  readonly url: string;
  /** `connected`, or what is wrong. */
  readonly connection: string;
  readonly missed: number;
}

const KEYS = "↑↓/jk move  i info  r result  t traceback  c revoke  L rate limit  g newest  q quit";
const PAGE_KEYS = "↑↓/jk scroll  q back";
/** Lines that are not the list's: two above it, three below. */
const FRAME = 5;
const ID_WIDTH = 36;

/** Exactly so many lines as the terminal has, none wider than it is. */
export function draw(view: MonitorView, around: Surroundings): string[] {
  const { columns, lines, paint } = around;
  view.height = Math.max(1, lines - FRAME);
  const body =
    view.mode.kind === "page" ? pageLines(view.mode, view.height, around) : listLines(view, around);
  const filled = [...body, ...Array.from({ length: lines }, () => "")].slice(0, lines - 3);
  const keys = view.mode.kind === "page" ? PAGE_KEYS : KEYS;
  return [
    ...filled,
    paint("dim", "─".repeat(columns)),
    fit(below(view), columns),
    paint("dim", fit(keys, columns)),
  ].slice(-lines);
}

function listLines(view: MonitorView, around: Surroundings): string[] {
  const { columns, paint } = around;
  const { rows, chosen } = view.page();
  const widths = widthsFor(columns);
  const head = lay(["uuid", "task", "state", "queue", "time", "runtime"], widths);
  return [
    paint("inverse", fit(titleOf(view, around), columns)),
    paint("bold", fit(head, columns)),
    ...rows.map((row, index) => rowLine(row, widths, around, index === chosen)),
  ];
}

function titleOf({ rows }: MonitorView, { url, connection, missed }: Surroundings): string {
  const counts = [...rows.counts()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([state, count]) => `${state} ${count}`);
  const lost = missed === 0 ? "" : ` · ${missed} missed`;
  return ` lovage events · ${url} · ${connection} · ${rows.heard} events${lost} · ${counts.join("  ")}`;
}

function rowLine(
  row: TaskRow,
  widths: readonly number[],
  { columns, paint }: Surroundings,
  isChosen: boolean,
): string {
  const { id, name, state, queue, at, runtime, retries } = row;
  const [idWidth = ID_WIDTH] = widths;
  const cells = [
    // The end of an id tells it from its neighbours, its beginning does not.
    idWidth < ID_WIDTH ? `…${id.slice(1 - idWidth)}` : id,
    printable(name),
    retries === 0 ? state : `${state} ↻${retries}`,
    queue,
    new Date(at).toTimeString().slice(0, 8),
    runtime === null ? "" : `${runtime.toFixed(3)} s`,
  ];
  if (isChosen) return paint("inverse", fit(lay(cells, widths), columns));
  const [, , stateWidth = 0] = widths;
  const before = lay(cells.slice(0, 2), widths);
  const after = lay(cells.slice(3), widths.slice(3));
  const middle = fit(cells[2] ?? "", stateWidth);
  const line = fit(`${before} ${middle} ${after}`, columns);
  // Styled last, so that widths are those of the text.
  return line.replace(` ${middle} `, () => ` ${paint(styleOf(state), middle)} `);
}

/** Widths of uuid, task, state, queue, time and runtime; the name takes what the others leave. */
function widthsFor(columns: number): number[] {
  const id = columns >= 110 ? ID_WIDTH : 8;
  const fixed = [id, 0, 13, 13, 8, 10];
  const gaps = fixed.length - 1;
  const name = columns - gaps - fixed.reduce((sum, width) => sum + width, 0);
  return fixed.map((width, index) => (index === 1 ? Math.max(8, name) : width));
}

function lay(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, index) => fit(cell, widths[index] ?? 0)).join(" ");
}

function pageLines(
  { title, lines, top }: { title: string; lines: readonly string[]; top: number },
  height: number,
  { columns, paint }: Surroundings,
): string[] {
  return [
    paint("inverse", fit(` ${title}`, columns)),
    "",
    ...lines.slice(top, top + height).map((line) => fit(line, columns)),
  ];
}

/** The line below: a question, what was done, or the chosen task. */
function below(view: MonitorView): string {
  const { mode } = view;
  switch (mode.kind) {
    case "confirm":
      return `Revoke ${mode.task.name} ${mode.task.id}?  y revoke  t revoke and terminate  any other key: no`;
    case "rate":
      return `Rate limit of ${mode.task.name} (as 10/m; 0: none; default): ${mode.text}█`;
    case "page":
      return view.message;
    case "list": {
      if (view.message !== "") return view.message;
      const { rows, chosen } = view.page();
      const row = rows[chosen];
      if (row === undefined) return "Nothing has happened yet.";
      return `${row.id}  ${printable(row.exception ?? row.name)}`;
    }
  }
}
