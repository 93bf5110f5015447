/** A mail to one recipient. */
export interface MailMessage {
  /** Made from key, recipient and template: a repeated send has the same one. */
  readonly messageId: string;
  readonly taskId: string;
  readonly template: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Besides those that follow from the rest. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * How sending one message went.
 * - `sent`: the provider has it; `providerId` is its own name for it, where it has one.
 * - `failed` with `isPermanent`: this recipient will never get it. Otherwise another try may succeed.
 */
export type MailOutcome =
  | { readonly status: "sent"; readonly providerId?: string }
  | {
      readonly status: "failed";
      readonly isPermanent: boolean;
      readonly reason: string;
      /**
       * Present: not this message is at fault, nor who sends it, but the mailbox: it will never take mail,
       * and is not written to again.
       */
      readonly isBounce?: true;
      /**
       * Present: the answer got lost, so it may be out. Of an idempotent transport it goes for all messages of
       * the batch, because they can only be asked for again together.
       */
      readonly isUnknown?: true;
      /** Present: all messages were refused as one, and any of them may be the reason: it is to be tried alone. */
      readonly isShared?: true;
      /** When another try is worth it, or, said by the desk, when it makes one. */
      readonly retryAfterSeconds?: number;
    };

/** The way out for mail. */
export interface MailTransport {
  /** True: it sends nothing; what the shop stores of a mail is the mail. For development. */
  readonly keepsMail: boolean;
  /** True: the same messages under the same key go out once, if asked for again within 23 hours. */
  readonly isIdempotent: boolean;
  /** Messages that it is asked for together at most. */
  readonly batchSize: number;
  /**
   * Sends messages: one outcome each, in their order; one that fails does not keep the others back. Answers or
   * throws within a minute.
   * @param key belongs to these messages: asked for again, in their order and with nothing changed, they have the same
   * @throws MailUnavailableError when none could be sent, MailStoppedError when none will be until a person has looked
   */
  sendBatch(messages: readonly MailMessage[], key: string): Promise<MailOutcome[]>;
}

/** A mail can't be sent just now: the provider is down, or asks for patience. */
export class MailUnavailableError extends Error {
  override readonly name = "MailUnavailableError";
  /** When it is worth another try; absent: nobody knows. */
  declare readonly retryAfterSeconds?: number;
  /** True: the answer got lost, so all of it may be out. */
  readonly isUnknown: boolean;

  constructor(
    message: string,
    {
      retryAfterSeconds,
      isUnknown = false,
    }: { readonly retryAfterSeconds?: number | undefined; readonly isUnknown?: boolean } = {},
  ) {
    super(message);
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
    this.isUnknown = isUnknown;
  }
}

/** The provider takes no mail of ours: the login is refused, the account closed, the sender not allowed. */
export class MailStoppedError extends Error {
  override readonly name = "MailStoppedError";
}

/** The provider refused this recipient for good. */
export class RecipientRefusedError extends Error {
  override readonly name = "RecipientRefusedError";
}
