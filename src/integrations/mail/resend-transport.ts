import { retryAfterSeconds, type Clock, type Timers } from "#engine";
import { MailUnavailableError, type MailMessage, type MailTransport } from "#domain/mail";
import { outcomesOf, type ResendAnswer } from "./resend-answers.ts";

export interface ResendSettings {
  readonly apiKey: string;
  /** The API's origin. */
  readonly url: string;
  /** `Shop <shop@example.com>`, or the address alone. */
  readonly from: string;
}

interface ResendParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly request?: typeof fetch;
}

/** What the API takes in one request. */
const MAX_BATCH = 100;
const TIMEOUT_MS = 25_000;
const MAX_ANSWER_BYTES = 1_048_576;
/** The rate limit is a few requests a second: what it asks to wait for no longer than this is waited for here. */
const MAX_WAIT_SECONDS = 3;
const MAX_WAITS = 5;

/**
 * Mail by Resend's API: a batch is one request under an idempotency key, which Resend remembers for a day. What an
 * answer means is in resend-answers.ts; one that doesn't come, in time or whole, leaves open what became of the
 * mails. The API key is in no error.
 */
export function createResendTransport(
  { apiKey, url, from }: ResendSettings,
  { clock, timers, request = fetch }: ResendParts,
): MailTransport {
  async function ask(path: string, payload: unknown, key: string): Promise<ResendAnswer> {
    const response = await request(`${url}${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${apiKey}`,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        // One mail that is refused keeps no other back.
        "x-batch-validation": "permissive",
      },
      body: JSON.stringify(payload),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await read(response)).replaceAll(apiKey, "…");
    const after = retryAfterSeconds(response.headers, clock.now()) ?? undefined;
    return { status: response.status, body: parsed(text), retryAfterSeconds: after };
  }

  /** Waits with a request that comes too soon after others: nothing came of it. */
  async function askPatiently(path: string, payload: unknown, key: string): Promise<ResendAnswer> {
    const begun = clock.now();
    for (let waits = 0; ; waits += 1) {
      const answer = await ask(path, payload, key);
      const seconds = answer.retryAfterSeconds ?? Infinity;
      const isOver = waits === MAX_WAITS || clock.now() - begun > TIMEOUT_MS;
      if (answer.status !== 429 || seconds > MAX_WAIT_SECONDS || isOver) return answer;
      await new Promise<void>((resolve) => {
        timers.after(seconds * 1_000, resolve);
      });
    }
  }

  return {
    keepsMail: false,
    isIdempotent: true,
    batchSize: MAX_BATCH,
    async sendBatch(messages, key) {
      const payloads = messages.map((message) => payloadOf(message, from));
      const [path, payload] =
        payloads.length === 1 ? ["/emails", payloads[0]] : ["/emails/batch", payloads];
      let answer: ResendAnswer;
      try {
        answer = await askPatiently(path, payload, key);
      } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        const said = `Resend gave no answer (${why.replaceAll(apiKey, "…")})`;
        throw new MailUnavailableError(said, { isUnknown: true });
      }
      return outcomesOf(messages, answer);
    },
  };
}

/** The same for the same message, to the byte: another one under its key would be refused. */
function payloadOf({ messageId, to, subject, html, text, headers }: MailMessage, from: string) {
  return { from, to: [to], subject, html, text, headers: { "Message-ID": messageId, ...headers } };
}

/** @throws TypeError for an answer that is too long, or breaks off */
async function read(response: Response): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new TypeError("The answer is too long.");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
