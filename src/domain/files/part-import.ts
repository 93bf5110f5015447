import type { TaskContext } from "#engine";
import type { ShopServices } from "../services/index.ts";
import { csvFields, csvRows, CsvRowTooLongError, type CsvPlace, type CsvRow } from "./csv.ts";
import { contentKey, type StoredFile } from "./file-book.ts";
import { FileContentError } from "./file-errors.ts";
import type { Importer } from "./importers.ts";
import { readRow, type Columns, type RowError } from "./rows.ts";

/** A part reads this much at most, and takes not much longer than that: what a crash has done again. */
const PART_BYTES = 4 * 1_048_576;
const PART_MS = 20_000;
/** Batches of one part. Each takes up to five queries, and an invocation may make 1,000. */
const PART_BATCHES = 80;

/** How far an import is: what a step records, so that a later run goes on from there. */
export interface ImportState {
  /** Where the next row begins. */
  readonly place: CsvPlace;
  readonly rows: number;
  readonly imported: number;
  readonly failed: number;
}

interface Parts {
  readonly file: StoredFile;
  readonly ctx: TaskContext<ShopServices>;
  readonly importer: Importer;
  readonly columns: Columns;
  readonly from: ImportState;
  /** Errors that may still be kept. */
  readonly room: number;
}

/** Imports a part of a file: reads rows from a place on, puts them batch by batch, and counts. */
export class PartImport {
  readonly #parts: Parts;
  #state: ImportState;
  readonly #errors: RowError[] = [];
  /** Rows that were read and are yet to be put, and how many besides were wrong. */
  #open: { line: number; row: unknown }[] = [];
  #wrong = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#state = parts.from;
  }

  /** @returns how far the import is then, and the errors of this part */
  async run(): Promise<ImportState & { readonly more: readonly RowError[] }> {
    const { file, ctx, importer, from } = this.#parts;
    const { files, clock } = ctx.services;
    const began = clock.now();
    const object = await files.get(contentKey(file.id), { offset: from.place.offset });
    if (object === null) throw new FileContentError("The file is gone.");
    let { place } = from;
    let batches = 0;
    try {
      for await (const rows of csvRows(object.stream, place)) {
        for (const row of rows) {
          this.#read(row);
          place = row.next;
          if (this.#open.length + this.#wrong < importer.batch) continue;
          await this.#put(place);
          batches += 1;
          const isLong = batches >= PART_BATCHES || place.offset - from.place.offset > PART_BYTES;
          if (isLong || clock.now() - began > PART_MS) return this.#answer();
        }
      }
    } catch (error) {
      if (error instanceof CsvRowTooLongError) throw new FileContentError(error.message);
      throw error;
    }
    // Empty lines at the end belong to no row.
    await this.#put({ ...place, offset: file.size });
    return this.#answer();
  }

  #answer(): ImportState & { readonly more: readonly RowError[] } {
    return { ...this.#state, more: this.#errors };
  }

  #read({ text, line }: CsvRow): void {
    const { columns, importer } = this.#parts;
    const found =
      text === null
        ? { errors: [{ line, field: null, message: "Is not UTF-8." }] }
        : readRow(csvFields(text), line, columns, importer.schema);
    if ("row" in found) this.#open.push({ line, row: found.row });
    else {
      this.#wrong += 1;
      this.#keep(found.errors);
    }
  }

  async #put(place: CsvPlace): Promise<void> {
    const { ctx, file, importer } = this.#parts;
    const [open, wrong] = [this.#open, this.#wrong];
    [this.#open, this.#wrong] = [[], 0];
    const refused = await importer.put(open);
    this.#keep(refused);
    const { rows, imported, failed } = this.#state;
    const counts = {
      rows: rows + open.length + wrong,
      imported: imported + open.length - refused.length,
      failed: failed + wrong + refused.length,
    };
    this.#state = { place, ...counts };
    ctx.progress({ current: place.offset, total: file.size, ...counts });
    ctx.signal.throwIfAborted();
  }

  #keep(errors: readonly RowError[]): void {
    this.#errors.push(...errors.slice(0, Math.max(0, this.#parts.room - this.#errors.length)));
  }
}
