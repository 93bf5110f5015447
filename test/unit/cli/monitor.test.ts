import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { draw } from "../../../src/delivery/cli/monitor/draw.ts";
import { TaskRows } from "../../../src/delivery/cli/monitor/task-rows.ts";
import { keysIn } from "../../../src/delivery/cli/monitor/terminal.ts";
import { MonitorView } from "../../../src/delivery/cli/monitor/view.ts";
import type { TaskEvent } from "../../../src/delivery/cli/monitor/watch-events.ts";
import { coloured, plain, widthOf } from "../../../src/delivery/cli/text.ts";

const BASE = 1_795_205_823;

function event(id: number, type: string, more: Partial<TaskEvent> = {}): TaskEvent {
  const uuid = `01a1ff07-2e16-8001-a704-${String(id).padStart(12, "0")}`;
  return {
    ...{ type: `task-${type}`, uuid, timestamp: BASE + id, hostname: "lovage@lovage" },
    ...{ name: "process_data", queue: "default", state: "PENDING", retries: 0, root_id: uuid },
    ...more,
  };
}

function viewOf(...events: readonly TaskEvent[]): MonitorView {
  const rows = new TaskRows();
  for (const each of events) rows.hear(each);
  return new MonitorView(rows);
}

function screenOf(view: MonitorView, columns = 120, lines = 24): string[] {
  const url = "http://localhost:8787";
  return draw(view, { columns, lines, paint: plain, url, connection: "connected", missed: 0 });
}

const many = Array.from({ length: 40 }, (_each, index) => event(index, "sent"));
/** The last digits of the ids of a list. */
const idsOf = (view: MonitorView) => view.page().rows.map(({ id }) => Number(id.slice(-3)));
const chosenIn = (view: MonitorView) => idsOf(view)[view.page().chosen];

describe("rows", () => {
  it("a task stays in its place while its state changes", () => {
    const view = viewOf(event(1, "sent"), event(2, "sent"));
    view.rows.hear(event(1, "started", { timestamp: BASE + 5, state: "STARTED" }));
    view.height = 10;
    expect(view.page().rows.map(({ state }) => state)).toEqual(["PENDING", "STARTED"]);
  });

  it("an event that comes late changes nothing", () => {
    const view = viewOf(event(1, "succeeded", { state: "SUCCESS", timestamp: BASE + 9 }));
    view.rows.hear(event(1, "started", { state: "STARTED", timestamp: BASE + 8 }));
    expect([...view.rows.counts()]).toEqual([["SUCCESS", 1]]);
  });

  it("what is asked for gives way to what was heard since", () => {
    const view = viewOf(event(1, "succeeded", { state: "SUCCESS", timestamp: BASE + 9 }));
    const [row] = view.page().rows;
    if (row !== undefined) view.rows.learn({ ...row, state: "PENDING", at: row.at - 1 });
    expect([...view.rows.counts()]).toEqual([["SUCCESS", 1]]);
  });

  it("the oldest go when there are too many", () => {
    const rows = new TaskRows();
    for (let id = 0; id < 5_010; id += 1) rows.hear(event(id, "sent"));
    expect(rows.size).toBe(5_000);
    expect(rows.heard).toBe(5_010);
  });
});

