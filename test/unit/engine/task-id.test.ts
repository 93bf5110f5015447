import { assert, integer, pre, property, uint8Array } from "fast-check";
import { expect, it } from "vitest";
import { deriveTaskId, importIdSecret, mintedAt, mintTaskId, shardOf } from "#engine";

const time = integer({ min: 0, max: 2 ** 48 - 1 });
const shard = integer({ min: 0, max: 4_095 });
const random = uint8Array({ minLength: 8, maxLength: 8 });

it("an id is a UUID of version 8 that tells its shard and its time", () => {
  assert(
    property(time, shard, random, (now, home, bytes) => {
      const id = mintTaskId(now, home, bytes);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(shardOf(id)).toBe(home);
      expect(mintedAt(id)).toBe(now);
    }),
  );
});

it("ids sort by the time they were made", () => {
  assert(
    property(time, time, shard, random, (one, other, home, bytes) => {
      pre(one < other);
      expect(mintTaskId(one, home, bytes) < mintTaskId(other, 0, bytes)).toBe(true);
    }),
  );
});

it("62 bits are random: other bytes give another id", () => {
  assert(
    property(random, random, (one, other) => {
      const masked = (bytes: Uint8Array) => [(bytes[0] ?? 0) & 0x3f, ...bytes.subarray(1)].join();
      const isSame = mintTaskId(1, 1, one) === mintTaskId(1, 1, other);
      expect(isSame).toBe(masked(one) === masked(other));
    }),
  );
});

it.each(["", "x", "01a1fb55-b0fc-4001-9ade-b653eac2d0b6", "01A1FB55-B0FC-8001-9ADE-B653EAC2D0B6"])(
  "'%s' is no id of ours",
  (text) => {
    expect(shardOf(text)).toBeNull();
  },
);

it("a derived id depends on the secret, the caller, the route and the key, and on nothing else", async () => {
  const secret = await importIdSecret("a".repeat(32));
  const scope = { caller: "shop", route: "/api/tasks", key: "k" };
  const id = await deriveTaskId(secret, 4, scope);
  expect(await deriveTaskId(secret, 4, { ...scope })).toBe(id);
  expect(shardOf(id)).toBeLessThan(4);
  const others = await Promise.all([
    deriveTaskId(await importIdSecret("b".repeat(32)), 4, scope),
    deriveTaskId(secret, 4, { ...scope, caller: "other" }),
    deriveTaskId(secret, 4, { ...scope, route: "/api/tasks/process" }),
    deriveTaskId(secret, 4, { ...scope, key: "l" }),
    // Were the parts only joined, these would be one.
    deriveTaskId(secret, 4, { caller: "sho", route: "p/api/tasks", key: "k" }),
  ]);
  expect(new Set([id, ...others]).size).toBe(6);
});

it("a secret that is too short is refused", async () => {
  await expect(importIdSecret("short")).rejects.toMatchObject({ code: "weak_secret" });
});
