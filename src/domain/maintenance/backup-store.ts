import * as z from "zod";
import { fromBase64, toBase64, toHex } from "#engine";
import type { ObjectStore } from "../storage/index.ts";
import { BackupKeyError, openBackupKey, sha256, type BackupCipher } from "./backup-cipher.ts";

const partSchema = z.object({
  key: z.string(),
  rows: z.int(),
  /** Of the object as it is stored. */
  bytes: z.int(),
  sha256: z.string(),
});

const tableSchema = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  rows: z.int(),
  parts: z.array(partSchema),
});

/** What a backup consists of; written last, so a backup without it is none. */
const manifestSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  /** ISO 8601. Rows are of any time between these two: the database gives no snapshot over statements. */
  started_at: z.string(),
  finished_at: z.string(),
  /** The migrations of the database: only one with the same takes the rows. */
  migrations: z.array(z.string()),
  left_out: z.array(z.string()),
  /** Null: it is not encrypted. */
  encryption: z.object({ id: z.string(), key: z.string() }).nullable(),
  tables: z.array(tableSchema),
});

/** Rows of a table in one object. */
export type BackupPart = z.output<typeof partSchema>;
export type BackupTable = z.output<typeof tableSchema>;
export type Manifest = z.output<typeof manifestSchema>;

/** Something of a backup is missing, or not as it was written. */
export class BackupDamagedError extends Error {
  override readonly name = "BackupDamagedError";
}

const ROOT = "backups/";
/** Begins with its time, to the millisecond: the order of the ids is theirs. */
const BACKUP_ID = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;

export function newBackupId(now: number): string {
  const random = crypto.getRandomValues(new Uint8Array(4));
  const tail = toHex(random);
  return `${new Date(now).toISOString().replace(/[-:.]/g, "")}-${tail}`;
}

/** When a backup was begun, epoch ms. */
export function begunAt(id: string): number {
  return Date.parse(
    id.slice(0, 19).replace(/^(....)(..)(..T..)(..)(..)(...Z)$/, "$1-$2-$3:$4:$5.$6"),
  );
}

/** The ids of all backups there are, unfinished ones too, the newest first. */
export async function listBackups(files: ObjectStore): Promise<string[]> {
  const ids = await files.folders(ROOT);
  return ids.filter((id) => BACKUP_ID.test(id)).toReversed();
}

/** Deletes a backup: first what makes it one. Broken off, it can be done again. */
export async function deleteBackup(files: ObjectStore, id: string): Promise<void> {
  await files.delete([manifestKey(id)]);
  for (;;) {
    const keys = await files.list(`${ROOT}${id}/`);
    if (keys.length === 0) return;
    await files.delete(keys);
  }
}

/** Stores rows; the same name again is stored over. */
export async function writePart(
  files: ObjectStore,
  place: { readonly id: string; readonly table: string; readonly number: number },
  lines: readonly string[],
  cipher: BackupCipher | null,
): Promise<BackupPart> {
  const number = String(place.number).padStart(5, "0");
  const key = `${ROOT}${place.id}/${place.table}/${number}.ndjson.gz${cipher ? ".aes" : ""}`;
  const text = lines.map((line) => `${line}\n`).join("");
  const packed = await through(new TextEncoder().encode(text), new CompressionStream("gzip"));
  const bytes = cipher === null ? packed : await cipher.seal(packed, key);
  await files.put(key, bytes, "application/octet-stream");
  return { key, rows: lines.length, bytes: bytes.length, sha256: await sha256(bytes) };
}

/** The rows of a part, checked. @throws BackupDamagedError, BackupKeyError */
export async function readPart(
  files: ObjectStore,
  { key, rows, sha256: sum }: BackupPart,
  cipher: BackupCipher | null,
): Promise<string[]> {
  const bytes = await readAll(files, key);
  if (bytes === null) throw new BackupDamagedError(`${key} is missing.`);
  if ((await sha256(bytes)) !== sum) throw new BackupDamagedError(`${key} was changed.`);
  const packed = cipher === null ? bytes : await cipher.open(bytes, key);
  const text = new TextDecoder().decode(await through(packed, new DecompressionStream("gzip")));
  const lines = text.split("\n").slice(0, -1);
  if (lines.length !== rows) throw new BackupDamagedError(`${key} has ${lines.length} rows.`);
  return lines;
}

/** What an encrypted manifest has besides: proof that it was written with the backup's key. */
interface Sealed {
  readonly seal?: string;
}

export async function writeManifest(
  files: ObjectStore,
  manifest: Manifest,
  cipher: BackupCipher | null,
): Promise<void> {
  const proof = cipher && (await cipher.seal(new Uint8Array(), JSON.stringify(manifest)));
  const content: Manifest & Sealed = proof ? { ...manifest, seal: toBase64(proof) } : manifest;
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  await files.put(manifestKey(manifest.id), bytes, "application/json");
}

/** A manifest as it stands there. Null: there is no such backup, or it is not finished, or no more. */
export async function readManifest(files: ObjectStore, id: string): Promise<Manifest | null> {
  try {
    return (await storedManifest(files, id))?.manifest ?? null;
  } catch (error) {
    if (error instanceof BackupDamagedError) return null;
    throw error;
  }
}

/**
 * A manifest that is what was written, and what its parts are opened with.
 * @throws BackupDamagedError, BackupKeyError
 */
export async function openBackup(
  files: ObjectStore,
  id: string,
  masters: readonly string[],
): Promise<{ readonly manifest: Manifest; readonly cipher: BackupCipher | null } | null> {
  const stored = await storedManifest(files, id);
  if (stored === null) return null;
  const { manifest, seal } = stored;
  if (manifest.id !== id) {
    throw new BackupDamagedError("The manifest is not one of this backup.");
  }
  if (manifest.encryption === null) return { manifest, cipher: null };
  const cipher = await openBackupKey(masters, manifest.encryption, id);
  if (seal === undefined) throw new BackupKeyError("The manifest has no seal.");
  await cipher.open(fromBase64(seal), JSON.stringify(manifest));
  return { manifest, cipher };
}

async function storedManifest(
  files: ObjectStore,
  id: string,
): Promise<{ readonly manifest: Manifest; readonly seal: string | undefined } | null> {
  const bytes = BACKUP_ID.test(id) ? await readAll(files, manifestKey(id)) : null;
  if (bytes === null) return null;
  const { seal, ...manifest } = parseManifest(new TextDecoder().decode(bytes));
  return { manifest, seal };
}

/** As it was written, to the letter: the seal is over its text. @throws BackupDamagedError */
function parseManifest(text: string): Manifest & Sealed {
  let content: unknown;
  try {
    content = JSON.parse(text) as unknown;
  } catch {
    throw new BackupDamagedError("The manifest is no JSON.");
  }
  if (!manifestSchema.safeParse(content).success) {
    throw new BackupDamagedError("The manifest is none.");
  }
  return content as Manifest & Sealed;
}

function manifestKey(id: string): string {
  return `${ROOT}${id}/manifest.json`;
}

async function readAll(files: ObjectStore, key: string): Promise<Uint8Array | null> {
  const object = await files.get(key);
  return object && new Uint8Array(await new Response(object.stream).arrayBuffer());
}

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const body = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(body).arrayBuffer());
}
