/** What the Worker needs of Node's crypto in workerd; all of Node's types would be too many. */
declare module "node:crypto" {
  interface Gcm {
    setAAD(data: Uint8Array): unknown;
    update(data: Uint8Array): Uint8Array;
    final(): Uint8Array;
  }
  interface CipherGcm extends Gcm {
    getAuthTag(): Uint8Array;
  }
  interface DecipherGcm extends Gcm {
    setAuthTag(tag: Uint8Array): unknown;
  }
  interface Hash {
    update(data: Uint8Array): Hash;
    digest(encoding: "hex"): string;
  }
  export function createCipheriv(
    algorithm: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
  ): CipherGcm;
  export function createDecipheriv(
    algorithm: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
    options: { authTagLength: number },
  ): DecipherGcm;
  export function createHash(algorithm: "sha256"): Hash;
  export function randomBytes(size: number): Uint8Array;
  export function scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    length: number,
    options: { N: number; r: number; p: number; maxmem: number },
    callback: (error: Error | null, key: Uint8Array) => void,
  ): void;
  export function timingSafeEqual(one: Uint8Array, other: Uint8Array): boolean;
}
