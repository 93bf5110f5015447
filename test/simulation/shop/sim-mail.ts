import {
  MailStoppedError,
  MailUnavailableError,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "#domain/mail";
import type { World } from "../../../src/testing/world.ts";
import { Violation } from "../violation.ts";
import type { Chaos } from "./chaos.ts";
import type { Delivery, MailBook } from "./mail-book.ts";
import type { ShopProcess } from "./shop-process.ts";

const BATCH = 50;
const HANG_MS = 30_000;
const DRIP_MS = 700;
/** An idempotent provider knows a key for a day. */
const KEPT_MS = 86_400_000;
/** Longer than a shop waits until it asks again. */
const BUSY_MS = 150_000;

export interface SimMailParts {
  readonly world: World;
  readonly chaos: Chaos;
  readonly book: MailBook;
  readonly broken: (violation: Violation) => void;
}

/** A mail provider of a kind, that everybody of the shop sends by. */
export interface SimMail {
  readonly book: MailBook;
  goDown(ms: number): void;
  transportFor(process: ShopProcess): MailTransport;
}

/** Nobody has this mailbox. */
function isDeadMailbox(to: string): boolean {
  return to.startsWith("nobody");
}

/** Mail to this address makes a provider refuse all that comes with it. */
function isRefusedAddress(to: string): boolean {
  return to.startsWith("odd");
}

const failed = (reason: string): MailOutcome => ({ status: "failed", isPermanent: false, reason });
const never = (reason: string): MailOutcome => ({ status: "failed", isPermanent: true, reason });
const noMailbox: MailOutcome = {
  ...{ status: "failed", isPermanent: true, reason: "550 5.1.1 No such user" },
  isBounce: true,
};

/** An SMTP server, one connection a batch: what it took is out, and only its answer tells. */
export class SimSmtp implements SimMail {
  readonly book: MailBook;
  readonly #world: World;
  readonly #chaos: Chaos;
  #downUntil = 0;

  constructor({ world, chaos, book }: SimMailParts) {
    this.#world = world;
    this.#chaos = chaos;
    this.book = book;
  }

  goDown(ms: number): void {
    this.#downUntil = this.#world.now() + ms;
  }

  transportFor(process: ShopProcess): MailTransport {
    return {
      ...{ keepsMail: false, isIdempotent: false, batchSize: BATCH },
      sendBatch: async (messages) => {
        const { outcomes, delivered } = await process.call(10, () => this.#send(messages, process));
        for (const delivery of delivered) delivery.isAnswered = true;
        return outcomes;
      },
    };
  }

  /** @returns what of it was taken, and says so */
  async #send(messages: readonly MailMessage[], sender: ShopProcess) {
    await this.#connect();
    const outcomes: MailOutcome[] = [];
    const delivered: Delivery[] = [];
    for (let lost: MailOutcome | null = null; outcomes.length < messages.length;) {
      const message = messages[outcomes.length];
      if (message === undefined) break;
      if (lost !== null) {
        outcomes.push(lost);
        continue;
      }
      if (this.#chaos.happens("smtp drips")) await this.#world.sleep(DRIP_MS);
      const { outcome, isOver, taken } = this.#one(message, sender);
      outcomes.push(outcome);
      if (taken !== null) delivered.push(taken);
      if (isOver) lost = failed("the connection is over");
    }
    await this.#world.sleep(this.#world.between(1, 20));
    return { outcomes, delivered };
  }

  async #connect(): Promise<void> {
    const chaos = this.#chaos;
    if (this.#world.now() < this.#downUntil) {
      chaos.happened("mail down");
      throw new MailUnavailableError("connection refused");
    }
    if (chaos.happens("smtp refused")) throw new MailUnavailableError("connection refused");
    if (chaos.happens("smtp tls fails")) throw new MailUnavailableError("TLS failed");
    if (chaos.happens("smtp 421")) throw new MailUnavailableError("421 try again later");
    if (chaos.happens("smtp 535")) throw new MailStoppedError("535 authentication failed");
    if (chaos.happens("smtp banner hangs")) {
      await this.#world.sleep(HANG_MS);
      throw new MailUnavailableError("no greeting");
    }
  }

  /** @returns `taken`: what its answer says was taken; null: no answer says so */
  #one(
    message: MailMessage,
    sender: ShopProcess,
  ): { outcome: MailOutcome; isOver: boolean; taken: Delivery | null } {
    const chaos = this.#chaos;
    const end = (outcome: MailOutcome, isOver = false) => ({ outcome, isOver, taken: null });
    const lost = { ...failed("connection closed"), isUnknown: true } as MailOutcome;
    if (isDeadMailbox(message.to)) {
      if (chaos.rateOf("smtp 550") > 0) chaos.happened("smtp 550");
      this.book.refuse(message);
      return end(noMailbox);
    }
    if (chaos.happens("smtp 450")) return end(failed("450 greylisted"));
    if (chaos.happens("smtp 452")) {
      return end({ ...failed("452 too many"), retryAfterSeconds: 300 } as MailOutcome);
    }
    if (chaos.happens("smtp 554 after data")) {
      this.book.refuse(message);
      return end(never("554 no"));
    }
    if (chaos.happens("smtp cut before it was taken")) return end(lost, true);
    const delivery = this.book.deliver(message, sender);
    if (chaos.happens("smtp cut after final dot")) return end(lost, true);
    const isOver = chaos.happens("smtp 250 twice");
    return {
      outcome: { status: "sent", providerId: `q${this.book.deliveries.length}` },
      isOver,
      taken: delivery,
    };
  }
}

