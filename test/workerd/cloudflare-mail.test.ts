import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createCloudflareTransport } from "../../src/integrations/mail/cloudflare-transport.ts";

it("the runtime's own binding takes a mail of ours, in any script, and names it", async () => {
  const transport = createCloudflareTransport(env.EMAIL, "Магазин <shop@example.com>");
  const message = {
    messageId: "<1@example.com>",
    taskId: "task",
    template: "plain",
    to: "ann@example.com",
    subject: "Заказ 🎉",
    text: "Привет",
    html: "<p>Привет</p>",
    headers: {
      "List-Unsubscribe": "<https://shop.example.com/u/>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
  };
  expect(
    await transport.sendBatch([message, { ...message, to: "bob@example.com" }], "key"),
  ).toEqual([
    { status: "sent", providerId: expect.any(String) },
    { status: "sent", providerId: expect.any(String) },
  ]);
});
