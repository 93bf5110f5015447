import type { TaskRow, TaskRows } from "./task-rows.ts";

/** What a key asks for that the view itself can't do. */
export type Wish =
  | { readonly kind: "quit" }
  | { readonly kind: "suspend" }
  | { readonly kind: "show"; readonly what: Detail; readonly task: TaskRow }
  | { readonly kind: "revoke"; readonly task: TaskRow; readonly terminate: boolean }
  | { readonly kind: "rate_limit"; readonly task: TaskRow; readonly rate: string };

export type Detail = "info" | "result" | "traceback";

/** What is on the screen: the list, a page about one task, or the list with a question below it. */
export type Mode =
  | { readonly kind: "list" }
  | {
      readonly kind: "page";
      readonly title: string;
      readonly lines: readonly string[];
      readonly top: number;
    }
  | { readonly kind: "confirm"; readonly task: TaskRow }
  | { readonly kind: "rate"; readonly task: TaskRow; readonly text: string };

const DETAILS: Readonly<Record<string, Detail>> = {
  i: "info",
  enter: "info",
  r: "result",
  t: "traceback",
};
const MAX_RATE = 20;

/**
 * What somebody sees and where they are in it. Knows no terminal: keys come in by name, and what it can't
 * do itself it wishes for.
 */
export class MonitorView {
  readonly rows: TaskRows;
  mode: Mode = { kind: "list" };
  /** The last thing that was done, or went wrong; shown until the next key. */
  message = "";
  /** Lines that a page or the list has on the screen; whoever draws says it. */
  height = 1;
  /** The chosen task; null: the newest, whichever that is. */
  #chosen: string | null = null;
  /** The first row of the list that is on the screen. */
  #top = 0;

  constructor(rows: TaskRows) {
    this.rows = rows;
  }

  /** The part of the list that is on the screen, with the place of the chosen row in it. */
  page(): { readonly rows: readonly TaskRow[]; readonly chosen: number } {
    const all = this.rows.all();
    const index = this.#indexIn(all);
    const last = Math.max(0, all.length - this.height);
    this.#top = Math.min(Math.max(this.#top, index - this.height + 1), index, last);
    return { rows: all.slice(this.#top, this.#top + this.height), chosen: index - this.#top };
  }

  /** @param key a character, or the name of a key: `up`, `enter`, `escape`, … */
  press(key: string): Wish | null {
    this.message = "";
    if (key === "ctrl-c") return { kind: "quit" };
    if (key === "ctrl-z") return { kind: "suspend" };
    switch (this.mode.kind) {
      case "list":
        return this.#pressInList(key);
      case "page":
        return this.#pressInPage(key, this.mode);
      case "confirm":
        return this.#pressInConfirm(key, this.mode.task);
      case "rate":
        return this.#pressInRate(key, this.mode);
    }
  }

  /** Shows a page about a task. */
  open(title: string, lines: readonly string[]): void {
    this.mode = { kind: "page", title, lines, top: 0 };
  }

  #pressInList(key: string): Wish | null {
    const move = MOVES[key];
    if (move !== undefined) {
      this.#move(move(this.height, this.rows.size));
      return null;
    }
    if (key === "q") return { kind: "quit" };
    const task = this.#task();
    if (task === null) return null;
    // Whoever looks at a task goes on looking at it, whatever comes above it.
    this.#chosen = task.id;
    const what = DETAILS[key];
    if (what !== undefined) return { kind: "show", what, task };
    if (key === "c") this.mode = { kind: "confirm", task };
    if (key === "L") this.mode = { kind: "rate", task, text: "" };
    return null;
  }

  #pressInPage(key: string, page: Mode & { kind: "page" }): Wish | null {
    const move = MOVES[key]?.(this.height, page.lines.length);
    if (move === undefined) {
      if (["q", "escape", "left", "enter", "i", "r", "t"].includes(key))
        this.mode = { kind: "list" };
      return null;
    }
    const last = Math.max(0, page.lines.length - this.height);
    this.mode = { ...page, top: Math.min(last, Math.max(0, page.top + move)) };
    return null;
  }

  #pressInConfirm(key: string, task: TaskRow): Wish | null {
    this.mode = { kind: "list" };
    const isYes = key === "y" || key === "t";
    return isYes ? { kind: "revoke", task, terminate: key === "t" } : null;
  }

  #pressInRate(key: string, { task, text }: Mode & { kind: "rate" }): Wish | null {
    if (key === "enter" || key === "escape") {
      this.mode = { kind: "list" };
      return key === "enter" && text !== "" ? { kind: "rate_limit", task, rate: text } : null;
    }
    const changed = key === "backspace" ? text.slice(0, -1) : key.length === 1 ? text + key : text;
    this.mode = { kind: "rate", task, text: changed.slice(0, MAX_RATE) };
    return null;
  }

  #move(by: number): void {
    const all = this.rows.all();
    const index = Math.min(all.length - 1, Math.max(0, this.#indexIn(all) + by));
    // At the top one stays with the newest.
    this.#chosen = index <= 0 ? null : (all[index]?.id ?? null);
  }

  #task(): TaskRow | null {
    const all = this.rows.all();
    return all[this.#indexIn(all)] ?? null;
  }

  /** Where the chosen row is now; a task that is not listed any more gives way to the newest. */
  #indexIn(all: readonly TaskRow[]): number {
    if (this.#chosen === null) return 0;
    return Math.max(
      0,
      all.findIndex(({ id }) => id === this.#chosen),
    );
  }
}

/** How far a key moves, given what the screen shows and how much there is. */
const MOVES: Readonly<Record<string, (height: number, size: number) => number>> = {
  up: () => -1,
  k: () => -1,
  down: () => 1,
  j: () => 1,
  pageup: (height) => -height,
  pagedown: (height) => height,
  " ": (height) => height,
  home: (_height, size) => -size,
  g: (_height, size) => -size,
  end: (_height, size) => size,
  G: (_height, size) => size,
};
