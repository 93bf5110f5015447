import { assert, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { chord, withOptions } from "#engine";
import { createTestLovage } from "#testing";
import {
  sendNotificationChunk,
  sumNotifications,
} from "../../../src/domain/notifications/bulk-notifications.ts";
import { chunkCount, chunkSizeFor } from "../../../src/domain/notifications/bulk.ts";
import { withoutRepeats } from "../../../src/domain/notifications/email-notification.ts";
import type { ShopServices } from "../../../src/domain/index.ts";

it("chunks hold everybody, about a hundred each, and never more of them than a canvas takes", () => {
  assert(
    property(integer({ min: 0, max: 30_000 }), (people) => {
      const audience = { userIds: Array.from({ length: people }, (_, index) => index) };
      const chunkSize = chunkSizeFor(people);
      const count = chunkCount({ audience, chunkSize });
      expect(count * chunkSize).toBeGreaterThanOrEqual(people);
      expect((count - 1) * chunkSize).toBeLessThan(Math.max(1, people));
    }),
  );
  assert(
    property(integer({ min: 0, max: 50_000_000 }), (people) => {
      expect(Math.ceil(people / chunkSizeFor(people))).toBeLessThanOrEqual(10_000);
      if (people <= 1_000_000) expect(chunkSizeFor(people)).toBe(100);
    }),
  );
});

it("the canvas of ten thousand chunks is within its limits", async () => {
  const lovage = createTestLovage<ShopServices>({
    tasks: [sendNotificationChunk, sumNotifications],
    services: {} as ShopServices,
  });
  const id = crypto.randomUUID();
  const chunks = Array.from({ length: 10_000 }, (_, chunk) =>
    sendNotificationChunk.s({ bulk_id: id, chunk }),
  );
  const whole = withOptions(chord(chunks, sumNotifications.s({ bulk_id: id })), {
    errors: "collect",
  });
  await expect(lovage.lovage.send(whole)).resolves.toHaveProperty("taskId");
});

it("addresses that differ in case only are one, the first", () => {
  expect(withoutRepeats(["b@x.yz", "A@x.yz", "B@x.yz", "a@X.yz"])).toEqual(["b@x.yz", "A@x.yz"]);
});
