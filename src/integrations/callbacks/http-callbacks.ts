import { retryAfterSeconds, type Clock } from "#engine";
import type { CallbackAnswer, CallbackSender } from "#domain/callbacks";
import { signatureOf } from "./standard-webhook.ts";

/** For everything: the connection, the request, and as much of the answer as is read. */
const TIMEOUT_MS = 10_000;
/** Of an answer, so that its connection may be used again; nothing of it is kept. */
const MAX_ANSWER_BYTES = 64 * 1_024;

/**
 * Posts callbacks with `fetch`, signed by the Standard Webhooks specification.
 * @param secrets `whsec_` and base64, the current one first
 */
export function createHttpCallbacks({
  secrets,
  clock,
  timeoutMs = TIMEOUT_MS,
}: {
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly timeoutMs?: number;
}): CallbackSender {
  return {
    async post(url, { id, body, traceparent }, stop): Promise<CallbackAnswer> {
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = AbortSignal.any([stop, timeout]);
      const timestamp = Math.floor(clock.now() / 1_000);
      const headers = {
        "Content-Type": "application/json",
        "User-Agent": "Lovage",
        traceparent,
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": await signatureOf({ id, timestamp, body }, secrets),
      };
      try {
        const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
        const response = await fetch(url, init);
        const asked = retryAfterSeconds(response.headers, clock.now());
        await discard(response.body);
        return { status: response.status, retryAfterSeconds: asked };
      } catch {
        // What it says may quote the URL.
        return { status: null, reason: timeout.aborted ? "timeout" : "unreachable" };
      }
    },
  };
}

/** Reads an answer to its end, or to where it becomes too much. The status counts, however this ends. */
async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (let size = 0; size <= MAX_ANSWER_BYTES;) {
      const { value, done } = await reader.read();
      if (done) return;
      size += value.length;
    }
    await reader.cancel();
  } catch {
    // It broke off, or its time was up.
  }
}
