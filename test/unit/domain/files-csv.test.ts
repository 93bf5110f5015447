import * as fc from "fast-check";
import { expect, it } from "vitest";
import { csvFields, csvRows, toCsv, type CsvRow } from "../../../src/domain/files/csv.ts";

const START = { offset: 0, line: 1 };
const encoder = new TextEncoder();

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(text: string | Uint8Array, size = 1_000, from = START): Promise<CsvRow[]> {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const rows: CsvRow[] = [];
  for await (const some of csvRows(inChunks(bytes, size), from)) rows.push(...some);
  return rows;
}

/** As a spreadsheet writes it; every field in quotes that needs them, and some that don't. */
function written(rows: readonly (readonly string[])[], newline: string): string {
  const field = (text: string) =>
    /[",\r\n]/.test(text) || text.length % 3 === 0 ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => row.map(field).join(",") + newline).join("");
}

const field = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", "Ж", "🌱", " ") }),
  fc.string({ unit: "grapheme" }),
);

it("what was written as CSV is read as it was, in whatever chunks it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 8 }),
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 9 }),
      async (rows, newline, size) => {
        const found = await split(written(rows, newline), size);
        expect(found.map(({ text }) => csvFields(text ?? "?"))).toEqual(rows);
      },
    ),
  );
});

it("every row says on which line it begins, and where the next one does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(field, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 9 }),
      async (rows, newline, size) => {
        const text = written(rows, newline);
        const bytes = encoder.encode(text);
        const found = await split(bytes, size);
        const before = rows.map((_row, index) => written(rows.slice(0, index), newline));
        expect(found.map(({ line }) => line)).toEqual(
          before.map((lines) => lines.split("\n").length),
        );
        // Whoever goes on from there finds the same rows.
        const [{ next } = { next: START }] = found;
        expect(await split(bytes.subarray(next.offset), size, next)).toEqual(found.slice(1));
        expect(found.at(-1)?.next.offset).toBe(bytes.length);
      },
    ),
  );
});

it("the last row needs no end, and empty lines are no rows but count as lines", async () => {
  const rows = await split("a,b\n\r\n\n1,2");
  expect(rows.map(({ text, line }) => [text, line])).toEqual([
    ["a,b", 1],
    ["1,2", 4],
  ]);
});

it("a row that is not UTF-8 is known by its line, and those around it are read", async () => {
  const bytes = Uint8Array.of(97, 10, 0xff, 10, 98, 10);
  expect((await split(bytes)).map(({ text, line }) => [text, line])).toEqual([
    ["a", 1],
    [null, 2],
    ["b", 3],
  ]);
});

it.each([1_000, 100_000])(
  "a quote that is not closed ends the file at a bound, in chunks of %i",
  async (size) => {
    const text = `a,b\n1,"oops\n${"x,y\n".repeat(30_000)}`;
    await expect(split(text, size)).rejects.toThrow("The row on line 2 has more than 65536 bytes");
  },
);

it.each([
  ["a,b", ["a", "b"]],
  ["", [""]],
  [",", ["", ""]],
  ['"",""', ["", ""]],
  ['"a,b",', ["a,b", ""]],
  ['"a""b","c\nd"', ['a"b', "c\nd"]],
  ['5" disk,"x"', ['5" disk', "x"]],
  ['"a', null],
  ['"a"b,c', null],
  ['"a" ,c', null],
])("the fields of %j", (text, fields) => {
  expect(csvFields(text)).toEqual(fields);
});

it("a long field in quotes is read", () => {
  const long = '""'.repeat(30_000);
  expect(csvFields(`"${long}",b`)).toEqual(['"'.repeat(30_000), "b"]);
  expect(csvFields(`"${long}x`)).toBeNull();
});

it.each(["=1+1", "+1", "-1", "@a", "\tx", "\rx"])("%j is no formula in what we write", (text) => {
  const [line = ""] = toCsv([[text, "ok"]]).split("\r\n");
  expect(csvFields(line)?.[0]).toBe(`'${text}`);
});

it("what we write is read as it was", () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 4 }), (fields) => {
      const harmless = fields.map((text) => `.${text}`);
      expect(csvFields(toCsv([harmless]).slice(0, -2))).toEqual(harmless);
    }),
  );
});
