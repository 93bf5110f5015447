const encoder = new TextEncoder();

/** What a webhook is signed over, by the Standard Webhooks specification. */
export interface SignedContent {
  readonly id: string;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * The `webhook-signature` of a message (Standard Webhooks, HMAC-SHA256): one `v1,` and base64 for each
 * secret, with a space between, so that receivers may change theirs at any time.
 * @param secrets `whsec_` and base64
 */
export async function signatureOf(
  { id, timestamp, body }: SignedContent,
  secrets: readonly string[],
): Promise<string> {
  const content = encoder.encode(`${id}.${timestamp}.${body}`);
  const signatures = secrets.map(async (secret) => {
    const key = await importSecret(secret);
    const mac = await crypto.subtle.sign("HMAC", key, content);
    return `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
  });
  return (await Promise.all(signatures)).join(" ");
}

function importSecret(secret: string): Promise<CryptoKey> {
  const bytes = Uint8Array.from(atob(secret.replace("whsec_", "")), (char) => char.charCodeAt(0));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}
