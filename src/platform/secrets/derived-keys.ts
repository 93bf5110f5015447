/**
 * Keys for HMAC-SHA-256 that are derived from one secret, one for each purpose (HKDF without salt): none
 * tells anything of another.
 */
export function deriveKeys(secret: string): (purpose: string) => Promise<CryptoKey> {
  const known = new Map<string, Promise<CryptoKey>>();
  return (purpose) => {
    const key = known.get(purpose) ?? derive(secret, purpose);
    known.set(purpose, key);
    return key;
  };
}

async function derive(secret: string, purpose: string): Promise<CryptoKey> {
  const utf8 = new TextEncoder();
  const root = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode(purpose) },
    root,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}
