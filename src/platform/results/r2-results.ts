import type { LargeResult, LargeResults } from "#engine";

/** Large results in R2, under `results/<task id>/<lease token>`. */
export class R2Results implements LargeResults {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async put(taskId: string, token: number, text: string): Promise<LargeResult> {
    const key = `results/${taskId}/${token}`;
    const bytes = new TextEncoder().encode(text);
    await this.#bucket.put(key, bytes, { httpMetadata: { contentType: "application/json" } });
    return { key, bytes: bytes.byteLength };
  }

  async get(key: string): Promise<ReadableStream<Uint8Array> | null> {
    const object = await this.#bucket.get(key);
    return object?.body ?? null;
  }
}
