import type { LastLook, LookMemory } from "./system-alerts.ts";

const KEY = "system/last-look.json";

/** The memory of looks where the watchdog, which has one of its own, is out of reach: an object in a bucket. */
export class StoredLook implements LookMemory {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async read(): Promise<LastLook | undefined> {
    const found = await this.#bucket.get(KEY);
    return found === null ? undefined : found.json<LastLook>();
  }

  async write(look: LastLook): Promise<void> {
    await this.#bucket.put(KEY, JSON.stringify(look));
  }
}
