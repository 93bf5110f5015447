import type { Stripe } from "stripe";

/** Where Stripe's API is, and who asks. */
export interface StripeSettings {
  readonly secretKey: string;
  /** `https://api.stripe.com`; another for tests. */
  readonly url: string;
}

/**
 * Stripe's own client, loaded when it is first needed: a deployment without it doesn't pay for its start. It
 * repeats nothing by itself: the tasks do, after a look at what became of the charge.
 */
export function stripeClient({ secretKey, url }: StripeSettings): () => Promise<Stripe> {
  const { protocol, hostname, port } = new URL(url);
  let client: Promise<Stripe> | null = null;
  return () => {
    client ??= import("stripe").then(
      ({ Stripe: Client }) =>
        new Client(secretKey, {
          httpClient: Client.createFetchHttpClient(),
          maxNetworkRetries: 0,
          telemetry: false,
          protocol: protocol === "http:" ? "http" : "https",
          host: hostname,
          port: port === "" ? (protocol === "http:" ? 80 : 443) : Number(port),
        }),
    );
    return client;
  };
}
