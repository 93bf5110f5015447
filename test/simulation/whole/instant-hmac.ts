import { createHmac, createSecretKey } from "node:crypto";

const { subtle } = crypto;
const sign = subtle.sign.bind(subtle);
let secret: Promise<CryptoKey> | null = null;
let own: CryptoKey | null = null;
const TEXT = "of no use outside of simulations: 0123456789abcdef";
/** Made once: that takes longer than signing does. */
const SIGNING_KEY = createSecretKey(TEXT, "utf8");

/**
 * The secret of a simulated deployment. What is signed with it is there at once: by the platform's own HMAC it
 * would come from another thread at a time of its own, and a seed would not be one history.
 * @param imports takes the secret's text
 */
export function instantSecret(imports: (text: string) => Promise<CryptoKey>): Promise<CryptoKey> {
  if (secret !== null) return secret;
  secret = imports(TEXT).then((key) => (own = key));
  Object.defineProperty(subtle, "sign", {
    configurable: true,
    value: async (...given: Parameters<typeof sign>) => {
      const [, key, data] = given;
      if (key !== own) return sign(...given);
      return new Uint8Array(
        createHmac("sha256", SIGNING_KEY)
          .update(data as Uint8Array)
          .digest(),
      ).buffer;
    },
  });
  return secret;
}
