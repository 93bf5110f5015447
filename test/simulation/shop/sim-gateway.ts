import {
  PaymentUnavailableError,
  type Charge,
  type ChargeRequest,
  type PaymentEvent,
  type PaymentGateway,
  type PaymentNotice,
  type Refund,
  type RefundRequest,
} from "#domain/payments";
import type { World } from "../../../src/testing/world.ts";
import { PortFailure } from "../tripwire.ts";
import type { Chaos } from "./chaos.ts";
import { GatewayBook, type Booked } from "./gateway-book.ts";
import type { ShopProcess } from "./shop-process.ts";

/** Keys that a shop tries for one request, when an error is stored under the first. */
const KEYS = 3;
const PAGE = 50;
const SEARCH_LAG_MS = 60_000;
const TIMEOUT_MS = 15_000;

/** What is charged, by the shop's name for it, as orders have it. */
export const CARDS = { good: "pm_good", declined: "pm_declined", asks: "pm_asks" } as const;

/** What answers without a fault look like. */
const unavailable = (why: string) => new PaymentUnavailableError(why);

/**
 * A payment gateway by Stripe's rules, on its side of the port: first answers are kept under their key for a day,
 * its own errors too; a charge is taken by its own state once, however often it is asked for; and what it did is in
 * its book also when nobody hears of it.
 */
export class SimGateway {
  readonly book: GatewayBook;
  readonly #world: World;
  readonly #chaos: Chaos;
  #downUntil = 0;
  /** When it was asked for anything, ms: to see storms. */
  readonly asked: number[] = [];

  constructor(world: World, chaos: Chaos, tell: (event: PaymentEvent | PaymentNotice) => void) {
    this.#world = world;
    this.#chaos = chaos;
    this.book = new GatewayBook(world, tell);
  }

  goDown(ms: number): void {
    this.#world.note("the gateway is down");
    this.#downUntil = this.#world.now() + ms;
  }

