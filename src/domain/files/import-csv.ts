import type { TaskContext } from "#engine";
import type { ShopServices } from "../services/index.ts";
import { csvFields, csvRows, type CsvPlace } from "./csv.ts";
import { contentKey, type StoredFile } from "./file-book.ts";
import { FileContentError } from "./file-errors.ts";
import { importerOf, type Importer } from "./importers.ts";
import { PartImport, type ImportState } from "./part-import.ts";
import { readHeader, type Columns, type RowError } from "./rows.ts";

/** Errors of rows that are kept; all are counted. */
const MAX_ERRORS = 1_000;
/** The header stands in the first of it, and what is no text shows there. */
const HEAD_BYTES = 65_536;
/** After so many steps the task gives its consumer up for a second: before it has no queries left. */
const STEPS_A_RUN = 2;

export interface ImportResult extends ImportState {
  readonly errors: readonly RowError[];
  /** Columns of the file that nobody knows. */
  readonly ignored: readonly string[];
}

/**
 * Imports the rows of a CSV file, in durable steps: a crash or a retry has the last step done again, in
 * which every row is one that is there already. A row that can't be taken keeps no other back.
 * @throws FileContentError when the file as a whole makes no sense
 */
export async function importCsv(
  file: StoredFile,
  ctx: TaskContext<ShopServices>,
): Promise<ImportResult> {
  const importer = importerOf(file, ctx);
  const { columns, ignored, place } = await ctx.step("header", () =>
    readHead(file, ctx.services, importer),
  );
  let state: ImportState = { place, rows: 0, imported: 0, failed: 0 };
  const errors: RowError[] = [];
  for (let steps = 1; state.place.offset < file.size; steps += 1) {
    const from = state;
    const room = MAX_ERRORS - errors.length;
    const { more, ...next } = await ctx.step("rows", () =>
      new PartImport({ file, ctx, importer, columns, from, room }).run(),
    );
    state = next;
    errors.push(...more);
    if (steps % STEPS_A_RUN === 0) await ctx.sleep(1);
  }
  errors.sort((a, b) => a.line - b.line);
  return { ...state, errors, ignored };
}

async function readHead(
  file: StoredFile,
  { files }: ShopServices,
  { schema }: Importer,
): Promise<{ columns: Columns; ignored: readonly string[]; place: CsvPlace }> {
  const object = await files.get(contentKey(file.id), { offset: 0, length: HEAD_BYTES });
  if (object === null) throw new FileContentError("The file is gone.");
  const head = new Uint8Array(await new Response(object.stream).arrayBuffer());
  if (!isText(head)) throw new FileContentError("The file is not text in UTF-8.");
  const start = hasByteOrderMark(head) ? 3 : 0;
  for await (const [row] of csvRows(once(head.subarray(start)), { offset: start, line: 1 })) {
    if (row === undefined) continue;
    const isCut = row.next.offset >= head.length && head.length < file.size;
    if (isCut) break;
    const header = readHeader(csvFields(row.text ?? "") ?? [], schema);
    if ("wrong" in header) throw new FileContentError(header.wrong);
    return { ...header, place: row.next };
  }
  throw new FileContentError("The file has no first line that names its columns.");
}

/** Whether bytes are the beginning of a text; their last character may be cut. */
function isText(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: true,
    });
    return !text.includes("\0");
  } catch {
    return false;
  }
}

function hasByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
