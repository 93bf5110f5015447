import type { ShopServices } from "../services/index.ts";
import { BackupKeyError, type BackupCipher } from "./backup-cipher.ts";
import { OWN_TABLES } from "./backup-policy.ts";
import { BackupDamagedError, openBackup, type Manifest } from "./backup-store.ts";
import { countRows, readMigrations, readTables } from "./database-schema.ts";

/** There is no such backup, or it was never finished. */
export class BackupNotFoundError extends Error {
  override readonly name = "BackupNotFoundError";
}

/**
 * The backup can't be restored into this database as it is.
 * - `damaged`: something of it is missing or was changed.
 * - `wrong_key`: it was encrypted with a key that isn't here.
 * - `other_schema`: the database has other migrations.
 * - `not_empty`: there are rows that it could not be told from.
 */
export class RestoreRefusedError extends Error {
  override readonly name = "RestoreRefusedError";
  readonly code: "damaged" | "wrong_key" | "other_schema" | "not_empty";

  constructor(code: RestoreRefusedError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** A backup that is to be restored: as it was written, and for a database like this. */
export interface OpenBackup {
  readonly manifest: Manifest;
  readonly cipher: BackupCipher | null;
}

/** @throws BackupNotFoundError, RestoreRefusedError */
export async function openForRestore(
  { db, files, maintenance }: Pick<ShopServices, "db" | "files" | "maintenance">,
  id: string,
): Promise<OpenBackup> {
  const backup = await refusing(() => openBackup(files, id, maintenance.backupKeys));
  if (backup === null) throw new BackupNotFoundError(`There is no finished backup ${id}.`);
  const [theirs, ours] = [backup.manifest.migrations, await readMigrations(db)];
  if (theirs.join("\n") !== ours.join("\n")) {
    throw new RestoreRefusedError(
      "other_schema",
      `The backup is of a database with the migrations ${theirs.join(", ")}; this one has ${ours.join(", ")}. Restore with the version that made it, then migrate.`,
    );
  }
  return backup;
}

/** @throws RestoreRefusedError when the shop has rows */
export async function refuseUnlessEmpty(
  { db }: Pick<ShopServices, "db">,
  { tables }: Manifest,
): Promise<void> {
  const known = new Set((await readTables(db)).map(({ name }) => name));
  const filled: string[] = [];
  for (const { name } of tables) {
    if (!known.has(name)) throw new RestoreRefusedError("other_schema", `There is no ${name}.`);
    if (!OWN_TABLES.has(name) && (await countRows(db, name)) > 0) filled.push(name);
  }
  if (filled.length === 0) return;
  throw new RestoreRefusedError(
    "not_empty",
    `A backup is restored into an empty shop only. There are rows in ${filled.join(", ")}.`,
  );
}

/** What is wrong with a backup, as a refusal. */
export async function refusing<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof BackupDamagedError) {
      throw new RestoreRefusedError("damaged", error.message);
    }
    if (error instanceof BackupKeyError) throw new RestoreRefusedError("wrong_key", error.message);
    throw error;
  }
}