  portFor(process: ShopProcess): PaymentGateway {
    const write = <T>(run: () => T) => asked(process.call(20, () => this.#write(run)));
    const read = <T>(run: () => T) => asked(process.call(20, () => this.#read(run)));
    return {
      provider: "sim",
      needsPaymentMethod: true,
      open: (request) => write(() => this.#open(request)),
      find: (key) => read(() => this.#find(key)),
      charge: (reference, request) => write(() => this.#charge(reference, request)),
      lookUp: (reference) => read(() => this.#lookUp(reference)),
      cancel: (reference) => write(() => this.#cancel(reference)),
      refund: (request) => write(() => this.#refund(request)),
      list: (time, cursor) => read(() => this.#list(time, cursor)),
      readEvent: (body) => body as PaymentEvent,
    };
  }

  async #read<T>(run: () => T): Promise<T> {
    await this.#arrive();
    return run();
  }

  /** What changes something may be done, and nobody hears of it. */
  async #write<T>(run: () => T): Promise<T> {
    await this.#arrive();
    const answer = run();
    if (this.#chaos.happens("gateway timeout after")) {
      await this.#world.sleep(TIMEOUT_MS);
      throw unavailable("the gateway took too long");
    }
    if (this.#chaos.happens("gateway answer garbled")) throw unavailable("the answer is no JSON");
    if (this.#chaos.rateOf("webhook before answer") > 0) {
      const isSlow = this.#chaos.happens("webhook before answer");
      await this.#world.sleep(isSlow ? this.#world.between(1_000, 8_000) : 0);
    }
    return answer;
  }

  async #arrive(): Promise<void> {
    const now = this.#world.now();
    this.asked.push(now);
    if (now < this.#downUntil) {
      this.#chaos.happened("gateway down");
      await this.#world.sleep(this.#world.between(0, 5_000));
      throw unavailable("the gateway is down");
    }
    if (this.#chaos.happens("gateway lost before")) throw unavailable("the connection was refused");
  }

  /** A key whose stored answer is an error is followed by another, as the adapter does it. */
  #open({ idempotencyKey, orderId, amountMinor, currency }: ChargeRequest): string {
    const { openKeys } = this.book;
    for (let tried = 1; tried <= KEYS; tried += 1) {
      const key = tried === 1 ? idempotencyKey : `${idempotencyKey}:${tried}`;
      const stored = openKeys.get(key);
      if (stored?.answer === null) continue;
      if (stored !== undefined) return stored.answer;
      const isError = this.#chaos.happens("gateway 500 stored");
      const isOpened = !isError || this.#world.chance(0.5);
      const lags = this.#chaos.happens("gateway search lags");
      const lagMs = lags ? this.#world.between(1, SEARCH_LAG_MS) : 0;
      const charge = { key: idempotencyKey, orderId, amountMinor, currency };
      const reference = isOpened ? this.book.open(charge, lagMs) : null;
      openKeys.set(key, isError ? null : reference);
      if (isError || reference === null) throw unavailable("the gateway answered 500");
      return reference;
    }
    throw unavailable("the gateway answered 500, as before");
  }

  #find(key: string): string | null {
    const now = this.#world.now();
    const rank = { captured: 0, declined: 1, open: 2 };
    const [first] = [...this.book.charges.values()]
      .filter((charge) => charge.key === key && charge.foundAt <= now)
      .toSorted((a, b) => rank[a.status] - rank[b.status] || a.createdAt - b.createdAt);
    return first?.reference ?? null;
  }

  #charge(reference: string, { paymentMethod }: ChargeRequest): Charge {
    const charge = this.#get(reference);
    if (this.#chaos.happens("gateway 409")) throw unavailable("it is being worked on");
    const before = this.book.viewOf(charge);
    if (before !== null) return before;
    if (paymentMethod === CARDS.declined) {
      this.#chaos.happened("card declined");
      // Between the refusal and the end of the charge there is a moment.
      if (this.#chaos.happens("gateway 500 stored")) throw unavailable("the gateway answered 500");
      this.book.decline(charge, "Your card was declined. (generic_decline)");
    } else if (paymentMethod === CARDS.asks) {
      this.#chaos.happened("card asks for holder");
      this.book.decline(charge, "The card asks for its holder. (authentication_required)");
    } else {
      this.book.capture(charge);
    }
    return this.book.viewOf(charge) as Charge;
  }

  #lookUp(reference: string): Charge | null {
    const charge = this.book.charges.get(reference);
    return charge === undefined ? null : this.book.viewOf(charge);
  }

  #cancel(reference: string): Charge {
    const charge = this.#get(reference);
    if (charge.status === "open") {
      this.book.decline(charge, "The charge was cancelled.");
      if (this.#chaos.happens("gateway captures by itself")) {
        this.#world.after(this.#world.between(0, 60_000), () => {
          this.book.capture(charge);
        });
      }
    }
    return this.book.viewOf(charge) as Charge;
  }

  #refund({ idempotencyKey, reference, amountMinor }: RefundRequest): Refund {
    const { refundKeys } = this.book;
    const charge = this.#get(reference);
    const stored = refundKeys.get(idempotencyKey)?.answer ?? null;
    if (stored === "refused") return { status: "refused", reason: "balance_insufficient" };
    if (stored === "refunded") return { status: "refunded" };
    if (this.#chaos.happens("gateway refuses refund")) {
      refundKeys.set(idempotencyKey, "refused");
      return { status: "refused", reason: "balance_insufficient" };
    }
    if (charge.refundedMinor >= charge.amountMinor) return { status: "refunded" };
    if (amountMinor > charge.amountMinor - charge.refundedMinor) {
      return { status: "refused", reason: "greater than what is left" };
    }
    this.book.refund(charge, amountMinor);
    refundKeys.set(idempotencyKey, "refunded");
    return { status: "refunded" };
  }

  #list({ from, until }: { from: number; until: number }, cursor: string | null) {
    const all = [...this.book.charges.values()].filter(
      ({ createdAt }) => createdAt >= from && createdAt < until,
    );
    const start = cursor === null ? 0 : Number(cursor);
    const charges = all.slice(start, start + PAGE).map((charge) => ({
      ...{ reference: charge.reference, idempotencyKey: charge.key, orderId: charge.orderId },
      ...{ status: charge.status, amountMinor: charge.amountMinor, currency: charge.currency },
      ...{ refundedMinor: charge.refundedMinor, createdAt: charge.createdAt },
    }));
    return { charges, next: start + PAGE < all.length ? String(start + PAGE) : null };
  }

  #get(reference: string): Booked {
    const charge = this.book.charges.get(reference);
    if (charge === undefined) throw unavailable(`there is no charge ${reference}`);
    return charge;
  }
}

/** As the port has it: whatever became of the connection, no answer came. */
async function asked<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw error instanceof PortFailure ? unavailable(error.message) : error;
  }
}
