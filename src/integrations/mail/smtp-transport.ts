import type { NodemailerError } from "nodemailer/lib/errors";
import {
  MailStoppedError,
  MailUnavailableError,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
} from "#domain/mail";
import type { Clock } from "#engine";
import { isStop, later } from "./smtp-answers.ts";
import { composeMessage, senderOf } from "./smtp-message.ts";
import { SmtpSession, type SmtpLimits, type SmtpServer } from "./smtp-session.ts";

export interface SmtpSettings extends SmtpServer {
  /** `Shop <shop@example.com>`, or the address alone. */
  readonly from: string;
  /** Connections that one batch is spread over. */
  readonly connections: number;
}

/** How long a batch and its parts may take, ms. */
export interface SmtpTimes extends SmtpLimits {
  /** After this no message of the batch is begun. */
  readonly beginMs: number;
  /** After this everything is cut. Under a minute, as the port says. */
  readonly batchMs: number;
}

const SMTP_TIMES: SmtpTimes = {
  connectMs: 10_000,
  greetingMs: 10_000,
  readMs: 30_000,
  beginMs: 30_000,
  batchMs: 50_000,
};

/** Every batch pays for its connections; more of a slow server's mails than this would not be begun in time. */
const MAX_BATCH = 100;
/** A lane of a batch ends after so many connections in a row over which no message got an answer. */
const MAX_LOST = 2;

/**
 * Mail over SMTP. A Worker's sockets belong to one request, so every batch opens connections of its own, sends many
 * messages over each and closes them. A message counts as unknown when all of it was handed over and no answer came.
 */
export function createSmtpTransport(
  settings: SmtpSettings,
  { clock, times = SMTP_TIMES }: { readonly clock: Clock; readonly times?: SmtpTimes },
): MailTransport {
  return {
    keepsMail: false,
    isIdempotent: false,
    batchSize: MAX_BATCH,
    async sendBatch(messages) {
      return messages.length === 0 ? [] : new SmtpBatch(settings, messages, clock, times).run();
    },
  };
}

/** One call of the transport. */
class SmtpBatch {
  readonly #settings: SmtpSettings;
  readonly #sender: ReturnType<typeof senderOf>;
  readonly #messages: readonly MailMessage[];
  readonly #clock: Clock;
  readonly #times: SmtpTimes;
  readonly #lastBegin: number;
  readonly #done = Promise.withResolvers<void>();
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  /** Messages that nobody has begun, by index. */
  readonly #queue: number[];
  readonly #outcomes = new Map<number, MailOutcome>();
  /** Messages that had a second chance over another connection. */
  readonly #again = new Set<number>();
  /** Why the server takes nothing of ours. */
  #stop: string | null = null;
  /** What went wrong last with a connection. */
  #trouble: string | null = null;
  /** Messages of which something is known that another batch would not find out as well. */
  #known = 0;

  constructor(
    settings: SmtpSettings,
    messages: readonly MailMessage[],
    clock: Clock,
    times: SmtpTimes,
  ) {
    this.#settings = settings;
    this.#sender = senderOf(settings.from);
    this.#messages = messages;
    this.#clock = clock;
    this.#times = times;
    this.#lastBegin = clock.now() + times.beginMs;
    this.#signal = AbortSignal.any([AbortSignal.timeout(times.batchMs), this.#ended.signal]);
    this.#queue = [...messages.keys()];
  }

