import { expect, it } from "vitest";
import { escrowMails, escrowSchedules } from "../../../src/domain/escrow/index.ts";
import { amountText } from "../../../src/domain/escrow/money.ts";
import { NOTIFICATION_TYPES } from "../../../src/domain/escrow/notification-types.ts";
import { wholeGroups } from "../../../src/domain/escrow/overdue-milestones.ts";
import { transactionMails } from "../../../src/domain/escrow/transaction-notification.ts";
import { TRANSACTION_WORDS } from "../../../src/domain/escrow/transaction-words.ts";

const CYRILLIC = /[а-яё]/i;
const told = { title: "T", amount: "1.00 USD", milestone: "M" };

it.each(NOTIFICATION_TYPES)("%s says something else to the buyer than to the seller", (type) => {
  for (const locale of ["en", "ru"] as const) {
    const { subject, buyer, seller } = TRANSACTION_WORDS[locale][type](told);
    expect(buyer).not.toBe(seller);
    for (const text of [subject, buyer, seller]) expect(CYRILLIC.test(text)).toBe(locale === "ru");
  }
});

it.each(escrowMails)("$name has a preview in both languages", ({ preview }) => {
  for (const locale of ["en", "ru"] as const) {
    const { subject, text, html } = preview(locale);
    expect(CYRILLIC.test(subject)).toBe(locale === "ru");
    expect(html).toContain(`<html lang="${locale}">`);
    expect(`${subject}${text}`).not.toMatch(/undefined|null|NaN/);
  }
});

it("what people write in titles is text, never markup, and never another header line", () => {
  const [mail] = transactionMails;
  const content = mail?.render(
    {
      side: "buyer",
      transactionId: "t",
      title: "<b>A</b>\r\nBcc: x@y.zz",
      amountMinor: 1,
      currency: "USD",
      milestone: null,
      reason: "<script>",
    },
    "en",
  );
  expect(content?.html).not.toMatch(/<b>|<script>/);
  expect(content?.subject).toBe("Escrow “<b>A</b> Bcc: x@y.zz” was created");
});

it.each([
  [0, "0.00 USD", "0,00 USD"],
  [5, "0.05 USD", "0,05 USD"],
  [150_000, "1500.00 USD", "1500,00 USD"],
  [99_999_999, "999999.99 USD", "999999,99 USD"],
])("%d minor units are %s", (minor, en, ru) => {
  expect([amountText(minor, "USD", "en"), amountText(minor, "USD", "ru")]).toEqual([en, ru]);
});

it("the schedules are those of the guides, in the deployment's zone", () => {
  const schedules = escrowSchedules("Europe/Moscow").map(({ settings: { task, timing } }) => [
    task,
    timing,
  ]);
  const daily = { day_of_month: "*", month_of_year: "*", day_of_week: "*" };
  const of = (hour: string, days = {}) => ({
    kind: "crontab",
    minute: "0",
    hour,
    ...daily,
    ...days,
    timezone: "Europe/Moscow",
  });
  expect(schedules).toEqual([
    ["send_daily_transaction_summary", of("8")],
    ["cleanup_old_pending_transactions", of("2")],
    ["check_overdue_milestones", of("10", { day_of_week: "mon" })],
  ]);
});

const rows = (...sellers: number[]) => sellers.map((sellerId) => ({ sellerId }));

it.each([
  ["a page that is not full is whole", rows(1, 1, 2), 4, rows(1, 1, 2)],
  ["of a full page the last seller waits for the next", rows(1, 1, 2, 2), 4, rows(1, 1)],
  ["a page of one seller is taken as it is", rows(2, 2, 2, 2), 4, rows(2, 2, 2, 2)],
  ["nothing is nothing", [], 4, []],
])("%s", (_what, page, limit, taken) => {
  expect(wholeGroups(page, limit)).toEqual(taken);
});
