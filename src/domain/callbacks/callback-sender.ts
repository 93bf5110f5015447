/** What is sent. `id` is the same for every try, so that a receiver knows a repeated one. */
export interface CallbackMessage {
  readonly id: string;
  readonly body: string;
  /** The `traceparent` that it is sent with. */
  readonly traceparent: string;
}

/** What the receiver said to it: nothing of its answer is kept but this. */
export type CallbackAnswer =
  /** `retryAfterSeconds`: when it asks to come back; null: it doesn't say. */
  | { readonly status: number; readonly retryAfterSeconds: number | null }
  | { readonly status: null; readonly reason: "timeout" | "unreachable" };

/** Brings signed messages to receivers. */
export interface CallbackSender {
  /**
   * Posts a message once, following no redirect, in ten seconds at most. Never rejects: no answer is an
   * answer too, and it may have arrived all the same.
   * @param signal stops it before
   */
  post(url: URL, message: CallbackMessage, signal: AbortSignal): Promise<CallbackAnswer>;
}
