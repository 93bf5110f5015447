import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import { isAddress } from "./address.ts";
import { MailBook } from "./mail-book.ts";
import { messageIdOf } from "./message-id.ts";
import {
  AT_ONCE,
  batchesOf,
  failedForNow,
  identityOf,
  isBulk,
  toOutgoing,
  type Outgoing,
} from "./outgoing.ts";
import { addSuppression, findSuppressed } from "./suppressions.ts";
import type { Locale, MailContent, MailFrame, MailTemplate } from "./template.ts";
import {
  endOf,
  GIVE_UP_AFTER_MS,
  NO_ADDRESS,
  SUPPRESSED,
  UNSUBSCRIBED,
  type MailEnd,
} from "./tries.ts";
import type { MailOutcome, MailTransport } from "./transport.ts";
import type { Unsubscribe } from "./unsubscribe.ts";

/** A mail somebody wants sent: one per key, recipient and template, however often it is asked for. */
export interface MailRequest {
  /** The id of the task that sends it, or `<event>:<id>`: what makes it one mail. */
  readonly key: string;
  readonly to: string;
  readonly template: string;
  readonly isBulk: boolean;
  readonly isSecret: boolean;
  render(frame: MailFrame): MailContent;
}

/** A request to send a template. */
export function mailOf<Props>(
  template: MailTemplate<Props>,
  { key, to, locale, props }: { key: string; to: string; locale: Locale; props: Props },
): MailRequest {
  const { name, isBulk: bulk, isSecret } = template;
  const render = (frame: MailFrame) => template.render(props, locale, frame);
  return { key, to, template: name, isBulk: bulk, isSecret, render };
}

/** What a sweep did: how many mails were sent, given up, put off; and why it stopped. */
export interface Sweep {
  readonly sent: number;
  readonly failed: number;
  readonly waiting: number;
  /** `empty`: nothing more is due; `limit`: more may be; else what the transport said when it couldn't be used. */
  readonly end: "empty" | "limit" | Error;
}

/** The database's answer to what was sent is asked for this often. */
const RECORD_TRIES = 3;

interface Parts {
  readonly db: DrizzleD1Database;
  readonly transport: MailTransport;
  readonly clock: Clock;
  readonly unsubscribe: Unsubscribe;
}

/**
 * Where all mail of the shop goes out. Every mail has a row, written before the transport is asked: so a
 * mail is sent by one at a time, what was sent is not sent again, and what could not be sent is swept
 * later. Only a crash between the provider's answer and its record can send a mail twice.
 * Rows written per mail: 4 (the row, its places in two indexes, its end); 6 when it was queued.
 */
export class MailDesk {
  readonly #db: DrizzleD1Database;
  readonly #book: MailBook;
  readonly #transport: MailTransport;
  readonly #clock: Clock;
  readonly #unsubscribe: Unsubscribe;

  constructor({ db, transport, clock, unsubscribe }: Parts) {
    this.#db = db;
    this.#book = new MailBook(db, transport.keepsMail);
    this.#transport = transport;
    this.#clock = clock;
    this.#unsubscribe = unsubscribe;
  }

