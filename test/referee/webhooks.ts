import { createHmac } from "node:crypto";
import type { Event } from "../stripe/shapes.ts";
import type { Client } from "./client.ts";
import { WEBHOOK_SECRET, type Outside } from "./outside.ts";

const AT_ONCE = 20;

/** Tells the server what the gateway has to tell, as the gateway would: again until it says 200. */
export class Webhooks {
  readonly #client: Client;
  readonly #outside: Outside;
  #open: Event[] = [];

  constructor(client: Client, outside: Outside) {
    this.#client = client;
    this.#outside = outside;
  }

  /** Tries every event that is open once. */
  async deliver(): Promise<void> {
    const all = [...this.#open, ...this.#outside.account.events.splice(0)];
    this.#open = [];
    for (let from = 0; from < all.length; from += AT_ONCE) {
      await Promise.all(all.slice(from, from + AT_ONCE).map((event) => this.#tell(event)));
    }
  }

  async #tell(event: Event): Promise<void> {
    const payload = JSON.stringify(event);
    const time = Math.floor(Date.now() / 1_000);
    const hmac = createHmac("sha256", WEBHOOK_SECRET).update(`${time}.${payload}`).digest("hex");
    const headers = { "Stripe-Signature": `t=${time},v1=${hmac}` };
    const answer = await this.#client.post("/api/payments/webhook/", payload, headers);
    if (answer.outcome !== "ok") this.#open.push(event);
  }
}
