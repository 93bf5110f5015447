import nodeCrypto, {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { World } from "../../../src/testing/world.ts";

/** A key of the simulation. Its bytes are made a key once: that takes longer than signing does. */
interface SimKey {
  readonly secret: KeyObject;
}

const HMAC_BITS = 256;

/** WebCrypto, as far as the shop uses it, whose promises settle at once: no thread decides what comes first. */
const subtle = {
  digest: async (_algorithm: string, data: Uint8Array) =>
    arrayOf(createHash("sha256").update(data).digest()),
  importKey: async (_format: "raw", bytes: Uint8Array): Promise<SimKey> => ({
    secret: createSecretKey(bytes),
  }),
  deriveKey: async (
    { salt, info }: { salt: Uint8Array; info: Uint8Array },
    { secret }: SimKey,
  ): Promise<SimKey> => ({
    secret: createSecretKey(new Uint8Array(hkdfSync("sha256", secret, salt, info, HMAC_BITS / 8))),
  }),
  sign: async (_algorithm: "HMAC", key: SimKey, data: Uint8Array) => arrayOf(hmacOf(key, data)),
  verify: async (_algorithm: "HMAC", key: SimKey, signature: Uint8Array, data: Uint8Array) => {
    const own = hmacOf(key, data);
    return own.length === signature.length && timingSafeEqual(own, signature);
  },
};

function hmacOf({ secret }: SimKey, data: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(data).digest();
}

function arrayOf(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

/**
 * Runs something with all that is random, or waits for a thread, out of the world's own numbers: one after
 * another, as there is one `crypto`.
 */
export async function withSimCrypto<T>(world: World, run: () => Promise<T>): Promise<T> {
  const realCrypto = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  const realBytes = nodeCrypto.randomBytes;
  const simCrypto = {
    subtle,
    getRandomValues: (array: Uint8Array) => {
      array.set(world.bytes(array.length));
      return array;
    },
    randomUUID: () => uuidOf(world.bytes(16)),
  };
  Object.defineProperty(globalThis, "crypto", { value: simCrypto, configurable: true });
  nodeCrypto.randomBytes = ((length: number) => Buffer.from(world.bytes(length))) as never;
  syncBuiltinESMExports();
  try {
    return await run();
  } finally {
    if (realCrypto !== undefined) Object.defineProperty(globalThis, "crypto", realCrypto);
    nodeCrypto.randomBytes = realBytes;
    syncBuiltinESMExports();
  }
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
