/** A row as it stands in the file. */
export interface CsvRow {
  /** Null: it is not UTF-8. */
  readonly text: string | null;
  /** The physical line of the file that it begins on, from 1. */
  readonly line: number;
  /** Where the next row begins: its byte in the file, and its line. */
  readonly next: CsvPlace;
}

/** Where a row begins. */
export interface CsvPlace {
  readonly offset: number;
  readonly line: number;
}

/** A row that is longer than this is none: a quote was opened and not closed. */
const MAX_ROW_BYTES = 65_536;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** Where in a row the splitter is; `closing`: behind a quote that ends the field, or is the first of two. */
type Inside = "field start" | "plain" | "quoted" | "closing";

/** A row has no end within MAX_ROW_BYTES. */
export class CsvRowTooLongError extends Error {
  override readonly name = "CsvRowTooLongError";

  constructor(line: number) {
    super(`The row on line ${line} has more than ${MAX_ROW_BYTES} bytes: is a quote not closed?`);
  }
}

/**
 * Splits the bytes of a CSV file (RFC 4180: commas, quotes doubled within quotes, CRLF or LF, line breaks
 * within quotes) into rows, chunk by chunk, whatever the chunks are. Empty lines are no rows. What a row
 * holds is `csvFields`' business.
 * @param from where `chunks` begin
 * @throws CsvRowTooLongError
 */
export async function* csvRows(
  chunks: AsyncIterable<Uint8Array>,
  from: CsvPlace,
): AsyncGenerator<CsvRow[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let inside: Inside = "field start";
  let rest = new Uint8Array();
  let begin: CsvPlace = from;
  let { line } = from;
  const take = (bytes: Uint8Array, length: number): CsvRow | null => {
    if (length > MAX_ROW_BYTES) throw new CsvRowTooLongError(begin.line);
    const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    const row = {
      text: decode(decoder, bytes.subarray(0, end)),
      line: begin.line,
      next: { offset: begin.offset + length, line },
    };
    begin = row.next;
    inside = "field start";
    return end === 0 ? null : row;
  };
  for await (const chunk of chunks) {
    const bytes = joined(rest, chunk);
    const rows: CsvRow[] = [];
    let rowAt = 0;
    for (let at = rest.length; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === LF) line += 1;
      if (byte === LF && inside !== "quoted") {
        const row = take(bytes.subarray(rowAt, at), at + 1 - rowAt);
        if (row !== null) rows.push(row);
        rowAt = at + 1;
      } else inside = after(inside, byte);
    }
    rest = bytes.slice(rowAt);
    yield rows;
    if (rest.length > MAX_ROW_BYTES) throw new CsvRowTooLongError(begin.line);
  }
  const last = rest.length > 0 ? take(rest, rest.length) : null;
  if (last !== null) yield [last];
}

/** Where the splitter is behind a byte that does not end the row. */
function after(inside: Inside, byte: number): Inside {
  if (inside === "quoted") return byte === QUOTE ? "closing" : "quoted";
  if (byte === COMMA) return "field start";
  if (byte === QUOTE && inside !== "plain") return "quoted";
  return "plain";
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (rest.length === 0) return chunk;
  const all = new Uint8Array(rest.length + chunk.length);
  all.set(rest);
  all.set(chunk, rest.length);
  return all;
}

/** A field in quotes, up to what stands behind it. */
const QUOTED = /"([^"]*(?:""[^"]*)*)"(?=,|$)/y;
const PLAIN = /[^,]*/y;

/** The fields of a row; null: a quote is not closed, or something stands behind one that is. */
export function csvFields(text: string): string[] | null {
  if (!text.includes('"')) return text.split(",");
  const fields: string[] = [];
  for (let at = 0; at <= text.length; at += 1) {
    const isQuoted = text[at] === '"';
    const form = isQuoted ? QUOTED : PLAIN;
    form.lastIndex = at;
    const match = form.exec(text);
    if (match === null) return null;
    fields.push(isQuoted ? (match[1] ?? "").replaceAll('""', '"') : match[0]);
    // On the comma, or behind the end.
    at = form.lastIndex;
  }
  return fields;
}

/** A table as CSV. What a spreadsheet would take for a formula gets an apostrophe in front. */
export function toCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
