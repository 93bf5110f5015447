import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { MailUnavailableError } from "#domain/mail";
import { Provider } from "./provider.ts";
import { createShop, emptyTables, rows, run } from "./shop.ts";

const NOTIFY = "send_seller_notification";
const ANNA = 1;
const BORIS = 2;
const LOST = 3;

const item = (name: string, sellerId: number | null, over: object = {}) => ({
  ...{ sku: null, name, quantity: 1, unitPriceMinor: 1_000, sellerId },
  ...over,
});

beforeEach(async () => {
  await emptyTables();
  const add = (id: number, email: string, locale: string | null) =>
    env.DB.prepare("INSERT INTO users VALUES (?, ?, ?, 'A', 'B', '', 'user', ?, 0, 1)").bind(
      id,
      `user${id}`,
      email,
      locale,
    );
  await env.DB.batch([
    add(ANNA, "anna@example.com", "ru"),
    add(BORIS, "boris@example.com", null),
    add(LOST, "lost@nowhere.invalid", "en"),
  ]);
});

it("an order with sellers sets off one task for them, one without does not", async () => {
  const shop = createShop();
  const { create } = shop;
  await create({ orderId: "own", amountMinor: 1_000, items: [item("Cup", null)] });
  const answer = await create({
    ...{ orderId: "sold", amountMinor: 2_000 },
    items: [item("Cup", ANNA), item("Plate", BORIS)],
  });
  await shop.settled();
  const tasks = [...shop.ledger.taken.values()].filter(({ name }) => name === NOTIFY);
  expect(tasks.map(({ id, kwargs, queue }) => ({ id, kwargs, queue }))).toEqual([
    {
      id: answer.kind === "created" && answer.order.sellerTaskId,
      kwargs: '{"order_id":"sold"}',
      queue: "emails",
    },
  ]);
});

it("each seller gets one mail with their own items, in their own language", async () => {
  const shop = createShop();
  await shop.create({
    ...{ orderId: "123", amountMinor: 6_550, locale: "en" },
    items: [
      item("Чашка", ANNA, { quantity: 2 }),
      item("Plate", BORIS),
      item("Ложка", ANNA, { unitPriceMinor: 550 }),
      item("Box", null, { unitPriceMinor: 3_000 }),
    ],
  });
  expect(await run(shop.services, NOTIFY, [notify("123")])).toEqual([
    { kind: "success", result: '{"sent_count":2,"failed_count":0,"failed_sellers":[]}' },
  ]);
  const mails = await rows<{ to_address: string; subject: string; text_body: string }>(
    "SELECT to_address, subject, text_body FROM emails ORDER BY to_address",
  );
  expect(
    mails.map((mail) => ({ ...mail, text_body: mail.text_body.replaceAll(/[^\S\n]/g, " ") })),
  ).toEqual([
    {
      to_address: "anna@example.com",
      subject: "Новый заказ #123",
      text_body:
        "В заказе #123 есть ваши товары. Пожалуйста, отложите их: заказ отправят после оплаты.\n\n" +
        "- Чашка × 2: 10,00 $\n- Ложка × 1: 5,50 $\n\nИтого: 25,50 $",
    },
    {
      to_address: "boris@example.com",
      subject: "New order #123",
      text_body:
        "Order #123 has items of yours. Please set them aside: the order is shipped once it is paid.\n\n" +
        "- Plate × 1: $10.00\n\nTotal: $10.00",
    },
  ]);
});

it("tasks for one order, also at the same time and in one batch, are one mail a seller", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: 1_000, items: [item("Cup", ANNA)] });
  await Promise.all([
    run(shop.services, NOTIFY, [notify("123"), notify("123")]),
    run(shop.services, NOTIFY, [notify("123")]),
  ]);
  const [again] = await run(shop.services, NOTIFY, [notify("123")]);
  expect(again?.kind).toBe("success");
  expect(await rows("SELECT attempts, state FROM emails")).toEqual([
    { attempts: 1, state: "sent" },
  ]);
});

it("a seller who can't be reached keeps the others' mails from nobody", async () => {
  const shop = createShop();
  await shop.create({
    ...{ orderId: "123", amountMinor: 2_000 },
    items: [item("Cup", LOST), item("Plate", BORIS)],
  });
  expect(await run(shop.services, NOTIFY, [notify("123")])).toEqual([
    { kind: "success", result: `{"sent_count":1,"failed_count":1,"failed_sellers":[${LOST}]}` },
  ]);
});

