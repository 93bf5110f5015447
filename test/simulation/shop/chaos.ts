import { Tripwire } from "../tripwire.ts";
import type { World } from "../../../src/testing/world.ts";

/** What goes wrong in and around a shop. */
export const SHOP_FAULTS = [
  /** A process is gone, with all that it waits for: a consumer, a request, one of the watchdog's duties. */
  "consumer dies",
  "request dies",
  "duty dies",
  /** A ledger's object is evicted before or after a command. */
  "ledger dies",
  /** A call to a ledger, or its answer, is lost. */
  "call lost",
  "answer lost",
  /** A ledger is just looking for a task that is relayed to it, for somebody who is not heard of again. */
  "ledger busy",
  "bell lost",
  "bell doubled",
  /** The database: the connection breaks before or after the commit, or says no, or takes its time. */
  "d1 lost before commit",
  "d1 lost after commit",
  "d1 overloaded",
  "d1 slow",
  "d1 timeout",
  /** Ten minutes without it: each call that was refused. */
  "d1 down",
  "smtp refused",
  "smtp banner hangs",
  "smtp tls fails",
  "smtp 421",
  "smtp 535",
  "smtp 450",
  "smtp 452",
  "smtp 550",
  "smtp 554 after data",
  "smtp cut after final dot",
  "smtp cut before it was taken",
  "smtp drips",
  "smtp 250 twice",
  "mail 429",
  "mail 409",
  "mail 422 of a batch",
  "mail 500",
  "mail lost before",
  "mail timeout after",
  "mail answer garbled",
  /** Minutes without it: each call that was refused. */
  "mail down",
  "gateway lost before",
  "gateway timeout after",
  "gateway 500 stored",
  "gateway 409",
  "gateway answer garbled",
  "gateway refuses refund",
  "gateway search lags",
  /** Cards: declined, and those that ask for their holder. */
  "card declined",
  "card asks for holder",
  /** The gateway's people give money back by themselves, or take it for a charge that was cancelled. */
  "gateway refunds by itself",
  "gateway captures by itself",
  /** Minutes without it: each call that was refused. */
  "gateway down",
  "webhook duplicate",
  "webhook late",
  "webhook days late",
  "webhook before answer",
  "webhook forged",
  "webhook stale",
  "webhook of another amount",
  "webhook disputed",
  "store put fails",
  "store get fails",
  "store put lost after",
] as const;
export type ShopFault = (typeof SHOP_FAULTS)[number];

/** Probabilities per occasion; what is down is down once if its is more than 0. */
export type FaultRates = Readonly<Partial<Record<ShopFault, number>>>;

/** Chance, as far as it breaks things, with the count of what it broke. */
export class Chaos {
  readonly #world: World;
  readonly #rates: FaultRates;
  readonly #counts = new Map<ShopFault, number>();
  /** Of every call that anybody makes of anything outside. */
  readonly tripwire: Tripwire;
  /** Faults have stopped. */
  isOver = false;

  constructor(world: World, rates: FaultRates, tripwire = new Tripwire()) {
    this.#world = world;
    this.#rates = rates;
    this.tripwire = tripwire;
    for (const fault of SHOP_FAULTS) if ((rates[fault] ?? 0) > 0) this.#counts.set(fault, 0);
  }

  rateOf(fault: ShopFault): number {
    return this.isOver ? 0 : (this.#rates[fault] ?? 0);
  }

  /** Whether it happens now; counted if it does. */
  happens(fault: ShopFault): boolean {
    if (!this.#world.chance(this.rateOf(fault))) return false;
    this.happened(fault);
    return true;
  }

  happened(fault: ShopFault): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
    this.#world.note(fault);
  }

  /** How often each fault that may happen did. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
