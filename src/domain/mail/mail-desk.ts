import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import { MailBook, type MailEnd } from "./mail-book.ts";
import { messageIdOf } from "./message-id.ts";
import { failedForNow, identityOf, toOutgoing, type Outgoing } from "./outgoing.ts";
import type { Locale, MailContent, MailTemplate } from "./template.tsx";
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
  readonly content: MailContent;
}

/** A request to send a template, rendered. */
export function mailOf<Props>(
  template: MailTemplate<Props>,
  { key, to, locale, props }: { key: string; to: string; locale: Locale; props: Props },
): MailRequest {
  const { name, isBulk, isSecret } = template;
  return { key, to, template: name, isBulk, isSecret, content: template.render(props, locale) };
}

/** A mail that can't be sent for so long is given up. */
const GIVE_UP_AFTER_MS = 3 * 86_400_000;
const RETRY_MS = 60_000;
const MAX_RETRY_MS = 3_600_000;
/** Mails that go through the transport together. */
const AT_ONCE = 50;

const SUPPRESSED: MailOutcome = {
  status: "failed",
  isPermanent: true,
  reason: "The address is on the suppression list.",
};

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
 * Rows written per mail: 3 (the row, its place in the sweep's index, its end).
 */
export class MailDesk {
  readonly #book: MailBook;
  readonly #transport: MailTransport;
  readonly #clock: Clock;
  readonly #unsubscribe: Unsubscribe;

  constructor({ db, transport, clock, unsubscribe }: Parts) {
    this.#book = new MailBook(db);
    this.#transport = transport;
    this.#clock = clock;
    this.#unsubscribe = unsubscribe;
  }

  /**
   * Sends mails now: one outcome each, in their order. One that was sent before is `sent` again; one that
   * somebody else has in hand, or that can't be sent now, failed for now, and the sweep will see to it.
   * @throws MailUnavailableError when none could be sent
   */
  async send(requests: readonly MailRequest[]): Promise<MailOutcome[]> {
    const mails = await Promise.all(requests.map((request) => this.#outgoing(request)));
    const outcomes = new Map<string, MailOutcome>();
    for (const chunk of chunks(mails)) {
      const mine = await this.#book.take(chunk, this.#clock.now(), this.#transport.keepsMail);
      const isMine = ({ message }: Outgoing) => mine.has(identityOf(message));
      const others = await this.#book.outcomes(chunk.filter((mail) => !isMine(mail)));
      const delivered = await this.#deliver(chunk.filter(isMine));
      for (const [identity, outcome] of [...others, ...delivered]) outcomes.set(identity, outcome);
    }
    return mails.map(
      ({ message }) => outcomes.get(identityOf(message)) ?? failedForNow("Its row is gone."),
    );
  }

  /**
   * The statements that queue mails, for the batch of the write they belong to; the sweep sends them. A mail
   * that is there already stays as it is. None may have a secret in it. Rows written: 2 per mail.
   */
  async queue(requests: readonly MailRequest[]): Promise<BatchItem<"sqlite">[]> {
    const mails = await Promise.all(requests.map((request) => this.#outgoing(request)));
    return chunks(mails).map((chunk) => this.#book.insertPending(chunk, this.#clock.now()));
  }

  /**
   * Sends what waits, the longest due first: what was queued, what could not be sent before, and what
   * somebody died with. Stops after `limit` mails, or when the transport can't be used.
   */
  async sweep(limit: number): Promise<{ sent: number; failed: number; waiting: number }> {
    const result = { sent: 0, failed: 0, waiting: 0 };
    await this.#book.giveUpSecrets(this.#clock.now() - GIVE_UP_AFTER_MS);
    for (let left = limit; left > 0;) {
      const rows = await this.#book.takeDue(Math.min(left, AT_ONCE), this.#clock.now());
      left -= rows.length;
      if (rows.length === 0) break;
      const outcomes = await this.#deliver(rows.map(toOutgoing)).catch(() => null);
      if (outcomes === null) return { ...result, waiting: result.waiting + rows.length };
      for (const outcome of outcomes.values()) {
        if (outcome.status === "sent") result.sent += 1;
        else if (outcome.isPermanent) result.failed += 1;
        else result.waiting += 1;
      }
    }
    return result;
  }

  /** Asks the transport for mails that are in our hands, and writes down what it said. */
  async #deliver(mails: readonly Outgoing[]): Promise<Map<string, MailOutcome>> {
    if (mails.length === 0) return new Map();
    const isSuppressed = await this.#book.suppressed(mails.map(({ message }) => message.to));
    const open = mails.filter(
      ({ message: { to, headers } }) => !isSuppressed(to, "List-Unsubscribe" in headers),
    );
    let answers: readonly MailOutcome[] = [];
    let error: Error | null = null;
    try {
      if (open.length > 0)
        answers = await this.#transport.sendBatch(open.map((mail) => mail.message));
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
      error = cause;
      answers = open.map(() => failedForNow(cause.message));
    }
    const outcomes = new Map(mails.map(({ message }) => [identityOf(message), SUPPRESSED]));
    open.forEach(({ message }, index) => {
      const outcome = answers[index] ?? failedForNow("The transport gave no outcome.");
      outcomes.set(identityOf(message), outcome);
    });
    const now = this.#clock.now();
    const ends = mails.map((mail) => {
      const outcome = outcomes.get(identityOf(mail.message)) ?? SUPPRESSED;
      return endOf(mail, outcome, now);
    });
    await this.#book.record(ends, now);
    if (error !== null) throw error;
    return outcomes;
  }

  async #outgoing(request: MailRequest): Promise<Outgoing> {
    const { key: taskId, to, template, content, isBulk, isSecret } = request;
    return {
      message: {
        messageId: await messageIdOf(taskId, to, template),
        taskId,
        template,
        to,
        ...content,
        headers: isBulk ? await this.#unsubscribe.headersFor(to) : {},
      },
      isSecret,
      attempts: 1,
      createdAt: this.#clock.now(),
    };
  }
}

/** What a try leaves behind: the end, or the time of the next one, ever later. */
function endOf(
  { message, attempts, createdAt }: Outgoing,
  outcome: MailOutcome,
  now: number,
): MailEnd {
  if (outcome.status === "sent") {
    return { message, state: "sent", dueAt: 0, reason: null, isBounce: false };
  }
  const { reason, isPermanent } = outcome;
  if (isPermanent || now - createdAt > GIVE_UP_AFTER_MS) {
    const isBounce = isPermanent && outcome !== SUPPRESSED;
    return { message, state: "failed", dueAt: 0, reason, isBounce };
  }
  const wait = Math.min(RETRY_MS * 2 ** Math.min(attempts - 1, 10), MAX_RETRY_MS);
  return { message, state: "pending", dueAt: now + wait, reason, isBounce: false };
}

function chunks<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, index) =>
    items.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
}
