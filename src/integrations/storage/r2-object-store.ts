import { LovageError } from "#engine";
import { WrongSizeError, type ObjectStore } from "#domain/storage";

/** R2 deletes so many objects in one call. */
const DELETE_AT_ONCE = 1_000;

/** Keeps objects in an R2 bucket. */
export function createR2ObjectStore(bucket: R2Bucket): ObjectStore {
  return {
    async put(key, content, contentType) {
      const options = { httpMetadata: { contentType } };
      if (content instanceof Uint8Array) {
        await reached(bucket.put(key, content, options));
        return;
      }
      // R2 wants to know the length before; what passes through fails when it has another.
      const { readable, writable } = new FixedLengthStream(content.size);
      const stored = reached(bucket.put(key, readable, options));
      try {
        await Promise.all([content.stream.pipeTo(writable), stored]);
      } catch (error) {
        if (!isWrongSize(error)) throw error;
        // Of a longer one R2 has all that it waited for: it is there.
        await stored.catch(() => undefined);
        await reached(bucket.delete(key));
        throw new WrongSizeError(`The stream does not have ${content.size} bytes.`);
      }
    },
    async get(key, range) {
      const object = await reached(bucket.get(key, range === undefined ? {} : { range }));
      return object === null ? null : { stream: object.body, size: object.size };
    },
    async delete(keys) {
      for (let from = 0; from < keys.length; from += DELETE_AT_ONCE) {
        await reached(bucket.delete(keys.slice(from, from + DELETE_AT_ONCE)));
      }
    },
    async list(prefix) {
      const { objects } = await reached(bucket.list({ prefix }));
      return objects.map(({ key }) => key);
    },
    async folders(prefix) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await reached(
          bucket.list({ prefix, delimiter: "/", ...(cursor && { cursor }) }),
        );
        names.push(...page.delimitedPrefixes.map((path) => path.slice(prefix.length, -1)));
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return names;
    },
  };
}

/** Names the one way in which R2 fails for callers: it can't be reached just now. */
async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (isWrongSize(cause)) throw cause;
    throw new LovageError("storage_unavailable", "The storage can't be reached just now.", {
      retryable: true,
      cause,
    });
  }
}

/** The runtime tells it by no more than a TypeError that names the stream. */
function isWrongSize(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("FixedLengthStream");
}
