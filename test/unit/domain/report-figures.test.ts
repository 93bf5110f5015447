import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { LogEntry } from "../../../src/domain/reports/log-entry.ts";
import { reportCsv } from "../../../src/domain/reports/report-csv.ts";
import { percentOf, RouteTallies, Tally } from "../../../src/domain/reports/tally.ts";

it("percentiles are those of the sorted list, whatever is merged", () => {
  const durations = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, durations, fc.integer({ min: 1, max: 100 }), (one, two, percent) => {
      const tally = new Tally();
      const other = new Tally();
      for (const ms of one) tally.add(200, ms);
      for (const ms of two) other.add(200, ms);
      tally.merge(other);
      const sorted = [...one, ...two].sort((a, b) => a - b);
      // The shortest that so many percent don't exceed, by its definition.
      const expected = sorted.find(
        (ms) => sorted.filter((each) => each <= ms).length * 100 >= percent * sorted.length,
      );
      expect(tally.percentiles([percent])).toEqual([expected]);
      expect(tally.requests).toBe(sorted.length);
    }),
  );
});

it("without requests everything is nothing", () => {
  const none = new Tally();
  expect(none.percentiles([50, 100])).toEqual([0, 0]);
  expect(none.averageMs).toBe(0);
  expect(percentOf(0, 0)).toBe("0.0%");
});

it.each([
  [132, 145, "91.0%"],
  [1, 3, "33.3%"],
  [2, 3, "66.7%"],
  [7, 7, "100.0%"],
  [0, 7, "0.0%"],
])("%d of %d is %s", (part, whole, text) => {
  expect(percentOf(part, whole)).toBe(text);
});

it("routes and users with as many requests are told by name", () => {
  const tallies = new RouteTallies();
  const entry = (route: string, user: string | null): LogEntry => [
    0,
    "GET",
    route,
    200,
    1,
    user,
    null,
  ];
  for (const [route, user] of [
    ["/b/", "u2"],
    ["/a/", "u1"],
    ["/c/", null],
    ["/c/", "u3"],
  ] as const) {
    tallies.add(entry(route, user));
  }
  expect(tallies.routes().map(([route]) => route)).toEqual(["/c/", "/a/", "/b/"]);
  expect(tallies.topUsers(2)).toEqual([
    ["u1", 1],
    ["u2", 1],
  ]);
});

it("a report comes back from its CSV as it was", () => {
  const key = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true }), fc.boolean());
  const level = fc.dictionary(key, leaf, { minKeys: 1 });
  fc.assert(
    fc.property(fc.dictionary(key, fc.oneof(leaf, level), { minKeys: 1 }), (report) => {
      const [header, ...lines] = parseCsv(reportCsv(report));
      expect(header).toEqual(["field", "value"]);
      expect(lines).toEqual(
        Object.entries(report).flatMap(([name, value]) =>
          value !== null && typeof value === "object"
            ? Object.entries(value).map(([inner, each]) => [safe(`${name}.${inner}`), shown(each)])
            : [[safe(name), shown(value)]],
        ),
      );
    }),
  );
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("a cell %j is no formula", (text) => {
  const [, line] = parseCsv(reportCsv({ [text]: text }));
  expect(line).toEqual([`'${text}`, `'${text}`]);
});

it("numbers below zero stay numbers, and nothing is empty", () => {
  expect(reportCsv({ change: -5.5, before: null, list: [{ user: "a" }] })).toBe(
    "field,value\r\nchange,-5.5\r\nbefore,\r\nlist.0.user,a\r\n",
  );
});

const safe = (text: string) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
const shown = (value: unknown) => (typeof value === "string" ? safe(value) : JSON.stringify(value));

/** RFC 4180, a character at a time. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let place = 0; place < text.length; place += 1) {
    const character = text[place] ?? "";
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[place + 1] === '"') {
        cell += '"';
        place += 1;
      } else isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === ",") {
      cells.push(cell);
      cell = "";
    } else if (character === "\r" && text[place + 1] === "\n") {
      lines.push([...cells, cell]);
      cells = [];
      cell = "";
      place += 1;
    } else cell += character;
  }
  expect([isQuoted, cell, cells]).toEqual([false, "", []]);
  return lines;
}