it("sellers who can't be told just now are told when the desk tries again, not before (G11)", async () => {
  const provider = new Provider();
  provider.gate = () => Promise.reject(new MailUnavailableError("connection refused"));
  const shop = createShop({ transport: provider });
  await shop.create({ orderId: "123", amountMinor: 1_000, items: [item("Cup", ANNA)] });
  const [outcome] = await run(shop.services, NOTIFY, [notify("123")]);
  // Every try in between would put off the next one ever more.
  expect(outcome).toEqual({ kind: "retry", delayMs: 60_000, error: expect.anything() });
});

it("an order that there is not fails alone and at once", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: 1_000, items: [item("Cup", ANNA)] });
  const outcomes = await run(shop.services, NOTIFY, [notify("none"), notify("123")]);
  expect(outcomes).toMatchObject([
    { kind: "failure", error: { exc_type: "OrderNotFoundError" } },
    { kind: "success" },
  ]);
});

it("the same items again are the same order, other items are not", async () => {
  const shop = createShop();
  const items = [item("Cup", ANNA, { sku: "cup" }), item("Plate", null)];
  const order = { orderId: "123", amountMinor: 2_000 };
  expect((await shop.create({ ...order, items })).kind).toBe("created");
  expect((await shop.create({ ...order, items })).kind).toBe("same");
  for (const others of [
    [],
    items.slice(1),
    items.toReversed(),
    [items[0], { ...items[1], name: "Dish" }],
    [items[0], { ...items[1], quantity: 2 }],
    [items[0], { ...items[1], sellerId: BORIS }],
    [{ ...items[0], sku: null }, items[1]],
  ]) {
    const answer = await shop.create({ ...order, items: others as typeof items });
    expect(answer.kind, JSON.stringify(others)).toBe("conflict");
  }
});

it("a confirmation by the order's id is the very mail that the order sets off", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", locale: "ru" });
  const byId = { kwargs: { order_id: "123" } };
  const byAddress = { kwargs: { order_id: "123", customer_email: "customer@example.com" } };
  expect(await run(shop.services, "send_order_confirmation", [byId, byId])).toEqual([
    { kind: "success", result: '"Email для заказа #123 успешно отправлен."' },
    { kind: "success", result: '"Email для заказа #123 успешно отправлен."' },
  ]);
  const [other] = await run(shop.services, "send_order_confirmation_email", [byAddress, byAddress]);
  expect(other?.kind).toBe("success");
  expect(await rows("SELECT subject, attempts FROM emails")).toEqual([
    { subject: "Подтверждение заказа #123", attempts: 1 },
  ]);
  expect(
    await run(shop.services, "send_order_confirmation", [{ kwargs: { order_id: "none" } }]),
  ).toMatchObject([{ kind: "failure", error: { exc_type: "OrderNotFoundError" } }]);
});

function notify(orderId: string) {
  return { kwargs: { order_id: orderId } };
}

it("a seller whose address is another account's is not written to, and the task says so", async () => {
  const shop = createShop();
  await env.DB.prepare("UPDATE users SET owns_email = 0, email = 'anna@example.com' WHERE id = ?")
    .bind(BORIS)
    .run();
  await shop.create({
    ...{ orderId: "123", amountMinor: 2_000 },
    items: [item("Plate", BORIS), item("Cup", ANNA)],
  });
  const [outcome] = await run(shop.services, NOTIFY, [{ kwargs: { order_id: "123" } }]);
  expect(outcome).toMatchObject({
    kind: "success",
    result: JSON.stringify({ sent_count: 1, failed_count: 1, failed_sellers: [BORIS] }),
  });
  const mails = await rows<{ text_body: string }>("SELECT text_body FROM emails");
  expect(mails).toHaveLength(1);
  expect(mails[0]?.text_body).toContain("Cup");
});

it("of an order that was cancelled before, no seller is told", async () => {
  const shop = createShop();
  await shop.create({ orderId: "123", amountMinor: 1_000, items: [item("Cup", ANNA)] });
  await shop.change("123", "cancel");
  const [outcome] = await run(shop.services, NOTIFY, [{ kwargs: { order_id: "123" } }]);
  expect(outcome).toMatchObject({
    kind: "success",
    result: JSON.stringify({ sent_count: 0, failed_count: 0, failed_sellers: [] }),
  });
  expect(await rows("SELECT 1 FROM emails WHERE template = 'seller_notification'")).toEqual([]);
});