  async run(): Promise<MailOutcome[]> {
    try {
      // The first connection alone: a login that is refused is tried once, not once per connection.
      const first = await this.#open();
      if (first !== null) {
        const lanes = Math.min(this.#settings.connections, this.#messages.length);
        const others = Array.from({ length: lanes - 1 }, () => this.#lane(null));
        // Nobody waits for a connection that is still to come when all is done.
        await Promise.race([Promise.all([this.#lane(first), ...others]), this.#done.promise]);
      }
    } finally {
      this.#ended.abort();
    }
    const reason = this.#stop ?? this.#trouble ?? "The time for this batch was over.";
    if (this.#known > 0) {
      return this.#messages.map((_message, index) => this.#outcomes.get(index) ?? later(reason));
    }
    if (this.#stop !== null) throw new MailStoppedError(reason);
    throw this.#unavailable(reason);
  }

  /** Sends what is left, over one connection after another. */
  async #lane(first: SmtpSession | null): Promise<void> {
    let session = first;
    for (let lost = 0; lost < MAX_LOST && this.#isMore();) {
      session ??= await this.#open();
      if (session === null) return;
      lost = (await this.#use(session)) > 0 ? 0 : lost + 1;
      session = null;
    }
    session?.close();
  }

  /** Null: there is none to be had, and it is written down why. */
  async #open(): Promise<SmtpSession | null> {
    try {
      return await SmtpSession.open(this.#settings, {
        name: this.#sender.domain,
        limits: this.#times,
        signal: this.#signal,
      });
    } catch (thrown) {
      const error = thrown as NodemailerError;
      const { host, port } = this.#settings;
      const reason = `${host}:${port}: ${error.message}`;
      if (isStop(error)) this.#stop ??= reason;
      else this.#trouble = reason;
      return null;
    }
  }

  /**
   * Sends over one connection until nothing is left, or it is over.
   * @returns how many messages got an answer
   */
  async #use(session: SmtpSession): Promise<number> {
    for (let answered = 0; ; answered += 1) {
      const index = this.#next();
      const message = index === undefined ? undefined : this.#messages[index];
      if (index === undefined || message === undefined) {
        session.close();
        return answered;
      }
      const bytes = this.#compose(message);
      if (!(bytes instanceof Uint8Array)) {
        this.#settle(index, bytes);
        continue;
      }
      const result = await session.send(this.#sender.address, message.to, bytes);
      if ("providerId" in result) {
        const { providerId } = result;
        this.#settle(index, { status: "sent", ...(providerId !== null && { providerId }) });
        continue;
      }
      const { scope, outcome } = result;
      if (scope === "message") {
        this.#settle(index, outcome);
        continue;
      }
      if (scope === "account") this.#stop ??= outcome.reason;
      else this.#trouble = outcome.reason;
      // A server may end a connection that it has used enough.
      const isSpared = outcome.isUnknown !== true && answered > 0 && !this.#again.has(index);
      if (isSpared && scope === "connection") this.#queue.unshift(index);
      else this.#settle(index, outcome, outcome.isUnknown === true);
      this.#again.add(index);
      return answered;
    }
  }

  /** One that can't be put together fails alone. */
  #compose(message: MailMessage): Uint8Array | MailOutcome {
    try {
      return composeMessage(message, this.#settings.from, this.#clock.now());
    } catch (error) {
      return { status: "failed", isPermanent: true, reason: String(error) };
    }
  }

  /** @param isKnown whether it says something about this message, and not about the server */
  #settle(
    index: number,
    outcome: MailOutcome,
    isKnown = outcome.status === "sent" || outcome.retryAfterSeconds === undefined,
  ): void {
    this.#outcomes.set(index, outcome);
    if (this.#outcomes.size === this.#messages.length) this.#done.resolve();
    if (isKnown) this.#known += 1;
  }

  #next(): number | undefined {
    return this.#isMore() ? this.#queue.shift() : undefined;
  }

  #isMore(): boolean {
    return this.#queue.length > 0 && this.#stop === null && this.#clock.now() < this.#lastBegin;
  }

  /** Nothing of the batch went out, for reasons that are none of the messages'. */
  #unavailable(reason: string): MailUnavailableError {
    for (const outcome of this.#outcomes.values()) {
      if (outcome.status === "failed" && outcome.retryAfterSeconds !== undefined) {
        const { retryAfterSeconds } = outcome;
        return new MailUnavailableError(outcome.reason, { retryAfterSeconds });
      }
    }
    return new MailUnavailableError(reason);
  }
}
