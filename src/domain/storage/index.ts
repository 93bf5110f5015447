/** An object as a list shows it. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Epoch ms. */
  readonly uploadedAt: number;
}

/** What is big: uploaded files, backups, exports. Keys are the shop's own, `<area>/<id>…`. */
export interface ObjectStore {
  /** Stores bytes, or a stream of exactly `size` bytes; a stream that has more or fewer is stored not at all. */
  put(
    key: string,
    content: Uint8Array | { readonly stream: ReadableStream<Uint8Array>; readonly size: number },
    contentType: string,
  ): Promise<void>;
  /** Null: there is no such object. */
  get(key: string): Promise<{ stream: ReadableStream<Uint8Array>; size: number } | null>;
  delete(keys: readonly string[]): Promise<void>;
  /** Those whose keys begin so, by key, from behind `after` on; 1,000 at most. */
  list(prefix: string, after: string): Promise<StoredObject[]>;
}
