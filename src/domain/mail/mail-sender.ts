import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock } from "#engine";
import { isAddress } from "./address.ts";
import { ALONE, isForgotten, keyOfTry, newBatchKey } from "./batch-key.ts";
import { MailBook, type DueMail } from "./mail-book.ts";
import {
  headersOf,
  identityOf,
  inOrder,
  isBulk,
  toOutgoing,
  type InHand,
  type Outgoing,
  type StoredEmail,
} from "./outgoing.ts";
import { findSuppressed } from "./suppressions.ts";
import {
  endOf,
  endsOf,
  FORGOTTEN,
  NO_ADDRESS,
  NO_OUTCOME,
  outcomeOfError,
  outcomeOfRepeat,
  SUPPRESSED,
  UNSUBSCRIBED,
  type MailEnd,
} from "./tries.ts";
import {
  MailStoppedError,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "./transport.ts";

/** So long is waited, ms, before what was sent is written down again: if it never is, some of it may go out twice. */
const RECORD_WAITS_MS = [200, 2_000, 8_000];

/** What became of mails, by identity. */
type Outcomes = ReadonlyMap<string, MailOutcome>;

/** What a batch came to. */
export interface Delivered {
  readonly outcomes: Outcomes;
  /** Why the transport can't be used just now. */
  readonly error: Error | null;
}

export interface SenderParts {
  readonly db: DrizzleD1Database;
  readonly transport: MailTransport;
  readonly clock: Clock;
  /** Told that the transport takes no mail until a person has looked, and why. Never throws. */
  readonly stopped: (reason: string) => Promise<void>;
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * Takes mails in hand in batches, asks the transport for them and writes down what it said. A batch of an
 * idempotent transport has a key, stored by the statement that takes it in hand: as long as nobody knows what
 * became of it, it is asked for again under that key, the same mails with the same content in the same order.
 */
export class MailSender {
  readonly book: MailBook;
  readonly #db: DrizzleD1Database;
  readonly #transport: MailTransport;
  readonly #clock: Clock;
  readonly #stopped: (reason: string) => Promise<void>;
  readonly #pause: (ms: number) => Promise<void>;

  constructor({ db, transport, clock, stopped, pause }: SenderParts) {
    this.book = new MailBook(db, transport);
    this.#db = db;
    this.#transport = transport;
    this.#clock = clock;
    this.#stopped = stopped;
    this.#pause = pause;
  }

  /** Whether it goes out under a key of its own: no batch could be repeated with a mail whose text is stored nowhere. */
  isAlone({ isSecret }: Pick<Outgoing, "isSecret">): boolean {
    return isSecret && this.#transport.isIdempotent && !this.#transport.keepsMail;
  }

  /**
   * Sends of these mails those that nobody else has in hand, and that can't be out.
   * @param batch of one mail, if it goes out alone
   * @returns `others`: the rows of the rest
   */
  async send(batch: readonly Outgoing[]): Promise<Delivered & { others: StoredEmail[] }> {
    const refused = await this.#refused(batch.map(({ message }) => message));
    const now = this.#clock.now();
    const isKept = this.#transport.isIdempotent && !batch.some((mail) => this.isAlone(mail));
    const key = newBatchKey(now);
    const mine = await this.book.take(batch, now, ({ message }) =>
      isKept && !refused.has(identityOf(message)) ? key : null,
    );
    const isMine = new Set(mine.map(({ message }) => identityOf(message)));
    const others = await this.book.find(
      batch.filter(({ message }) => !isMine.has(identityOf(message))),
    );
    const alone = mine.find((mail) => this.isAlone(mail));
    const own = alone === undefined ? key : keyOfTry(alone);
    return { ...(await this.#deliver(mine, { key: own, isKept }, refused)), others };
  }

  /** Sends what is due, as it is stored, in a new batch; unless somebody else has it or it may be out. */
  async sendDue(due: readonly DueMail[]): Promise<Delivered> {
    const refused = await this.#refused(
      due.map((mail) => ({ ...mail, to: mail.toAddress, headers: headersOf(mail) })),
    );
    const now = this.#clock.now();
    const isKept = this.#transport.isIdempotent;
    const key = newBatchKey(now);
    const rows = await this.book.takeDue(due, now, (mail) =>
      isKept && !refused.has(identityOf({ ...mail, to: mail.toAddress })) ? key : null,
    );
    return this.#deliver(rows.map(toOutgoing), { key, isKept }, refused);
  }

  /** Whether a mail that is not through goes in no new batch: it may be out with its own, or goes alone. */
  goesApart({ state, batchKey }: Pick<DueMail, "state" | "batchKey">): boolean {
    const isOpen = state === "pending" || state === "sending";
    return isOpen && batchKey !== null && this.#transport.isIdempotent;
  }

  /**
   * Asks for those of them that go in no new batch and that nobody has in hand, one after another: the batches that may
   * be out, each whole, and mails that go alone and are due.
   */
  async *sendApart(rows: readonly DueMail[]): AsyncGenerator<Delivered> {
    const now = this.#clock.now();
    const apart = rows.filter((row) => this.goesApart(row));
    const alone = apart.filter(({ batchKey, dueAt }) => batchKey === ALONE && dueAt <= now);
    const lost = apart.filter(
      ({ batchKey, state, dueAt }) => batchKey !== ALONE && (state === "pending" || dueAt <= now),
    );
    const batches = new Map(lost.map((row) => [row.batchKey ?? "", row]));
    for (const [key, row] of batches) yield this.#repeat(key, row);
    for (const row of alone) yield this.sendDue([row]);
  }

  /**
   * Asks again for a batch that may be out. Who was put on the suppression list since is in it, as before. One that
   * the provider may have forgotten ends as failed.
   */
  async #repeat(key: string, { dueAt }: DueMail): Promise<Delivered> {
    const now = this.#clock.now();
    const rows = await this.book.takeBatch(key, dueAt, now);
    const mails = inOrder(rows.map(toOutgoing));
    const batch = { mails, key, isKept: true, isRepeat: true };
    if (!isForgotten(key, now)) return this.#ask(batch, []);
    return this.#record(mails.map((mail) => this.#endOf(mail, FORGOTTEN)));
  }

  /** Asks for a new batch, without the mails that were refused before. */
  async #deliver(
    mine: readonly Outgoing[],
    { key, isKept }: Pick<InHand, "key" | "isKept">,
    refused: Outcomes,
  ): Promise<Delivered> {
    const closed = mine.flatMap((mail) => {
      const outcome = refused.get(identityOf(mail.message));
      return outcome === undefined ? [] : [this.#endOf(mail, outcome)];
    });
    const open = mine.filter(({ message }) => !refused.has(identityOf(message)));
    return this.#ask({ mails: inOrder(open), key, isKept, isRepeat: false }, closed);
  }

  /** Asks the transport for a batch. @param closed what is recorded with it */
  async #ask(batch: InHand, closed: readonly MailEnd[]): Promise<Delivered> {
    const { answers, error } = await this.#answers(batch);
    const isStopped = error instanceof MailStoppedError;
    if (isStopped) await this.#stopped(error.message);
    const ends = endsOf(batch, answers, this.#circumstances(isStopped));
    return { ...(await this.#record([...ends, ...closed])), error };
  }

  /** What the transport answers, in the order of the mails. Never throws. */
  async #answers({
    mails,
    key,
    isRepeat,
  }: InHand): Promise<{ answers: readonly MailOutcome[]; error: Error | null }> {
    if (mails.length === 0) return { answers: [], error: null };
    try {
      const answers = await this.#transport.sendBatch(
        mails.map(({ message }) => message),
        key,
      );
      const outcomes = mails.map((_, index) => answers[index] ?? NO_OUTCOME);
      return { answers: isRepeat ? outcomes.map(outcomeOfRepeat) : outcomes, error: null };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const outcome = outcomeOfError(error);
      return { answers: mails.map(() => (isRepeat ? outcomeOfRepeat(outcome) : outcome)), error };
    }
  }

  /** Writes ends down, also when the database is away for a moment: what is not written down is asked for again. */
  async #record(ends: readonly MailEnd[]): Promise<Delivered> {
    const waits = RECORD_WAITS_MS.values();
    for (let isWritten = false; !isWritten;) {
      try {
        await this.book.record(ends, this.#clock.now());
        isWritten = true;
      } catch (error) {
        const { value: wait } = waits.next();
        if (wait === undefined) throw error;
        await this.#pause(wait);
      }
    }
    const outcomes = ends.map(({ mail, outcome }) => [identityOf(mail.message), outcome] as const);
    return { outcomes: new Map(outcomes), error: null };
  }

  /** Of those mails the ones that the transport isn't asked for. */
  async #refused(
    mails: readonly Pick<MailMessage, "taskId" | "to" | "template" | "headers">[],
  ): Promise<Outcomes> {
    const keyOf = ({ to }: Pick<MailMessage, "to">) => to.toLowerCase();
    const suppressed = await findSuppressed(this.#db, mails.map(keyOf));
    const reasonOf = (mail: Pick<MailMessage, "to" | "headers">): MailOutcome | null => {
      const reasons = suppressed.get(keyOf(mail));
      if (!isAddress(mail.to)) return NO_ADDRESS;
      if (reasons?.has("hard_bounce") === true) return SUPPRESSED;
      return isBulk(mail) && reasons?.has("unsubscribed") === true ? UNSUBSCRIBED : null;
    };
    return new Map(
      mails.flatMap((mail) => {
        const reason = reasonOf(mail);
        return reason === null ? [] : [[identityOf(mail), reason] as const];
      }),
    );
  }

  #endOf(mail: Outgoing, outcome: MailOutcome): MailEnd {
    return endOf(mail, outcome, this.#circumstances(false));
  }

  #circumstances(isStopped: boolean) {
    return { now: this.#clock.now(), keepsMail: this.#transport.keepsMail, isStopped };
  }
}
