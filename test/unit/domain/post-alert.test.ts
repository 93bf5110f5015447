import { expect, it } from "vitest";
import { createTestLovage } from "#testing";
import { postAlert } from "../../../src/domain/notifications/post-alert.ts";
import type { ShopServices } from "../../../src/domain/services/index.ts";

it("an alert gets through also when its address is away for an hour", async () => {
  const posted: string[] = [];
  let isAway = true;
  const alertHook = {
    post: async ({ subject }: { subject: string }) => {
      if (isAway) throw new Error("ALERT_URL answered 503.");
      posted.push(subject);
    },
  };
  const services = { alertHook, clock: { now: () => 0 } } as unknown as ShopServices;
  const t = createTestLovage({ tasks: [postAlert], services });
  await t.lovage.send(postAlert.s({ subject: "2 tasks have failed", message: "…" }));
  await t.advance({ hours: 1 });
  isAway = false;
  await t.advance({ minutes: 15 });
  expect(posted).toEqual(["2 tasks have failed"]);
});
