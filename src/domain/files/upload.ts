import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { toHex, type Clock, type Lovage, type Outbox } from "#engine";
import { WrongSizeError, type ObjectStore } from "../storage/index.ts";
import {
  beginUpload,
  contentKey,
  deleteRows,
  endUpload,
  errorsKey,
  unendedUploads,
  type StoredFile,
} from "./file-book.ts";
import { processFileUpload } from "./process-file-upload.ts";
import { displayName } from "./rules.ts";
import type { FileKind } from "./tables.ts";

/** A file as it is handed in; its type and size fit its kind. */
export interface NewFile {
  readonly owner: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly contentType: string;
  /** As the sender declared it, bytes. */
  readonly size: number;
  readonly content: ReadableStream<Uint8Array>;
}

/**
 * - `stored`: it is all there, and its task is on its way.
 * - `quota`: its owner has no room for it.
 * - `wrong_size`: it did not have the length that it was said to have. Nothing is kept.
 */
export type UploadAnswer =
  | { readonly kind: "stored"; readonly file: StoredFile }
  | { readonly kind: "quota" | "wrong_size" };

export interface UploadParts {
  readonly db: DrizzleD1Database;
  readonly files: ObjectStore;
  readonly outbox: Outbox<BatchItem<"sqlite">>;
  readonly clock: Clock;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/** An upload takes no longer than this. */
const UPLOAD_MS = 86_400_000;
const CLEANED_AT_ONCE = 100;
/** What is left after so many times waits for the next run: an invocation may make 1,000 queries. */
const MOST_CLEANED = 100;

/**
 * Stores a file and sets off its processing. A row comes first, then the bytes, then the row's end together
 * with the task, in one D1 batch: a crash in between leaves an upload that never ended, for the clean-up.
 */
export async function uploadFile(
  { db, files, outbox, clock, background }: UploadParts,
  lovage: Lovage,
  { content, ...given }: NewFile,
): Promise<UploadAnswer> {
  const createdAt = clock.now();
  const random = crypto.getRandomValues(new Uint8Array(12));
  const file: StoredFile = {
    ...given,
    id: idFrom(createdAt, toHex(random)),
    name: displayName(given.name),
    state: "stored",
    taskId: null,
    createdAt,
    result: null,
  };
  if (!(await beginUpload(db, file))) return { kind: "quota" };
  try {
    const bytes = { stream: content, size: file.size };
    await files.put(contentKey(file.id), bytes, file.contentType);
  } catch (error) {
    // Also its bytes: they may be there, and only the answer got lost.
    await deleteFile({ db, files }, file.id);
    if (error instanceof WrongSizeError) return { kind: "wrong_size" };
    throw error;
  }
  const tasks = await lovage.prepareRepeatable([processFileUpload.s({ file_id: file.id })]);
  const taskId = tasks[0]?.id ?? "";
  await db.batch([endUpload(db, file.id, taskId), outbox.insert(tasks)]);
  background(outbox.relay(tasks));
  return { kind: "stored", file: { ...file, taskId } };
}

/** Deletes a file with all that belongs to it. Broken off, it can be done again. */
export async function deleteFile(
  { db, files }: Pick<UploadParts, "db" | "files">,
  id: string,
): Promise<void> {
  await files.delete([contentKey(id), errorsKey(id)]);
  await deleteRows(db, [id]);
}

/**
 * Deletes uploads that began more than a day ago and never ended, with what is there of them.
 * @returns how many
 */
export async function cleanUpUploads(
  { db, files, clock }: Pick<UploadParts, "db" | "files" | "clock">,
  signal: AbortSignal,
): Promise<number> {
  const before = idFrom(clock.now() - UPLOAD_MS, "");
  let count = 0;
  for (let times = 0; times < MOST_CLEANED && !signal.aborted; times += 1) {
    const ids = await unendedUploads(db, before, CLEANED_AT_ONCE);
    if (ids.length === 0) break;
    await files.delete(ids.map(contentKey));
    await deleteRows(db, ids);
    count += ids.length;
  }
  return count;
}

/** In the order of time; 12 digits of it reach to the year 10889. */
function idFrom(at: number, tail: string): string {
  return at.toString(16).padStart(12, "0") + tail;
}
