import {
  defineMail,
  mailOf,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "#domain/mail";

/** A mail provider that sends nothing, remembers all and answers as it is told. */
export class Provider implements MailTransport {
  readonly keepsMail: boolean;
  readonly isIdempotent = false;
  readonly batchSize = 50;
  readonly seen: MailMessage[] = [];
  /** How often it was asked. */
  asked = 0;
  answer: (message: MailMessage) => MailOutcome = () => ({ status: "sent" });
  /** Awaited before it answers; a rejection is a provider that is down. */
  gate: () => Promise<void> = () => Promise.resolve();

  constructor(keepsMail = false) {
    this.keepsMail = keepsMail;
  }

  /** Addresses whose mail went out, in order. */
  get sentTo(): string[] {
    return this.seen
      .filter((message) => this.answer(message).status === "sent")
      .map(({ to }) => to);
  }

  async sendBatch(messages: readonly MailMessage[]): Promise<MailOutcome[]> {
    this.asked += 1;
    await this.gate();
    this.seen.push(...messages);
    return messages.map((message) => this.answer(message));
  }
}

const words = ({ text }: { readonly text: string }) => ({ subject: "Subject", body: [text] });
const declared = { sample: { text: "sample" }, en: words, ru: words };
const plain = defineMail({ name: "plain", ...declared });
const bulk = defineMail({ name: "bulk", isBulk: true, ...declared });
const secret = defineMail({ name: "secret", isSecret: true, ...declared });

/** A request for a mail of a kind. */
export function wanted(
  to: string,
  {
    kind = "plain",
    key = "key",
    text = "text",
  }: { kind?: "plain" | "bulk" | "secret"; key?: string; text?: string } = {},
) {
  const template = { plain, bulk, secret }[kind];
  return mailOf(template, { key, to, locale: "en", props: { text } });
}
