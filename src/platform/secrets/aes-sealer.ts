import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { fromBase64, PLAIN_SEALER, SecretUnreadableError, toBase64, type Sealer } from "#engine";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface Key {
  /** Tells keys apart: the first digits of the key's hash. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * AES-256-GCM with a nonce for every value: `aes.<key id>.<base64 of nonce, tag, ciphertext>`. Seals with
 * the first key and opens with any, so that a key may be replaced; what was kept plain before there was a
 * key can still be opened.
 * @param keys 32 bytes each as base64, the current one first
 */
export function createSealer(keys: readonly string[]): Sealer {
  const known = keys.map((text): Key => {
    const bytes = fromBase64(text);
    return { id: createHash("sha256").update(bytes).digest("hex").slice(0, 8), bytes };
  });
  const [current] = known;
  if (current === undefined) return PLAIN_SEALER;
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.bytes, nonce);
      cipher.setAAD(utf8(context));
      const parts = [cipher.update(utf8(text)), cipher.final()];
      const sealed = joined([nonce, cipher.getAuthTag(), ...parts]);
      return `aes.${current.id}.${toBase64(sealed)}`;
    },
    open(sealed, context) {
      if (sealed.startsWith("plain.")) return PLAIN_SEALER.open(sealed, context);
      const [kind, id, text = ""] = sealed.split(".");
      const key = known.find((one) => one.id === id);
      if (kind !== "aes" || key === undefined) throw new SecretUnreadableError();
      try {
        return decrypt(key.bytes, fromBase64(text), context);
      } catch {
        throw new SecretUnreadableError();
      }
    },
  };
}

function decrypt(key: Uint8Array, all: Uint8Array, context: string): string {
  const nonce = all.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(utf8(context));
  decipher.setAuthTag(all.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = decipher.update(all.subarray(NONCE_BYTES + TAG_BYTES));
  return new TextDecoder().decode(joined([text, decipher.final()]));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
