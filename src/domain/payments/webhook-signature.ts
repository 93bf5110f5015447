/** How a signature was found. */
export type SignatureCheck = "valid" | "malformed" | "stale" | "forged";

const TOLERANCE_SECONDS = 300;
/** A header may bring many signatures, of several secrets; more than these are not looked at. */
const MAX_SIGNATURES = 10;

/**
 * Checks the signature of a webhook as Stripe makes it: `t=<unix time>,v1=<hex>[,v1=<hex>…]`, each an
 * HMAC-SHA256 of `<t>.<body>`. Other versions than v1 are ignored. Compares in constant time.
 * @param body the bytes as they came
 * @param secrets any of them may have signed
 * @param now epoch ms
 */
export async function checkSignature(
  header: string,
  body: Uint8Array,
  secrets: readonly string[],
  now: number,
): Promise<SignatureCheck> {
  const parts = header.split(",").map((part) => part.trim().split("="));
  const times = parts.flatMap(([name, value]) => (name === "t" && value ? [value] : []));
  const signatures = parts
    .flatMap(([name, value]) => (name === "v1" && value ? [value] : []))
    .slice(0, MAX_SIGNATURES)
    .flatMap((hex) => bytesOf(hex) ?? []);
  const [time] = times;
  if (time === undefined || times.length > 1 || !/^\d{1,12}$/.test(time)) return "malformed";
  if (signatures.length === 0) return "malformed";
  if (Math.abs(now / 1_000 - Number(time)) > TOLERANCE_SECONDS) return "stale";
  const prefix = new TextEncoder().encode(`${time}.`);
  const signed = new Uint8Array(prefix.length + body.length);
  signed.set(prefix);
  signed.set(body, prefix.length);
  for (const secret of secrets) {
    const key = await hmacKey(secret);
    for (const signature of signatures) {
      if (await crypto.subtle.verify("HMAC", key, signature, signed)) return "valid";
    }
  }
  return "forged";
}

function hmacKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, [
    "verify",
  ]);
}

/** Null: it is not 32 bytes in hexadecimal. */
function bytesOf(hex: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return null;
  return Uint8Array.from({ length: 32 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}
