import { inject } from "vitest";
import type { PaymentGateway } from "#domain/payments";
import { createStripeGateway } from "../../../src/integrations/payments/stripe-gateway.ts";

interface BookedIntent {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly captures: number;
  readonly confirms: number;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Book {
  readonly intents: readonly BookedIntent[];
  readonly refunds: readonly { readonly intentId: string; readonly amount: number }[];
}

export interface StripeEvent {
  readonly id: string;
  readonly type: string;
}

/** An account of its own at the stand-in for Stripe's API, and a gateway to it. */
export class StripeAccount {
  readonly secretKey = `sk_test_${crypto.randomUUID().replaceAll("-", "")}`;
  readonly #url = inject("stripeUrl");
  readonly gateway: PaymentGateway = createStripeGateway(
    { secretKey: this.secretKey, url: this.#url },
    { now: () => Date.now() },
  );

  book(): Promise<Book> {
    return this.#ask("book");
  }

  /** What it would tell by its webhook since it was last asked. */
  events(): Promise<StripeEvent[]> {
    return this.#ask("events");
  }

  /** Sets faults, a lag of the search or a latency. @returns how often each fault came so far */
  control(what: {
    readonly share?: number;
    readonly seed?: number;
    readonly next?: readonly string[];
    readonly searchLagMs?: number;
    readonly latencyMs?: number;
  }): Promise<Readonly<Record<string, number>>> {
    return this.#ask("control", what);
  }

  /** A day later its idempotency keys are forgotten. */
  forgetKeys(): Promise<unknown> {
    return this.#ask("forget");
  }

  async #ask<Answer>(path: string, body: unknown = {}): Promise<Answer> {
    const response = await fetch(`${this.#url}/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.secretKey}` },
      body: JSON.stringify(body),
    });
    return response.json<Answer>();
  }
}
