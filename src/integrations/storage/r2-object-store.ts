import type { ObjectStore } from "#domain/storage";

/** R2 deletes so many objects in one call. */
const DELETE_AT_ONCE = 1_000;

/** Keeps objects in an R2 bucket. */
export function createR2ObjectStore(bucket: R2Bucket): ObjectStore {
  return {
    async put(key, content, contentType) {
      const options = { httpMetadata: { contentType } };
      if (content instanceof Uint8Array) {
        await bucket.put(key, content, options);
        return;
      }
      // R2 wants to know the length before; the pipe fails when it is another.
      const { readable, writable } = new FixedLengthStream(content.size);
      await Promise.all([content.stream.pipeTo(writable), bucket.put(key, readable, options)]);
    },
    async get(key) {
      const object = await bucket.get(key);
      return object === null ? null : { stream: object.body, size: object.size };
    },
    async delete(keys) {
      for (let from = 0; from < keys.length; from += DELETE_AT_ONCE) {
        await bucket.delete(keys.slice(from, from + DELETE_AT_ONCE));
      }
    },
    async list(prefix, after) {
      const { objects } = await bucket.list({ prefix, startAfter: after });
      return objects.map(({ key, size, uploaded }) => ({
        key,
        size,
        uploadedAt: uploaded.getTime(),
      }));
    },
  };
}
