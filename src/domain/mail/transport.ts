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
  | { readonly status: "failed"; readonly isPermanent: boolean; readonly reason: string };

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

/** The mail provider can't be used just now. */
export class MailUnavailableError extends Error {
  override readonly name = "MailUnavailableError";
}

/** The provider refused this recipient for good. */
export class RecipientRefusedError extends Error {
  override readonly name = "RecipientRefusedError";
}