  /**
   * Sends mails now: one outcome each, in their order. One that was sent before is `sent` again; one that
   * somebody else has in hand, or that can't be sent now, failed for now: it is tried again by the sweep, and by
   * whoever asks for it again. The same mail twice among them is one.
   */
  async send(requests: readonly MailRequest[]): Promise<MailOutcome[]> {
    const mails = await Promise.all(requests.map((request) => this.#outgoing(request)));
    const outcomes = new Map<string, MailOutcome>();
    let isDown = false;
    for (const batch of batchesOf(mails)) {
      const now = this.#clock.now();
      // What can't be asked for just now waits, as what was asked for in vain.
      if (isDown) await this.#book.insertPending(batch, now);
      const mine = isDown ? [] : await this.#book.take(batch, now);
      const isMine = new Set(mine.map(({ message }) => identityOf(message)));
      const others = batch.filter(({ message }) => !isMine.has(identityOf(message)));
      const known = await this.#book.outcomes(others, now);
      const { outcomes: delivered, error } = await this.#deliver(mine);
      isDown ||= error !== null;
      for (const [identity, outcome] of [...known, ...delivered]) outcomes.set(identity, outcome);
    }
    return mails.map(
      ({ message }) => outcomes.get(identityOf(message)) ?? failedForNow("Its row is gone."),
    );
  }

  /**
   * The statements that queue mails, for the batch of the write they belong to; the sweep sends them. A mail
   * that is there already stays as it is. Rows written: 3 per mail.
   * @throws TypeError for one with a secret: it would be stored
   */
  async queue(requests: readonly MailRequest[]): Promise<BatchItem<"sqlite">[]> {
    const secret = requests.find(({ isSecret }) => isSecret);
    if (secret !== undefined) throw new TypeError(`${secret.template} has a secret: send it.`);
    const mails = await Promise.all(requests.map((request) => this.#outgoing(request)));
    const now = this.#clock.now();
    return batchesOf(mails).map((batch) => this.#book.insertPending(batch, now));
  }

  /**
   * Sends what waits, the longest due first: what was queued, what could not be sent before, and what
   * somebody died with. Stops after `limit` mails, or when the transport can't be used.
   */
  async sweep(limit: number): Promise<Sweep> {
    const result = { sent: 0, failed: 0, waiting: 0 };
    await this.#book.giveUpSecrets(this.#clock.now() - GIVE_UP_AFTER_MS);
    for (let left = limit; left > 0;) {
      const rows = await this.#book.takeDue(Math.min(left, AT_ONCE), this.#clock.now());
      left -= rows.length;
      if (rows.length === 0) return { ...result, end: "empty" };
      const { outcomes, error } = await this.#deliver(rows.map(toOutgoing));
      for (const outcome of outcomes.values()) {
        if (outcome.status === "sent") result.sent += 1;
        else if (outcome.isPermanent) result.failed += 1;
        else result.waiting += 1;
      }
      if (error !== null) return { ...result, end: error };
    }
    return { ...result, end: "limit" };
  }

  /** Whose bulk mail the link ends that has this token; null: it is none of ours. */
  readerOf(token: string): Promise<string | null> {
    return this.#unsubscribe.addressOf(token);
  }

  /** Takes an address off bulk mail; all other mail still comes. Safe to repeat. */
  async unsubscribe(address: string): Promise<void> {
    const createdAt = this.#clock.now();
    const entry = { address, reason: "unsubscribed", detail: null, createdAt } as const;
    await addSuppression(this.#db, entry);
  }

  /**
   * Asks the transport for mails that are in our hands, and writes down what it said.
   * @returns `error`: why the transport can't be used just now
   */
  async #deliver(
    mails: readonly Outgoing[],
  ): Promise<{ outcomes: Map<string, MailOutcome>; error: Error | null }> {
    if (mails.length === 0) return { outcomes: new Map(), error: null };
    const refused = await this.#refused(mails);
    const open = mails.filter((mail) => !refused.has(mail));
    const { answers, error } = await this.#ask(open);
    const now = this.#clock.now();
    const ends = mails.map((mail) => {
      const answer = refused.get(mail) ?? answers[open.indexOf(mail)];
      const { keepsMail } = this.#transport;
      return endOf(mail, answer ?? failedForNow("The transport gave no outcome."), {
        now,
        keepsMail,
      });
    });
    await this.#record(ends, now);
    const outcomes = ends.map(({ mail, outcome }) => [identityOf(mail.message), outcome] as const);
    return { outcomes: new Map(outcomes), error };
  }

  /** Of those mails the ones that the transport isn't asked for. */
  async #refused(mails: readonly Outgoing[]): Promise<Map<Outgoing, MailOutcome>> {
    const keyOf = ({ message }: Outgoing) => message.to.toLowerCase();
    const suppressed = await findSuppressed(this.#db, mails.map(keyOf));
    const reasonOf = (mail: Outgoing): MailOutcome | null => {
      const reasons = suppressed.get(keyOf(mail));
      if (!isAddress(mail.message.to)) return NO_ADDRESS;
      if (reasons?.has("hard_bounce") === true) return SUPPRESSED;
      return isBulk(mail.message) && reasons?.has("unsubscribed") === true ? UNSUBSCRIBED : null;
    };
    return new Map(
      mails.flatMap((mail) => {
        const reason = reasonOf(mail);
        return reason === null ? [] : [[mail, reason] as const];
      }),
    );
  }

  /** What the transport answers, in the order of the mails. Never throws. */
  async #ask(
    mails: readonly Outgoing[],
  ): Promise<{ answers: readonly MailOutcome[]; error: Error | null }> {
    if (mails.length === 0) return { answers: [], error: null };
    try {
      const answers = await this.#transport.sendBatch(
        mails.map(({ message }) => message),
        crypto.randomUUID(),
      );
      return { answers, error: null };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      return { answers: mails.map(() => failedForNow(error.message)), error };
    }
  }

  /** Not at the first trouble: what is not written down is sent again. */
  async #record(ends: readonly MailEnd[], now: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#book.record(ends, now);
        return;
      } catch (error) {
        if (tries === RECORD_TRIES) throw error;
      }
    }
  }

  async #outgoing({ key: taskId, to, template, ...request }: MailRequest): Promise<Outgoing> {
    const { publicUrl } = this.#unsubscribe;
    const unsubscribeLink = request.isBulk ? await this.#unsubscribe.linkFor(to) : null;
    return {
      message: {
        messageId: await messageIdOf(taskId, to, template),
        taskId,
        template,
        to,
        ...request.render({ publicUrl, unsubscribeLink }),
        headers: unsubscribeLink === null ? {} : this.#unsubscribe.headersFor(unsubscribeLink),
      },
      isSecret: request.isSecret,
      attempts: 1,
      createdAt: this.#clock.now(),
    };
  }
}
