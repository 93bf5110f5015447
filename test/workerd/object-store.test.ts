import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { LovageError } from "#engine";
import { WrongSizeError } from "#domain/storage";
import { createR2ObjectStore } from "../../src/integrations/storage/r2-object-store.ts";

const store = createR2ObjectStore(env.FILES);

/** So many bytes, in chunks of seven. */
function streamOf(length: number): ReadableStream<Uint8Array> {
  let left = length;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(7, left);
      left -= size;
      if (size > 0) controller.enqueue(new Uint8Array(size).fill(65));
      else controller.close();
    },
  });
}

async function textOf(key: string, range?: { offset: number; length?: number }) {
  const object = await store.get(key, range);
  return object && { text: await new Response(object.stream).text(), size: object.size };
}

it("bytes and streams come back as they were stored, whole or in part", async () => {
  await store.put("a/1", new TextEncoder().encode("hello"), "text/plain");
  await store.put("a/2", { stream: streamOf(100), size: 100 }, "text/plain");
  expect(await textOf("a/1")).toEqual({ text: "hello", size: 5 });
  expect(await textOf("a/2")).toEqual({ text: "A".repeat(100), size: 100 });
  expect(await textOf("a/1", { offset: 3 })).toEqual({ text: "lo", size: 5 });
  expect(await textOf("a/1", { offset: 1, length: 2 })).toEqual({ text: "el", size: 5 });
  expect(await textOf("a/1", { offset: 0, length: 1_000 })).toEqual({ text: "hello", size: 5 });
  expect(await store.get("a/3")).toBeNull();
});

it.each([0, 99, 101, 150])("a stream of 100 bytes that has %i is not stored", async (length) => {
  const put = store.put(`wrong/${length}`, { stream: streamOf(length), size: 100 }, "text/plain");
  await expect(put).rejects.toThrow(WrongSizeError);
  expect(await store.get(`wrong/${length}`)).toBeNull();
});

it("a bucket that can't be reached is unavailable for now, whatever it was asked (G23)", async () => {
  const away = () => Promise.reject(new Error("put: We encountered an internal error. (10001)"));
  const bucket = { put: away, get: away, delete: away, list: away } as unknown as R2Bucket;
  const broken = createR2ObjectStore(bucket);
  const bytes = new Uint8Array(3);
  const calls = [
    broken.put("a", bytes, "text/plain"),
    broken.put("a", { stream: streamOf(3), size: 3 }, "text/plain"),
    broken.get("a"),
    broken.delete(["a"]),
    broken.list("a"),
    broken.folders("a"),
  ];
  for (const call of await Promise.allSettled(calls)) {
    const { code, retryable } = (call as { reason: LovageError }).reason;
    expect([code, retryable]).toEqual(["storage_unavailable", true]);
  }
});

it("a stream that breaks is not stored, and its error comes out", async () => {
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error("gone"));
    },
  });
  await expect(store.put("broken", { stream, size: 100 }, "text/plain")).rejects.toThrow("gone");
  expect(await store.get("broken")).toBeNull();
});

it("keys are listed by prefix and by folder, and deleted by the thousand", async () => {
  const keys = Array.from({ length: 1_100 }, (_, n) => `b/${n % 3}/${String(n).padStart(4, "0")}`);
  await Promise.all(keys.map((key) => store.put(key, new Uint8Array(1), "text/plain")));
  await store.put("b/top", new Uint8Array(1), "text/plain");
  expect(await store.folders("b/")).toEqual(["0", "1", "2"]);
  expect(await store.list("b/1/")).toEqual(keys.filter((key) => key.startsWith("b/1/")));
  expect(await store.list("b/")).toHaveLength(1_000);
  await store.delete(keys);
  expect(await store.list("b/")).toEqual(["b/top"]);
  await store.delete(["b/top", "never"]);
  expect(await store.folders("b/")).toEqual([]);
});