describe("keys", () => {
  it("the chosen task stays chosen when others come, and is scrolled to", () => {
    const view = viewOf(...many);
    view.height = 5;
    for (const key of ["down", "down", "j"]) view.press(key);
    expect(chosenIn(view)).toBe(36);
    for (let id = 40; id < 50; id += 1) view.rows.hear(event(id, "sent"));
    expect(chosenIn(view)).toBe(36);
  });

  it("at the top one stays with the newest", () => {
    const view = viewOf(...many);
    view.height = 5;
    view.press("pagedown");
    view.press("home");
    view.rows.hear(event(99, "sent"));
    expect(chosenIn(view)).toBe(99);
  });

  it("the end shows the oldest, and nobody goes beyond it", () => {
    const view = viewOf(...many);
    view.height = 5;
    view.press("end");
    view.press("down");
    expect(idsOf(view)).toEqual([4, 3, 2, 1, 0]);
    expect(chosenIn(view)).toBe(0);
  });

  it("a revoke is asked for, and anything but yes is no", () => {
    const view = viewOf(event(1, "sent"));
    expect(view.press("c")).toBeNull();
    expect(screenOf(view).at(-2)).toContain("Revoke process_data");
    expect(view.press("n")).toBeNull();
    view.press("c");
    expect(view.press("y")).toMatchObject({ kind: "revoke", terminate: false });
    view.press("c");
    expect(view.press("t")).toMatchObject({ kind: "revoke", terminate: true });
  });

  it("a rate is typed, mended and sent", () => {
    const view = viewOf(event(1, "sent"));
    for (const key of ["L", "1", "0", "0", "backspace", "/", "m"]) view.press(key);
    expect(screenOf(view).at(-2)).toContain("10/m█");
    expect(view.press("enter")).toMatchObject({ kind: "rate_limit", rate: "10/m" });
  });

  it("while a rate is typed, q is a letter and escape calls it off", () => {
    const view = viewOf(event(1, "sent"));
    view.press("L");
    expect(view.press("q")).toBeNull();
    expect(view.press("escape")).toBeNull();
    expect(view.mode.kind).toBe("list");
  });

  it("a page is scrolled, and q leads back to the list", () => {
    const view = viewOf(event(1, "sent"));
    view.open(
      "traceback",
      Array.from({ length: 50 }, (_line, index) => `line ${index}`),
    );
    screenOf(view);
    view.press("end");
    expect(screenOf(view).join("\n")).toContain("line 49");
    expect(view.press("q")).toBeNull();
    expect(view.press("q")).toEqual({ kind: "quit" });
  });

  it("with nothing listed no key does anything but leave", () => {
    const view = viewOf();
    for (const key of ["i", "c", "L", "down", "end"]) expect(view.press(key)).toBeNull();
    expect(screenOf(view).at(-2)).toContain("Nothing has happened yet.");
    expect(view.press("q")).toEqual({ kind: "quit" });
  });

  it("keys are known by what terminals send, also several at once", () => {
    expect(keysIn("\x1b[A\x1bOBj\r\x7f\x1b[5~\x1b[1;5Cä")).toEqual([
      ...["up", "down", "j", "enter", "backspace", "pageup", "ä"],
    ]);
    expect(keysIn("\x1b")).toEqual(["escape"]);
  });
});

describe("the screen", () => {
  it.each([
    [120, 24],
    [80, 10],
    [30, 6],
  ])("is never larger than %i by %i", (columns, lines) => {
    const view = viewOf(...many, event(60, "sent", { name: "日本語".repeat(40) }));
    view.rows.hear(event(61, "failed", { state: "FAILURE", exception: "\x1b[2J\n".repeat(50) }));
    const url = "http://localhost:8787";
    const around = { columns, lines, url, connection: "connected", missed: 3 };
    const screen = draw(view, { ...around, paint: coloured });
    expect(screen).toHaveLength(lines);
    for (const line of screen) {
      expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(columns);
    }
    // Nothing but our own colours.
    // oxlint-disable-next-line eslint/no-control-regex -- these are looked for
    expect(screen.join("").replaceAll(/\x1b\[\d+m/g, "")).not.toMatch(/[\x00-\x1f]/);
  });

  it("shows states in their colours", () => {
    const view = viewOf(event(1, "failed", { state: "FAILURE" }), event(2, "sent"));
    const around = { columns: 120, lines: 10, url: "", connection: "connected", missed: 0 };
    const screen = draw(view, { ...around, paint: coloured }).join("\n");
    expect(screen).toContain("\x1b[31mFAILURE");
  });

  it("says what was missed and how the connection is", () => {
    const around = { columns: 120, lines: 10, paint: plain, url: "http://x" };
    const [title] = draw(viewOf(), { ...around, connection: "connection lost: cut", missed: 7 });
    expect(title).toContain("connection lost: cut · 0 events · 7 missed");
  });
});
