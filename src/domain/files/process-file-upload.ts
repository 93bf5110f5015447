import * as z from "zod";
import type { TaskContext } from "#engine";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { toCsv } from "./csv.ts";
import {
  contentKey,
  endProcessing,
  errorsKey,
  findFile,
  takeOn,
  type StoredFile,
} from "./file-book.ts";
import { FileContentError, FileNotFoundError } from "./file-errors.ts";
import { imageMetadata } from "./image-metadata.ts";
import { importCsv } from "./import-csv.ts";

/** The headers of an image are looked for in its first bytes. */
const IMAGE_HEAD_BYTES = 1_048_576;
/** Errors of rows that stand in the result; the report has more. */
const SHOWN_ERRORS = 100;

/**
 * Processes an uploaded file: imports a CSV file's products or orders, or reads an image's metadata. What
 * goes wrong on the way (the database, the storage) is tried again after 60, 120 and 240 seconds; a file
 * that makes no sense fails at once.
 */
export const processFileUpload = defineShopTask({
  name: "process_file_upload",
  params: z.object({ file_id: z.string() }),
  autoretryFor: [Error],
  dontAutoretryFor: [FileContentError, FileNotFoundError],
  maxRetries: 3,
  retryBackoff: 60,
  retryJitter: false,
  handler: async ({ file_id: id }, ctx) => {
    const { taskId, lovage, retries, maxRetries, services } = ctx;
    const file = await takeOn(services.db, { id, owner: lovage.owner, taskId });
    if (file === null) throw new FileNotFoundError(id);
    // Processed before, and only the word of it was lost.
    if (file.state === "processed") return JSON.parse(file.result ?? "null") as unknown;
    try {
      const result = file.kind === "image" ? await readImage(file, ctx) : await readRows(file, ctx);
      const isMine = await endProcessing(services.db, { id, taskId }, "processed", result);
      // Deleted in the meantime: nothing of it stays. Processed by another attempt, the report is that one's.
      if (!isMine && (await findFile(services.db, id)) === null) {
        await services.files.delete([errorsKey(id)]);
      }
      return result;
    } catch (error) {
      const isLast = maxRetries !== null && retries >= maxRetries;
      if (error instanceof FileContentError || isLast) {
        const reason =
          error instanceof FileContentError
            ? error.message
            : "It could not be processed; see its task.";
        await endProcessing(services.db, { id, taskId }, "failed", { error: reason });
      }
      throw error;
    }
  },
});

async function readRows(file: StoredFile, ctx: TaskContext<ShopServices>) {
  const { rows, imported, failed, errors, ignored } = await importCsv(file, ctx);
  if (errors.length > 0) {
    const lines = errors.map(({ line, field, message }) => [line, field ?? "", message]);
    const report = new TextEncoder().encode(toCsv([["line", "field", "message"], ...lines]));
    await ctx.services.files.put(errorsKey(file.id), report, "text/csv");
  }
  return {
    ...{ file_id: file.id, kind: file.kind },
    ...{ rows, imported, failed },
    errors: errors.slice(0, SHOWN_ERRORS),
    errors_url: errors.length > 0 ? `/api/files/${file.id}/errors/` : null,
    ignored_columns: ignored,
  };
}

async function readImage(file: StoredFile, { services }: TaskContext<ShopServices>) {
  const range = { offset: 0, length: IMAGE_HEAD_BYTES };
  const object = await services.files.get(contentKey(file.id), range);
  if (object === null) throw new FileContentError("The file is gone.");
  const image = imageMetadata(new Uint8Array(await new Response(object.stream).arrayBuffer()));
  if (image === null) {
    throw new FileContentError("The file is no PNG, JPEG, GIF or WebP image that can be read.");
  }
  if (image.type !== file.contentType) {
    throw new FileContentError(`The file was sent as ${file.contentType} and is ${image.type}.`);
  }
  const { type, width, height, hasAlpha, orientation } = image;
  return {
    ...{ file_id: file.id, kind: file.kind },
    ...{ type, width, height, has_alpha: hasAlpha, orientation },
  };
}
