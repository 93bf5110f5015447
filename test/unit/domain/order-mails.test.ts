import { expect, it } from "vitest";
import { isCurrency, moneyText } from "../../../src/domain/orders/money.ts";
import {
  orderCancelled,
  orderRefunded,
  orderShipped,
} from "../../../src/domain/orders/order-mails.ts";
import { sellerNotification } from "../../../src/domain/orders/seller-notification.ts";
import { reviewReminder } from "../../../src/domain/reviews/review-reminder.ts";

const MAILS = [orderShipped, orderCancelled, orderRefunded, sellerNotification, reviewReminder];

it.each(MAILS)("$name is in the language it is asked for, and names the order", (template) => {
  const [english, russian] = [template.preview("en"), template.preview("ru")];
  for (const { subject, text } of [english, russian]) expect(subject + text).toContain("#123");
  expect(english.subject + english.text).not.toMatch(/[а-яё]/i);
  expect(russian.subject).toMatch(/[а-яё]/i);
  expect(russian.text).toMatch(/[а-яё]/i);
});

it("only who may have paid is told of money", () => {
  const text = (isRefunded: boolean) =>
    orderCancelled.render({ orderId: "1", isRefunded }, "en").text;
  expect(text(true)).toContain("returned");
  expect(text(false)).not.toContain("returned");
});

it.each([
  [15_000, "USD", "en", "$150.00"],
  [1, "USD", "en", "$0.01"],
  [123_456_789, "EUR", "en", "€1,234,567.89"],
  [15_050, "RUB", "ru", "150,50 ₽"],
] as const)("%i minor units of %s are, in %s, %s", (minor, currency, locale, text) => {
  expect(moneyText(minor, currency, locale).replaceAll(/\s/g, " ")).toBe(text);
});

it("only currencies with two decimals are taken: amounts have two", () => {
  expect(["USD", "EUR", "RUB", "RSD"].filter(isCurrency)).toEqual(["USD", "EUR", "RUB", "RSD"]);
  expect(["JPY", "KRW", "VND", "KWD", "CLF", "MGA", "usd", "US", ""].filter(isCurrency)).toEqual(
    [],
  );
});
