/** Part of an object: from `offset` on, to its end or for `length` bytes; `offset` lies inside of it. */
export interface ObjectRange {
  readonly offset: number;
  readonly length?: number;
}

/**
 * What is big: uploaded files, backups, exports. Keys are the shop's own, `<area>/<id>…`. Every call throws LovageError
 * `storage_unavailable` (retryable) when no answer came: it may have been done or not.
 */
export interface ObjectStore {
  /**
   * Stores bytes, or a stream of exactly `size` bytes.
   * @throws WrongSizeError when the stream has more or fewer: there is nothing under the key then
   */
  put(
    key: string,
    content: Uint8Array | { readonly stream: ReadableStream<Uint8Array>; readonly size: number },
    contentType: string,
  ): Promise<void>;
  /** Null: there is no such object. `size` is that of the whole object, whatever range is asked for. */
  get(
    key: string,
    range?: ObjectRange,
  ): Promise<{ readonly stream: ReadableStream<Uint8Array>; readonly size: number } | null>;
  /** Keys that there are not are fine. */
  delete(keys: readonly string[]): Promise<void>;
  /** The keys that begin so, in their order, 1,000 at most. */
  list(prefix: string): Promise<string[]>;
  /** What stands between `prefix` and the next slash in the keys that begin so, each once, in their order. */
  folders(prefix: string): Promise<string[]>;
}

/** A stream had another length than it was said to have. */
export class WrongSizeError extends Error {
  override readonly name = "WrongSizeError";
}
