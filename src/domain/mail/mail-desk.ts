import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import type { DueMail } from "./mail-book.ts";
import { MailSender, type Delivered, type SenderParts } from "./mail-sender.ts";
import { messageIdOf } from "./message-id.ts";
import {
  batchesOf,
  failedForNow,
  identityOf,
  outcomeOf,
  type Outgoing,
  type StoredEmail,
} from "./outgoing.ts";
import { addSuppression } from "./suppressions.ts";
import type { Locale } from "./locale.ts";
import type { MailContent, MailFrame, MailTemplate } from "./template.ts";
import { GIVE_UP_AFTER_MS } from "./tries.ts";
import type { MailOutcome } from "./transport.ts";
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

/** What goes apart, a batch that is asked for again or a mail alone, counts as so many mails, as it may take as long. */
const APART_COST = 50;

interface Parts extends Omit<SenderParts, "stopped" | "pause"> {
  readonly unsubscribe: Unsubscribe;
  /** The address that mail comes from; its domain is that of Message-IDs. Null: there is none yet. */
  readonly from?: string | null;
  /** See `SenderParts`; absent: nobody is told. */
  readonly stopped?: SenderParts["stopped"];
  /** Waits; absent: it doesn't. */
  readonly pause?: SenderParts["pause"];
}

/**
 * Where all mail of the shop goes out. Every mail has a row, written before the transport is asked: so a
 * mail is sent by one at a time, what was sent is not sent again, and what could not be sent is swept
 * later. After a crash between the provider's answer and its record, an idempotent transport is asked again
 * for the same, and sends it once; only through another, and with a secret in it, a mail may come twice then.
 * Rows written per mail: 4 (the row, its places in two indexes, its end); 6 when it was queued.
 */
export class MailDesk {
  readonly #db: DrizzleD1Database;
  readonly #sender: MailSender;
  readonly #batchSize: number;
  readonly #clock: Clock;
  readonly #unsubscribe: Unsubscribe;
  readonly #from: string | null;

  constructor({ unsubscribe, from = null, ...parts }: Parts) {
    const nothing = () => Promise.resolve();
    this.#db = parts.db;
    this.#sender = new MailSender({ stopped: nothing, pause: nothing, ...parts });
    this.#batchSize = parts.transport.batchSize;
    this.#clock = parts.clock;
    this.#unsubscribe = unsubscribe;
    this.#from = from;
  }

  /**
   * Sends mails now: one outcome each, in their order. One that was sent before is `sent` again; one that
   * somebody else has in hand, or that can't be sent now, failed for now: it is tried again by the sweep, and by
   * whoever asks for it again. One that may be out is asked for again with the others of its batch. The same mail
   * twice among them is one.
   * @param signal no batch is begun after it
   * @throws its reason
   */
  async send(requests: readonly MailRequest[], signal?: AbortSignal): Promise<MailOutcome[]> {
    const mails = await Promise.all(requests.map((request) => this.#outgoing(request)));
    const outcomes = new Map<string, MailOutcome>();
    let isDown = false;
    for (const batch of batchesOf(mails, this.#batchSize, (mail) => this.#sender.isAlone(mail))) {
      signal?.throwIfAborted();
      // What can't be asked for just now waits, as what was asked for in vain.
      if (isDown) await this.#sender.book.insertPending(batch, this.#clock.now());
      const found: Delivered = isDown ? await this.#known(batch) : await this.#sendBatch(batch);
      isDown ||= found.error !== null;
      for (const [identity, outcome] of found.outcomes) outcomes.set(identity, outcome);
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
    return batchesOf(mails, this.#batchSize).map((batch) =>
      this.#sender.book.insertPending(batch, now),
    );
  }

  /**
   * Sends what waits, the longest due first: what was queued, what could not be sent before, and what
   * somebody died with. Stops after `limit` mails and the rest of their batches, or when the transport can't be
   * used.
   */
  async sweep(limit: number): Promise<Sweep> {
    const result = { sent: 0, failed: 0, waiting: 0 };
    await this.#sender.book.giveUpSecrets(this.#clock.now() - GIVE_UP_AFTER_MS);
    for (let left = limit; left > 0;) {
      const due = await this.#sender.book.due(Math.min(left, this.#batchSize), this.#clock.now());
      if (due.length === 0) return { ...result, end: "empty" };
      for await (const { outcomes, error, cost } of this.#sendDue(due)) {
        for (const outcome of outcomes.values()) {
          if (outcome.status === "sent") result.sent += 1;
          else if (outcome.isPermanent) result.failed += 1;
          else result.waiting += 1;
        }
        if (error !== null) return { ...result, end: error };
        left -= cost;
        if (left <= 0) break;
      }
    }
    return { ...result, end: "limit" };
  }

  /** Makes all that waits due now, whatever time it was put off to; what somebody has in hand stays there. */
  async bringForward(): Promise<void> {
    await this.#sender.book.bringForward(this.#clock.now());
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

  /** Sends one batch of requests, and what else is in the batches that may be out. */
  async #sendBatch(batch: readonly Outgoing[]): Promise<Delivered> {
    const { others, ...first } = await this.#sender.send(batch);
    const outcomes = new Map([...this.#outcomesOf(others), ...first.outcomes]);
    let { error } = first;
    if (error !== null) return { outcomes, error };
    for await (const apart of this.#sender.sendApart(others)) {
      for (const [identity, outcome] of apart.outcomes) outcomes.set(identity, outcome);
      ({ error } = apart);
      if (error !== null) break;
    }
    return { outcomes, error };
  }

  /**
   * Sends what is due: first what goes together, then what goes apart. The cost is in mails, also of what somebody
   * else was quicker with, so that a sweep ends.
   */
  async *#sendDue(due: readonly DueMail[]): AsyncGenerator<Delivered & { cost: number }> {
    const fresh = due.filter((mail) => !this.#sender.goesApart(mail));
    if (fresh.length > 0) yield { ...(await this.#sender.sendDue(fresh)), cost: fresh.length };
    for await (const apart of this.#sender.sendApart(due)) yield { ...apart, cost: APART_COST };
  }

  async #known(batch: readonly Outgoing[]): Promise<Delivered> {
    const rows = await this.#sender.book.find(batch);
    return { outcomes: new Map(this.#outcomesOf(rows)), error: null };
  }

  #outcomesOf(rows: readonly StoredEmail[]): (readonly [string, MailOutcome])[] {
    const now = this.#clock.now();
    return rows.map((row) => [identityOf({ ...row, to: row.toAddress }), outcomeOf(row, now)]);
  }

  async #outgoing({ key: taskId, to, template, ...request }: MailRequest): Promise<Outgoing> {
    const { publicUrl } = this.#unsubscribe;
    const unsubscribeLink = request.isBulk ? await this.#unsubscribe.linkFor(to) : null;
    return {
      message: {
        messageId: await messageIdOf({ taskId, to, template }, this.#from),
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
