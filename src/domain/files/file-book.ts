import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { State } from "#engine";
import { QUOTA } from "./rules.ts";
import { files, type FileState } from "./tables.ts";

/** A task that is not known after so long has ended: the history keeps what ended at least as long. */
const FORGOTTEN_MS = 7 * 86_400_000;

/** A file as it is stored; see tables.ts. */
export type StoredFile = typeof files.$inferSelect;

/** Where the bytes of a file are. */
export const contentKey = (id: string) => `files/${id}`;

/** Where the report of its rows that were not taken is, if there is one. */
export const errorsKey = (id: string) => `files/${id}/errors.csv`;

/**
 * The state to show of a file whose task is known: one that ended without its handler (it was revoked, or lost too
 * often), or while the database could not be reached, could not write it down.
 * @param task null: nobody knows it yet, or any more
 */
export function stateOf(
  file: Pick<StoredFile, "state" | "createdAt">,
  task: State | null,
  now: number,
): FileState {
  const isForgotten = task === null && now - file.createdAt > FORGOTTEN_MS;
  const isOver = task === "FAILURE" || task === "REVOKED" || isForgotten;
  return isOver && isOpen(file) ? "failed" : file.state;
}

/** True: its task has yet to say what became of it. */
export function isOpen({ state }: Pick<StoredFile, "state">): boolean {
  return state === "stored" || state === "processing";
}

/** Null: there is no such file. */
export async function findFile(db: DrizzleD1Database, id: string): Promise<StoredFile | null> {
  const [file] = await db.select().from(files).where(eq(files.id, id));
  return file ?? null;
}

/** The files of an owner, the newest first, from behind `before` on. */
export function listFiles(
  db: DrizzleD1Database,
  { owner, before, limit }: { owner: string; before: string | null; limit: number },
): Promise<StoredFile[]> {
  const own = eq(files.owner, owner);
  return db
    .select()
    .from(files)
    .where(before === null ? own : and(own, lt(files.id, before)))
    .orderBy(desc(files.id))
    .limit(limit);
}

/**
 * Writes the row of an upload that begins, if its owner has the room: looked at and taken in one statement,
 * so that uploads at the same time can't share it. Rows written: 3.
 * @returns false: it would be more than the quota
 */
export async function beginUpload(db: DrizzleD1Database, file: StoredFile): Promise<boolean> {
  const { id, owner, name, kind, contentType, size, createdAt } = file;
  const begun = await db
    .insert(files)
    .select(
      sql`SELECT ${id}, ${owner}, ${name}, ${kind}, ${contentType}, ${size}, 'uploading', NULL,
          ${createdAt}, NULL
        FROM (SELECT count(*) AS count, coalesce(sum(size), 0) AS bytes FROM files
          WHERE owner = ${owner})
        WHERE count < ${QUOTA.files} AND bytes + ${size} <= ${QUOTA.bytes}`,
    )
    .returning({ id: files.id });
  return begun.length === 1;
}

/** The statement that ends an upload, for the batch that writes its task. Rows written: 1. */
export function endUpload(db: DrizzleD1Database, id: string, taskId: string): BatchItem<"sqlite"> {
  return db
    .update(files)
    .set({ state: "stored", taskId })
    .where(and(eq(files.id, id), eq(files.state, "uploading")));
}

/**
 * A task takes a file on. Twice, late or as another task (a replay), it is taken on again, unless it is
 * processed. Rows written: 1 or 0.
 * @returns the file as it is now; null: there is none of this owner
 */
export async function takeOn(
  db: DrizzleD1Database,
  { id, owner, taskId }: { id: string; owner: string; taskId: string },
): Promise<StoredFile | null> {
  const open: FileState[] = ["stored", "processing", "failed"];
  const [taken] = await db
    .update(files)
    .set({ state: "processing", taskId })
    .where(and(eq(files.id, id), eq(files.owner, owner), inArray(files.state, open)))
    .returning();
  if (taken !== undefined) return taken;
  const file = await findFile(db, id);
  return file?.owner === owner && file.state === "processed" ? file : null;
}

/**
 * Writes how processing ended. Late, when another task has the file, it changes nothing; and of two attempts of
 * one task, of which one lost its lease and failed over it, the one that processed it has the last word. Rows
 * written: 1 or 0.
 * @returns false: the file is gone, or another's, or `failed` comes after `processed`
 */
export async function endProcessing(
  db: DrizzleD1Database,
  { id, taskId }: { id: string; taskId: string },
  state: "processed" | "failed",
  result: unknown,
): Promise<boolean> {
  const before: FileState[] = state === "processed" ? ["processing", "failed"] : ["processing"];
  const ended = await db
    .update(files)
    .set({ state, result: JSON.stringify(result) })
    .where(and(eq(files.id, id), eq(files.taskId, taskId), inArray(files.state, before)))
    .returning({ id: files.id });
  return ended.length === 1;
}

/** Forgets files. Their objects go first: what has no row is found by nobody. Rows written: 1 each. */
export async function deleteRows(db: DrizzleD1Database, ids: readonly string[]): Promise<void> {
  const list = sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  await db.delete(files).where(inArray(files.id, list));
}

/** Uploads that never ended, of before an id, the oldest first. */
export async function unendedUploads(
  db: DrizzleD1Database,
  before: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .select({ id: files.id })
    .from(files)
    .where(and(sql`state = 'uploading'`, lt(files.id, before)))
    .orderBy(files.id)
    .limit(limit);
  return rows.map(({ id }) => id);
}
