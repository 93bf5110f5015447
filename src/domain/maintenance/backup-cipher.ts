import { fromBase64, toBase64, toHex } from "#engine";

/** A backup can't be read: its key isn't here, or what is there is not what was written. */
export class BackupKeyError extends Error {
  override readonly name = "BackupKeyError";
}

/** The key of one backup, as its manifest keeps it: encrypted with a key of the deployment. */
export interface WrappedKey {
  /** Which key of the deployment: the first digits of its SHA-256. */
  readonly id: string;
  /** Base64. */
  readonly key: string;
}

/**
 * AES-256-GCM with a key of its own for each backup and a random nonce for each part: a part that is written
 * again after a crash may have other rows in it, so that a counter would use a nonce twice. A part can be
 * opened only under the name that it was sealed with.
 */
export class BackupCipher {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  seal(bytes: Uint8Array, name: string): Promise<Uint8Array> {
    return seal(this.#key, bytes, name);
  }

  /** @throws BackupKeyError */
  open(sealed: Uint8Array, name: string): Promise<Uint8Array> {
    return open(this.#key, sealed, name);
  }
}

const NONCE_BYTES = 12;

/** A new key for a backup, encrypted with the deployment's. @param master 32 bytes as base64 */
export async function newBackupKey(master: string, backupId: string): Promise<WrappedKey> {
  const { id, key } = await importMaster(master);
  const own = crypto.getRandomValues(new Uint8Array(32));
  return { id, key: toBase64(await seal(key, own, backupId)) };
}

/**
 * The cipher of a backup.
 * @param masters of the deployment, 32 bytes each as base64
 * @throws BackupKeyError when none of them is the one
 */
export async function openBackupKey(
  masters: readonly string[],
  wrapped: WrappedKey,
  backupId: string,
): Promise<BackupCipher> {
  const known = await Promise.all(masters.map(importMaster));
  const master = known.find(({ id }) => id === wrapped.id);
  if (master === undefined) {
    throw new BackupKeyError(
      "The backup is encrypted with a key that this deployment doesn't have.",
    );
  }
  const own = await open(master.key, fromBase64(wrapped.key), backupId);
  return new BackupCipher(await importKey(own));
}

async function importMaster(base64: string): Promise<{ id: string; key: CryptoKey }> {
  const bytes = fromBase64(base64);
  return { id: (await sha256(bytes)).slice(0, 8), key: await importKey(bytes) };
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function seal(key: CryptoKey, bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters(nonce, name), key, bytes));
  const all = new Uint8Array(NONCE_BYTES + sealed.length);
  all.set(nonce);
  all.set(sealed, NONCE_BYTES);
  return all;
}

async function open(key: CryptoKey, sealed: Uint8Array, name: string): Promise<Uint8Array> {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  try {
    const bytes = sealed.subarray(NONCE_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, name), key, bytes));
  } catch {
    throw new BackupKeyError(`${name} is not what was written with the backup's key.`);
  }
}

function parameters(iv: Uint8Array, name: string) {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) };
}

/** In hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
