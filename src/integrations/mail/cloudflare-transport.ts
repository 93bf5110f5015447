import {
  MailStoppedError,
  MailUnavailableError,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "#domain/mail";

/** The `send_email` binding, as far as it is used. */
export interface EmailBinding {
  send(message: {
    readonly from: string | { readonly name: string; readonly email: string };
    readonly to: string;
    readonly subject: string;
    readonly html: string;
    readonly text: string;
    readonly headers: Record<string, string>;
  }): Promise<{ readonly messageId: string }>;
}

/** An invocation waits for the answers of so many calls at once; more would only queue. */
const AT_ONCE = 6;
/** More would not be through in time. */
const MAX_BATCH = 50;
/** All that have no answer then may be out, and what was not asked for yet is not asked for. */
const TIMEOUT_MS = 45_000;

/** Its account: no mail goes out until a person has looked. */
const STOPPING = new Set(["E_SENDER_NOT_VERIFIED", "E_SENDER_DOMAIN_NOT_AVAILABLE"]);
const BUSY = new Set(["E_RATE_LIMIT_EXCEEDED", "E_DAILY_LIMIT_EXCEEDED"]);
/** The message, whoever it is for, or that its recipient is none of those that the binding may write to. */
const REFUSING =
  /^E_(VALIDATION_ERROR|FIELD_MISSING|TOO_MANY_RECIPIENTS|TOO_MANY_ATTACHMENTS|CONTENT_TOO_LARGE|RECIPIENT_NOT_ALLOWED|HEADERS?_\w+)$/;

type Failure = Extract<MailOutcome, { readonly status: "failed" }>;
/** Why none of the others is sent either. */
type Block = MailStoppedError | MailUnavailableError;

/** Of a message before anybody asked for it. */
const NOT_ASKED: Failure = {
  status: "failed",
  isPermanent: false,
  reason: "Cloudflare took too long for the mails before it.",
};

/**
 * Mail by Cloudflare's Email Service: a call for each message, some at once. It knows no idempotency keys: a mail whose
 * answer got lost is sent again. It makes Message-IDs of its own, so ours goes in a header of another name.
 */
export function createCloudflareTransport(email: EmailBinding, from: string): MailTransport {
  const sender = senderOf(from);
  const send = ({ to, subject, html, text, headers, messageId }: MailMessage) => {
    const named = { ...headers, "X-Lovage-Message-ID": messageId };
    return email.send({ from: sender, to, subject, html, text, headers: named });
  };

  return {
    keepsMail: false,
    isIdempotent: false,
    batchSize: MAX_BATCH,
    async sendBatch(messages) {
      const over = AbortSignal.timeout(TIMEOUT_MS);
      const deadline = ended(over);
      const outcomes: MailOutcome[] = messages.map(() => NOT_ASKED);
      const queue = messages.entries();
      let block: Block | null = null;
      async function work(): Promise<void> {
        for (const [index, message] of queue) {
          if (over.aborted || block !== null) return;
          outcomes[index] = unknown("Cloudflare gave no answer in time.");
          try {
            const { messageId } = await send(message);
            outcomes[index] = { status: "sent", providerId: messageId };
          } catch (error) {
            const failure = failureOf(error);
            block ??= failure.block;
            outcomes[index] = failure.outcome;
          }
        }
      }
      await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, work)), deadline]);
      return settled([...outcomes], block);
    },
  };
}

/** What the mails came to, once one of them may have said that no other goes out. */
function settled(outcomes: readonly MailOutcome[], block: Block | null): MailOutcome[] {
  if (block === null) return [...outcomes];
  const isNone = outcomes.every(
    (outcome) => outcome.status === "failed" && !outcome.isPermanent && outcome.isUnknown !== true,
  );
  if (isNone) throw block;
  const waiting = { ...NOT_ASKED, reason: block.message };
  return outcomes.map((outcome) => (outcome === NOT_ASKED ? waiting : outcome));
}

function failureOf(error: unknown): { outcome: Failure; block: Block | null } {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const name = typeof code === "string" ? code : "";
  const reason = `Cloudflare: ${[name, String(message ?? error)].filter(Boolean).join(" ")}`;
  const failed = { status: "failed", isPermanent: false, reason } as const;
  if (STOPPING.has(name)) return { outcome: failed, block: new MailStoppedError(reason) };
  if (BUSY.has(name)) return { outcome: failed, block: new MailUnavailableError(reason) };
  if (name === "E_RECIPIENT_SUPPRESSED") {
    return { outcome: { ...failed, isPermanent: true, isBounce: true }, block: null };
  }
  if (REFUSING.test(name)) return { outcome: { ...failed, isPermanent: true }, block: null };
  return { outcome: unknown(reason), block: null };
}

function unknown(reason: string): Failure {
  return { status: "failed", isPermanent: false, isUnknown: true, reason };
}

/** As the binding wants it: name and address apart. */
function senderOf(from: string): string | { name: string; email: string } {
  const { name, email } = /^(?<name>[^<>]+) <(?<email>[^<>]+)>$/.exec(from)?.groups ?? {};
  return name === undefined || email === undefined ? from : { name, email };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
}
