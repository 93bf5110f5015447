import { LovageError } from "#engine";
import { WrongSizeError, type ObjectStore } from "../../../src/domain/storage/index.ts";
import type { Chaos } from "./chaos.ts";
import type { ShopProcess } from "./shop-process.ts";

/** R2: objects outlive who put them, and a put may be done though nobody heard so. */
export class SimStore {
  readonly objects = new Map<string, Uint8Array>();
  readonly #chaos: Chaos;

  constructor(chaos: Chaos) {
    this.#chaos = chaos;
  }

  portFor(process: ShopProcess): ObjectStore {
    const chaos = this.#chaos;
    return {
      put: async (key, content) => {
        const bytes = content instanceof Uint8Array ? content : await bytesOf(content.stream);
        if (!(content instanceof Uint8Array) && bytes.length !== content.size) {
          throw new WrongSizeError("The stream has another length.");
        }
        await process.call(10, () => {
          if (chaos.happens("store put fails")) throw unavailable("put: internal error (10001)");
          this.objects.set(key, bytes);
          if (chaos.happens("store put lost after")) throw unavailable("put: connection lost");
        });
      },
      get: (key, range) =>
        process.call(10, () => {
          if (chaos.happens("store get fails")) throw unavailable("get: internal error (10001)");
          const whole = this.objects.get(key);
          if (whole === undefined) return null;
          const from = range?.offset ?? 0;
          const end = range?.length === undefined ? whole.length : from + range.length;
          return { stream: streamOf(whole.subarray(from, end)), size: whole.length };
        }),
      delete: (keys) =>
        process.call(10, () => {
          for (const key of keys) this.objects.delete(key);
        }),
      list: (prefix) => process.call(10, () => this.#keys(prefix)),
      folders: (prefix) =>
        process.call(10, () => {
          const names = this.#keys(prefix).map(
            (key) => key.slice(prefix.length).split("/")[0] ?? "",
          );
          return [...new Set(names)];
        }),
    };
  }

  #keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }
}

function unavailable(why: string): LovageError {
  return new LovageError("storage_unavailable", why, { retryable: true });
}

export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Uint8Array.from(Buffer.concat(chunks));
    chunks.push(value);
  }
}
