import { beforeEach, expect, it } from "vitest";
import type { MailTransport } from "#domain/mail";
import { deleteReview, listReviews, putReview, ratingOf } from "#domain/reviews";
import { createShop, emptyTables, rows, run } from "./shop.ts";

const REMIND = "send_review_reminder";

beforeEach(emptyTables);

const { db } = createShop();
const review = (orderId: string, rating: number, sku = "cup") => ({
  ...{ orderId, sku, rating, text: "Good" },
});

it("reviews are listed by article, the newest first, with their average", async () => {
  for (const [n, rating] of [5, 4, 4].entries()) await putReview(db, review(`o${n}`, rating), n);
  await putReview(db, review("o0", 1, "plate"), 9);
  const [first, second, third] = await listReviews(db, "cup", null, 10);
  expect([first?.orderId, second?.orderId, third?.orderId]).toEqual(["o2", "o1", "o0"]);
  expect((await listReviews(db, "cup", second?.id ?? 0, 10)).map(({ id }) => id)).toEqual([
    third?.id,
  ]);
  expect(await ratingOf(db, "cup")).toEqual({ reviews: 3, average: 4.33 });
  expect(await ratingOf(db, "fork")).toEqual({ reviews: 0, average: null });
});

it("a review that is written anew stays one, with its place and its first time", async () => {
  const before = await putReview(db, review("o1", 1), 1);
  const after = await putReview(db, { ...review("o1", 5), text: "Better" }, 2);
  expect(after).toEqual({ ...before, rating: 5, text: "Better", updatedAt: 2 });
  expect(await ratingOf(db, "cup")).toEqual({ reviews: 1, average: 5 });
});

it("the sums are right after writes and deletions at the same time", async () => {
  await Promise.all(
    Array.from({ length: 40 }, (_, n) => putReview(db, review(`o${n % 8}`, (n % 5) + 1), n)),
  );
  const ids = (await listReviews(db, "cup", null, 100)).map(({ id }) => id);
  expect(ids).toHaveLength(8);
  const deleted = await Promise.all(
    [ids[0], ids[0], ids[1], 999].map((id) => deleteReview(db, id ?? 0)),
  );
  expect(deleted.filter(Boolean)).toHaveLength(2);
  expect(await rows("SELECT reviews, rating_sum FROM product_ratings")).toEqual(
    await rows("SELECT count(*) AS reviews, sum(rating) AS rating_sum FROM reviews"),
  );
});

it("a delivered order without a review is reminded of, once, in its customer's language", async () => {
  const shop = createShop();
  const items = [
    { sku: "cup", name: "Чашка", quantity: 1, unitPriceMinor: 15_000, sellerId: null },
  ];
  await delivered(shop, "123", { locale: "ru", items });
  for (const _time of [1, 2]) {
    expect(await remind(shop, "123", "123")).toEqual([SENT, SENT]);
  }
  expect(
    await rows(
      "SELECT to_address, subject, text_body, attempts FROM emails WHERE template = 'review_reminder'",
    ),
  ).toEqual([
    {
      to_address: "customer@example.com",
      subject: "Как вам заказ #123?",
      text_body: expect.stringMatching(/отзыв поможет.*\n\n- Чашка$/s),
      attempts: 1,
    },
  ]);
});

it("nobody is reminded who wrote a review, sent it back or got nothing; the result says which", async () => {
  const shop = createShop();
  await delivered(shop, "reviewed");
  await putReview(db, review("reviewed", 5, ""), 1);
  await delivered(shop, "refunding");
  await shop.change("refunding", "refund");
  await delivered(shop, "refunded");
  await shop.change("refunded", "refund");
  await run(shop.services, "refund_payment", [{ kwargs: { order_id: "refunded" } }]);
  await shop.create({ orderId: "pending" });
  await delivered(shop, "asked");
  expect(await remind(shop, "reviewed", "refunding", "refunded", "pending", "asked")).toEqual([
    { sent: false, reason: "reviewed" },
    { sent: false, reason: "returned" },
    { sent: false, reason: "returned" },
    { sent: false, reason: "not_delivered" },
    { sent: true },
  ]);
  expect(await rows("SELECT task_id FROM emails WHERE template = 'review_reminder'")).toEqual([
    { task_id: "order:asked" },
  ]);
});

it("a reminder that could not be sent is not sent after a review or a return", async () => {
  const down: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    sendBatch: () => Promise.reject(new Error("no connection")),
  };
  const broken = createShop({ transport: down });
  for (const orderId of ["reviewed", "returned", "neither"]) await delivered(broken, orderId);
  await remind(broken, "reviewed", "returned", "neither");
  await putReview(db, review("reviewed", 5), 1);
  await broken.change("returned", "refund");
  const later = { now: () => Date.now() + 3_600_000 };
  await createShop({ services: { clock: later } }).services.mail.sweep(100);
  const sent = "SELECT task_id FROM emails WHERE template = 'review_reminder' AND state = 'sent'";
  expect(await rows(sent)).toEqual([{ task_id: "order:neither" }]);
});

const SENT = { sent: true };

type Shop = ReturnType<typeof createShop>;

async function delivered(
  shop: Shop,
  orderId: string,
  over: Partial<Parameters<Shop["create"]>[0]> = {},
) {
  await shop.create({ orderId, ...over });
  await run(shop.services, "process_payment", [{ kwargs: { order_id: orderId } }]);
  await shop.change(orderId, "ship");
  await shop.change(orderId, "deliver");
}

async function remind(shop: Shop, ...orderIds: string[]): Promise<unknown[]> {
  const calls = orderIds.map((id) => ({ kwargs: { order_id: id } }));
  const outcomes = await run(shop.services, REMIND, calls);
  return outcomes.map((outcome) =>
    outcome.kind === "success" ? JSON.parse(outcome.result ?? "null") : outcome,
  );
}

it("a deletion that is repeated late deletes no other review", async () => {
  const { id } = await putReview(db, review("o1", 1), 1);
  expect(await deleteReview(db, id)).toBe(true);
  const other = await putReview(db, review("o2", 5), 2);
  expect(await deleteReview(db, id)).toBe(false);
  expect(await listReviews(db, "cup", null, 10)).toEqual([other]);
});
