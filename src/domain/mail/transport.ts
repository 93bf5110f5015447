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
 * - `failed` with `isPermanent`: this recipient will never get it. Otherwise another try may succeed.
 */
export type MailOutcome =
  | { readonly status: "sent" }
  | {
      readonly status: "failed";
      readonly isPermanent: boolean;
      readonly reason: string;
      /**
       * Present: not this message is at fault, nor who sends it, but the mailbox: it will never take mail,
       * and is not written to again.
       */
      readonly isBounce?: true;
      /** Said by the desk of what it will try again: when that is. */
      readonly retryAfterSeconds?: number;
    };

/** The way out for mail. */
export interface MailTransport {
  /** True: it sends nothing; what the shop stores of a mail is the mail. For development. */
  readonly keepsMail: boolean;
  /**
   * Sends messages over one connection: one outcome each, in their order; one that fails does not keep
   * the others back. Answers or throws within a minute.
   * @throws MailUnavailableError when none could be sent
   */
  sendBatch(messages: readonly MailMessage[]): Promise<MailOutcome[]>;
}

/** A mail can't be sent just now: the provider is down, or asks for patience. */
export class MailUnavailableError extends Error {
  override readonly name = "MailUnavailableError";
  /** When it is worth another try; absent: nobody knows. */
  declare readonly retryAfterSeconds?: number;

  constructor(message: string, retryAfterSeconds?: number) {
    super(message);
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The provider refused this recipient for good. */
export class RecipientRefusedError extends Error {
  override readonly name = "RecipientRefusedError";
}
