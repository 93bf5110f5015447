import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { MailMessage, MailTransport } from "#domain/mail";
import { Faults, faultyDatabase } from "./faults.ts";
import { createShop, emptyTables, rows, run, type TestCall } from "./shop.ts";

const CONFIRM = "send_order_confirmation_email";

beforeEach(emptyTables);

it("stores the mail and answers who got it", async () => {
  const shop = createShop();
  const outcomes = await run(shop.services, CONFIRM, [confirm("123")]);
  expect(outcomes).toEqual([
    {
      kind: "success",
      result: '"Email for order #123 sent successfully to customer@example.com."',
    },
  ]);
  expect(await rows("SELECT to_address, subject, text_body FROM emails")).toEqual([
    {
      to_address: "customer@example.com",
      subject: "Order confirmation #123",
      text_body: "Thank you for your order #123! We have started processing it.",
    },
  ]);
});

it("mail and result are in the language of the order, else of the deployment", async () => {
  const shop = createShop({ services: { locale: "ru" } });
  await shop.create({ orderId: "2", locale: "en" });
  const outcomes = await run(shop.services, CONFIRM, [confirm("1"), confirm("2")]);
  expect(outcomes.map((outcome) => outcome.kind === "success" && outcome.result)).toEqual([
    '"Email для заказа #1 успешно отправлен на customer@example.com."',
    '"Email for order #2 sent successfully to customer@example.com."',
  ]);
  expect(await rows("SELECT subject, text_body FROM emails ORDER BY subject DESC")).toEqual([
    {
      subject: "Подтверждение заказа #1",
      text_body: "Спасибо за ваш заказ #1! Мы приступили к его обработке.",
    },
    {
      subject: "Order confirmation #2",
      text_body: "Thank you for your order #2! We have started processing it.",
    },
  ]);
});

it("runs of one task, also at the same time, store one mail and all succeed", async () => {
  const shop = createShop();
  const again = () => run(shop.services, CONFIRM, [confirm("123", { id: "task" })]);
  const outcomes = [...(await again()), ...(await Promise.all([again(), again()])).flat()];
  expect(outcomes.map(({ kind }) => kind)).toEqual(["success", "success", "success"]);
  expect(await rows("SELECT count(*) AS count FROM emails")).toEqual([{ count: 1 }]);
});

it("two tasks for one order are two mails with two message ids", async () => {
  const shop = createShop();
  await run(shop.services, CONFIRM, [confirm("123", { id: "1" }), confirm("123", { id: "2" })]);
  const ids = await rows<{ message_id: string }>("SELECT message_id FROM emails");
  expect(new Set(ids.map(({ message_id: id }) => id)).size).toBe(2);
  for (const { message_id: id } of ids) expect(id).toMatch(/^<[0-9a-f]{32}@[a-z.]+>$/);
});

it("in a batch of fifty, a refused address fails alone and at once", async () => {
  const shop = createShop();
  const calls = Array.from({ length: 50 }, (_, index) =>
    index === 17 ? confirm("17", { to: "nobody@example.invalid" }) : confirm(`${index}`),
  );
  const outcomes = await run(shop.services, CONFIRM, calls);
  expect(outcomes.filter(({ kind }) => kind === "success")).toHaveLength(49);
  expect(outcomes[17]).toMatchObject({
    kind: "failure",
    error: { exc_type: "RecipientRefusedError" },
  });
  const states = "SELECT state, count(*) AS count FROM emails GROUP BY state ORDER BY count";
  expect(await rows(states)).toEqual([
    { state: "failed", count: 1 },
    { state: "sent", count: 49 },
  ]);
});

it("a message that failed for now is retried, those sent with it are not", async () => {
  const sent: string[] = [];
  const transport: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    async sendBatch(messages) {
      return messages.map(({ to }) => {
        if (to === "later@example.com") {
          return { status: "failed", isPermanent: false, reason: "451 Greylisted." };
        }
        sent.push(to);
        return { status: "sent" };
      });
    },
  };
  const shop = createShop({ transport });
  const calls = [confirm("1"), confirm("2", { to: "later@example.com" })];
  const outcomes = await run(shop.services, CONFIRM, calls);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["success", "retry"]);
  expect(sent).toEqual(["customer@example.com"]);
});

it.each([1, 2])("a database that breaks at call %i is a retry", async (at) => {
  const database = faultyDatabase(env.DB, new Faults({ at, when: "before" }));
  const shop = createShop({ database });
  const outcomes = await run(shop.services, CONFIRM, [confirm("1"), confirm("2")]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["retry", "retry"]);
});

it("every attempt of a task sends the same message", async () => {
  const seen: MailMessage[] = [];
  const transport: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    async sendBatch(messages) {
      seen.push(...messages);
      return messages.map(() => ({ status: "failed", isPermanent: false, reason: "421" }));
    },
  };
  const shop = createShop({ transport });
  for (const retries of [0, 1, 2]) {
    await run(shop.services, CONFIRM, [confirm("123", { id: "task", retries })]);
  }
  expect(seen).toHaveLength(3);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

function confirm(
  orderId: string,
  { to = "customer@example.com", ...call }: Omit<TestCall, "kwargs"> & { to?: string } = {},
): TestCall {
  return { kwargs: { order_id: orderId, customer_email: to }, ...call };
}