interface Kept {
  readonly at: number;
  readonly payload: string;
  /** Null: it is being worked on. */
  outcomes: MailOutcome[] | null;
}

/** A provider over HTTP that sends what came under a key once, and knows its keys for a day. */
export class SimHttpMail implements SimMail {
  readonly book: MailBook;
  readonly #parts: SimMailParts;
  readonly #kept = new Map<string, Kept>();
  #downUntil = 0;

  constructor(parts: SimMailParts) {
    this.#parts = parts;
    this.book = parts.book;
  }

  goDown(ms: number): void {
    this.#downUntil = this.#parts.world.now() + ms;
  }

  transportFor(process: ShopProcess): MailTransport {
    return {
      ...{ keepsMail: false, isIdempotent: true, batchSize: BATCH },
      sendBatch: (messages, key) => process.call(10, () => this.#ask(messages, key, process)),
    };
  }

  async #ask(
    messages: readonly MailMessage[],
    key: string,
    sender: ShopProcess,
  ): Promise<MailOutcome[]> {
    const { world, chaos } = this.#parts;
    const unknown = (why: string) => new MailUnavailableError(why, { isUnknown: true });
    if (world.now() < this.#downUntil) {
      chaos.happened("mail down");
      throw new MailUnavailableError("503", { retryAfterSeconds: 30, isUnknown: true });
    }
    if (chaos.happens("mail lost before")) throw unknown("no answer");
    if (chaos.happens("mail 429")) throw new MailUnavailableError("429", { retryAfterSeconds: 5 });
    if (chaos.happens("mail 500")) throw unknown("500");
    const kept = this.#find(messages, key);
    if (kept?.outcomes === null) throw unknown("409 concurrent request");
    const outcomes = kept?.outcomes ?? (await this.#send(messages, key, sender));
    if (chaos.happens("mail timeout after")) {
      await world.sleep(HANG_MS);
      throw unknown("timeout");
    }
    if (chaos.happens("mail answer garbled")) throw unknown("no JSON");
    return outcomes;
  }

  #find(messages: readonly MailMessage[], key: string): Kept | undefined {
    const { world, chaos, broken } = this.#parts;
    const kept = this.#kept.get(key);
    if (kept === undefined || world.now() - kept.at > KEPT_MS) return undefined;
    if (kept.payload !== JSON.stringify(messages)) {
      broken(new Violation(`G11: other mails under the key ${key}`));
    }
    if (kept.outcomes === null) chaos.happened("mail 409");
    return kept;
  }

  async #send(
    messages: readonly MailMessage[],
    key: string,
    sender: ShopProcess,
  ): Promise<MailOutcome[]> {
    const { world, chaos } = this.#parts;
    if (messages.some(({ to }) => isRefusedAddress(to))) {
      chaos.happened("mail 422 of a batch");
      const [only] = messages;
      if (messages.length > 1 || only === undefined) {
        return messages.map(
          () => ({ ...failed("422 of one of them"), isShared: true }) as MailOutcome,
        );
      }
      this.book.refuse(only);
      return [never("422")];
    }
    const kept: Kept = { at: world.now(), payload: JSON.stringify(messages), outcomes: null };
    this.#kept.set(key, kept);
    const isSlow = world.chance(chaos.rateOf("mail 409"));
    const outcomes = messages.map((message): MailOutcome => {
      if (isDeadMailbox(message.to)) {
        this.book.refuse(message);
        return noMailbox;
      }
      this.book.deliver(message, sender).isAnswered = true;
      return { status: "sent", providerId: `m${this.book.deliveries.length}` };
    });
    if (isSlow) {
      world.after(BUSY_MS, () => {
        kept.outcomes = outcomes;
      });
      await world.sleep(HANG_MS);
      throw new MailUnavailableError("timeout", { isUnknown: true });
    }
    await world.sleep(world.between(1, 30));
    kept.outcomes = outcomes;
    return outcomes;
  }
}
