import { expect, it } from "vitest";
import { orderConfirmation } from "../../../src/domain/orders/order-confirmation.ts";

const renderOrderConfirmation = (orderId: string, locale: "en" | "ru") =>
  orderConfirmation.render({ orderId }, locale);

it("the Russian confirmation has the guide's words", () => {
  const mail = renderOrderConfirmation("123", "ru");
  expect(mail.subject).toBe("Подтверждение заказа #123");
  expect(mail.text).toBe("Спасибо за ваш заказ #123! Мы приступили к его обработке.");
});

it("the English confirmation says the same", () => {
  const mail = renderOrderConfirmation("123", "en");
  expect(mail.subject).toBe("Order confirmation #123");
  expect(mail.text).toBe("Thank you for your order #123! We have started processing it.");
});

it.each(["en", "ru"] as const)("HTML and text say the same, in one language: %s", (locale) => {
  const { html, text, subject } = renderOrderConfirmation("123", locale);
  expect(html).toContain(`<html lang="${locale}">`);
  expect(html).toContain(`<title>${subject}</title>`);
  expect(html).toContain(`<p>${text}</p>`);
});

it("an order id can't bring markup into the HTML", () => {
  const { html } = renderOrderConfirmation("<script>alert(1)</script>", "en");
  expect(html).not.toContain("<script>");
  expect(html).toContain("#&lt;script&gt;");
});
