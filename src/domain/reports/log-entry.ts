/** One answered request. */
export interface LoggedRequest {
  /** When it was answered, epoch ms: the day that it belongs to. */
  readonly at: number;
  readonly method: string;
  /** The route's pattern with a slash at the end (`/api/orders/:id/`); `(unmatched)` where there is no route. */
  readonly route: string;
  readonly status: number;
  /**
   * Until the answer's headers, ms. In production clocks stand still while a Worker computes, so this is the
   * time that it waited for others.
   */
  readonly durationMs: number;
  /** `user:<id>`, or the owner of the API key; null: nobody who is known. */
  readonly user: string | null;
  /** The address it came from, which is never stored; null: not known. */
  readonly ip: string | null;
}

/** A request as it is stored: `offset` is ms after its row's first, `ip` the hash. */
export type LogEntry = readonly [
  offset: number,
  method: string,
  route: string,
  status: number,
  durationMs: number,
  user: string | null,
  ip: string | null,
];

/** No row spans more: who looks for a time begins so much before it. */
export const MAX_SPAN_MS = 20_000;
