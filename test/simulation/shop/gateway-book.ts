import type { World } from "../../../src/testing/world.ts";
import type { Charge, PaymentEvent, PaymentNotice } from "#domain/payments";

/** Keys are remembered for a day, as Stripe's are. */
const KEPT_MS = 86_400_000;

/** A charge in the gateway's own book. */
export interface Booked {
  readonly reference: string;
  /** The shop's key, without what the shop adds to it for a second try. */
  readonly key: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly createdAt: number;
  /** When a search finds it. */
  readonly foundAt: number;
  status: "open" | "captured" | "declined";
  reason: string;
  /** When money was taken, each time: never more than once. */
  readonly captures: number[];
  refundedMinor: number;
  isLocked: boolean;
}

/** What was answered under a key. */
interface Stored<T> {
  readonly at: number;
  /** Null: an error of the gateway's own, which it repeats. */
  readonly answer: T | null;
}

/** Answers by key, as long as they are remembered. */
class Keys<T> {
  readonly #world: World;
  readonly #stored = new Map<string, Stored<T>>();

  constructor(world: World) {
    this.#world = world;
  }

  get(key: string): Stored<T> | undefined {
    const stored = this.#stored.get(key);
    return stored === undefined || this.#world.now() - stored.at > KEPT_MS ? undefined : stored;
  }

  set(key: string, answer: T | null): void {
    this.#stored.set(key, { at: this.#world.now(), answer });
  }
}

/** The gateway's side: what it took and gave back, whatever the shop believes. Only grows. */
export class GatewayBook {
  readonly charges = new Map<string, Booked>();
  readonly openKeys: Keys<string>;
  readonly refundKeys: Keys<"refunded" | "refused">;
  /** What it tells by its webhook, in the order in which it happened. */
  readonly told: (PaymentEvent | PaymentNotice)[] = [];
  readonly #world: World;
  readonly #tell: (event: PaymentEvent | PaymentNotice) => void;

  constructor(world: World, tell: (event: PaymentEvent | PaymentNotice) => void) {
    this.#world = world;
    this.#tell = tell;
    this.openKeys = new Keys(world);
    this.refundKeys = new Keys(world);
  }

  ofOrder(orderId: string): Booked[] {
    return [...this.charges.values()].filter((charge) => charge.orderId === orderId);
  }

  open(
    charge: Pick<Booked, "key" | "orderId" | "amountMinor" | "currency">,
    lagMs: number,
  ): string {
    const now = this.#world.now();
    const reference = `pi_${this.charges.size + 1}`;
    this.charges.set(reference, {
      ...{ ...charge, reference, createdAt: now, foundAt: now + lagMs },
      ...{ status: "open", reason: "", captures: [], refundedMinor: 0, isLocked: false },
    });
    return reference;
  }

  capture(charge: Booked): void {
    charge.status = "captured";
    charge.captures.push(this.#world.now());
    this.#note(charge, "payment.captured", charge.amountMinor);
  }

  decline(charge: Booked, reason: string): void {
    charge.status = "declined";
    charge.reason = reason;
    this.#note(charge, "payment.declined", charge.amountMinor);
  }

  refund(charge: Booked, amountMinor: number): void {
    charge.refundedMinor += amountMinor;
    this.#note(charge, "payment.refunded", charge.refundedMinor);
  }

  dispute({ reference, amountMinor, currency }: Booked): void {
    this.#told({
      ...{ id: this.#eventId(), type: "payment.disputed", reference, amountMinor, currency },
      reason: "fraudulent",
    });
  }

  /** As the shop is told of it. */
  viewOf({ status, reference, amountMinor, refundedMinor, reason }: Booked): Charge | null {
    if (status === "open") return null;
    if (status === "declined") return { status, reason };
    return { status, reference, amountMinor, refundedMinor };
  }

  #note(charge: Booked, type: PaymentEvent["type"], amountMinor: number): void {
    const { orderId, currency } = charge;
    const createdAt = this.#world.now();
    this.#told({ id: this.#eventId(), type, orderId, amountMinor, currency, createdAt });
  }

  #told(event: PaymentEvent | PaymentNotice): void {
    this.#world.note(`the gateway: ${event.type} ${"orderId" in event ? event.orderId : ""}`);
    this.told.push(event);
    this.#tell(event);
  }

  #eventId(): string {
    return `evt_${this.told.length + 1}`;
  }
}
