import type { MailMessage } from "#domain/mail";
import type { World } from "../../../src/testing/world.ts";
import { Violation } from "../violation.ts";
import type { ShopProcess } from "./shop-process.ts";

/** A message that a mailbox got. */
export interface Delivery {
  readonly messageId: string;
  readonly to: string;
  readonly template: string;
  readonly at: number;
  /** Who sent it, and what of the database had failed to them by then. */
  readonly sender: ShopProcess;
  readonly d1Failures: number;
  /** The sender was told. */
  isAnswered: boolean;
}

/** What mailboxes got, whatever the shop believes. Only grows. */
export class MailBook {
  readonly deliveries: Delivery[] = [];
  /** Addresses that were refused for good, by message. */
  readonly refused = new Set<string>();
  /** Deliveries of which the shop may not know. */
  unknown = 0;
  /** Messages that came to a mailbox more than once. */
  doubled = 0;
  readonly #world: World;
  readonly #byMail = new Map<string, Delivery[]>();
  readonly #isIdempotent: boolean;
  readonly #stateOf: (messageId: string, to: string) => string | null;
  readonly #broken: (violation: Violation) => void;

  /** @param stateOf what the shop's row says of a mail */
  constructor(parts: {
    world: World;
    isIdempotent: boolean;
    stateOf: (messageId: string, to: string) => string | null;
    broken: (violation: Violation) => void;
  }) {
    this.#world = parts.world;
    this.#isIdempotent = parts.isIdempotent;
    this.#stateOf = parts.stateOf;
    this.#broken = parts.broken;
  }

  of(messageId: string, to: string): readonly Delivery[] {
    return this.#byMail.get(keyOf(messageId, to)) ?? [];
  }

  /** Mailboxes that got this, each time. */
  to(template: string): Delivery[] {
    return this.deliveries.filter((delivery) => delivery.template === template);
  }

  deliver({ messageId, to, template }: MailMessage, sender: ShopProcess): Delivery {
    const before = this.of(messageId, to);
    if (before.length > 0) this.#checkAgain(messageId, to, before);
    const { d1Failures } = sender;
    const at = this.#world.now();
    const delivery = { messageId, to, template, at, sender, d1Failures, isAnswered: false };
    this.#world.note(`mail: ${template} to ${to}`);
    this.deliveries.push(delivery);
    this.#byMail.set(keyOf(messageId, to), [...before, delivery]);
    return delivery;
  }

  refuse({ messageId, to }: MailMessage): void {
    this.refused.add(keyOf(messageId, to));
  }

  isRefused(messageId: string, to: string): boolean {
    return this.refused.has(keyOf(messageId, to));
  }

  /** A mail may come again only if nobody could know that it had come; to an idempotent provider never. */
  #checkAgain(messageId: string, to: string, before: readonly Delivery[]): void {
    this.doubled += 1;
    const state = this.#stateOf(messageId, to);
    const last = before.at(-1);
    const isUnknown = last !== undefined && isUnknownTo(last);
    if (isUnknown) this.unknown += 1;
    if (this.#isIdempotent || state === "sent" || !isUnknown) {
      const why = `its row is ${state}, ${last?.isAnswered === true ? "answered" : "unanswered"}`;
      this.#broken(new Violation(`G11: ${messageId} went to ${to} again (${why})`));
    }
  }
}

/** Whether the shop may not know of it: no answer came, or who got it died, or could not write it down. */
function isUnknownTo({ isAnswered, sender, d1Failures }: Delivery): boolean {
  return !isAnswered || sender.isDead || sender.d1Failures > d1Failures;
}

function keyOf(messageId: string, to: string): string {
  return `${messageId} ${to.toLowerCase()}`;
}
