import * as z from "zod";
import type { TaskContext } from "#engine";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { newBackupKey, openBackupKey, type BackupCipher } from "./backup-cipher.ts";
import { inReadingOrder, isTableIncluded, leftOut } from "./backup-policy.ts";
import {
  begunAt,
  deleteBackup,
  listBackups,
  newBackupId,
  readManifest,
  writeManifest,
  writePart,
  type BackupPart,
  type BackupTable,
} from "./backup-store.ts";
import { readMigrations, readTables, type TableShape } from "./database-schema.ts";
import { TableReader } from "./table-reader.ts";

/** A part has no more rows, and about so many bytes of JSON: what is in memory at once. */
const PART_ROWS = 5_000;
const PART_BYTES = 4 * 1_048_576;
/** After so many parts the task gives its consumer up for a second, long before its time is over. */
const PARTS_A_RUN = 64;
/** A backup that is not finished by then never will be. */
const UNFINISHED_MS = 2 * 86_400_000;
/** How a part is tried again, within the attempt. */
const PART_RETRIES = { maxRetries: 3, retryDelaySeconds: 10 } as const;

/**
 * Writes every table of the database to the object store: newline-delimited JSON, gzipped, in parts, and at
 * last a manifest with their checksums. Each part is a durable step, so that a crash costs one part, and no
 * time limit counts. Then the oldest backups go.
 *
 * The database gives no snapshot over several statements. What is read is by primary key, so that a row
 * that was there all the time is there once, as it was at some time in between; see `inReadingOrder`.
 */
export const backupDatabase = defineShopTask({
  name: "backup_database",
  params: z.object({}),
  unique: { scope: "deployment" },
  autoretryFor: [Error],
  retryBackoff: 60,
  handler: async (_params, ctx) => {
    const { db, files, clock, maintenance } = ctx.services;
    const begin = await ctx.step("begin", async () => {
      const id = newBackupId(clock.now());
      const [master] = maintenance.backupKeys;
      return {
        id,
        startedAt: clock.now(),
        migrations: await readMigrations(db),
        tables: await readTables(db),
        encryption: master === undefined ? null : await newBackupKey(master, id),
      };
    });
    const { id, encryption, migrations } = begin;
    const cipher = encryption && (await openBackupKey(maintenance.backupKeys, encryption, id));
    const included = inReadingOrder(
      begin.tables.filter(({ name }) => isTableIncluded(name, cipher !== null)),
    );
    const tables = await writeTables({ id, cipher, ctx }, included);
    const left_out = leftOut(cipher !== null);
    await ctx.step("manifest", () => {
      const started_at = new Date(begin.startedAt).toISOString();
      const finished_at = new Date(clock.now()).toISOString();
      const times = { started_at, finished_at };
      const manifest = {
        format: 1,
        id,
        ...times,
        migrations,
        left_out,
        encryption,
        tables,
      } as const;
      return writeManifest(files, manifest, cipher);
    });
    const deleted = await deleteOld(ctx.services, id);
    const parts = tables.flatMap((table) => table.parts);
    return {
      backup_id: id,
      tables: tables.length,
      rows: tables.reduce((sum, { rows }) => sum + rows, 0),
      parts: parts.length,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      encrypted: cipher !== null,
      left_out,
      deleted,
    };
  },
});

interface Backup {
  readonly id: string;
  readonly cipher: BackupCipher | null;
  readonly ctx: TaskContext<ShopServices>;
}

async function writeTables(backup: Backup, tables: readonly TableShape[]): Promise<BackupTable[]> {
  const { ctx } = backup;
  const written: BackupTable[] = [];
  let steps = 0;
  let read = 0;
  for (const [current, table] of tables.entries()) {
    const parts: BackupPart[] = [];
    let after: string | null = null;
    for (let isLast = false; !isLast;) {
      const from: string | null = after;
      const number = parts.length;
      const next: NextPart = await ctx.step(
        table.name,
        () => writeNextPart(backup, table, from, number),
        PART_RETRIES,
      );
      if (next.part !== null) parts.push(next.part);
      after = next.after;
      isLast = after === null;
      steps += 1;
      read += next.part?.rows ?? 0;
      ctx.progress({ current, total: tables.length, table: table.name, rows: read });
      if (steps % PARTS_A_RUN === 0) await ctx.sleep(1);
    }
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    written.push({ name: table.name, columns: [...table.columns], rows, parts });
  }
  return written;
}

interface NextPart {
  /** Null: there were no rows. */
  readonly part: BackupPart | null;
  /** The key to go on behind; null: there is no more. */
  readonly after: string | null;
}

/** Reads as much as a part may have, and writes it. */
async function writeNextPart(
  { id, cipher, ctx }: Backup,
  table: TableShape,
  from: string | null,
  number: number,
): Promise<NextPart> {
  const { db, files, maintenance } = ctx.services;
  const reader = new TableReader(db, table, cipher === null ? maintenance.secretTemplates : null);
  const lines: string[] = [];
  let size = 0;
  let after = from;
  while (lines.length < PART_ROWS && size < PART_BYTES) {
    ctx.signal.throwIfAborted();
    const page = await reader.page(after);
    after = page.last;
    if (after === null) break;
    for (const line of page.lines) lines.push(line);
    size += page.lines.reduce((sum, line) => sum + line.length, 0);
  }
  const place = { id, table: table.name, number };
  const part = lines.length === 0 ? null : await writePart(files, place, lines, cipher);
  return { part, after };
}

/** Deletes what is beyond the newest that are kept, and what never got finished. @returns their ids */
async function deleteOld(
  { files, clock, maintenance }: ShopServices,
  own: string,
): Promise<string[]> {
  const deleted: string[] = [];
  let finished = 0;
  for (const id of await listBackups(files)) {
    const isFinished = id === own || (await readManifest(files, id)) !== null;
    if (isFinished) finished += 1;
    const isOld = isFinished
      ? finished > maintenance.backupsKept
      : clock.now() - begunAt(id) > UNFINISHED_MS;
    if (!isOld) continue;
    await deleteBackup(files, id);
    deleted.push(id);
  }
  return deleted;
}
