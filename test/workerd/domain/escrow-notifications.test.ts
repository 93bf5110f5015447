import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { decideVerification, submitVerification, type Actor, type Command } from "#domain/escrow";
import { MailUnavailableError, RecipientRefusedError, type MailTransport } from "#domain/mail";
import { NothingToTellError } from "../../../src/domain/escrow/transaction-notification.ts";
import {
  addUsers,
  buyer,
  createEscrow,
  DAY_MS,
  emptyEscrow,
  mailsOf,
  seller,
  shopActor,
} from "./escrow.ts";
import { rows } from "./shop.ts";

const TELL = "send_transaction_notification";
const TELL_SELLER = "send_verification_notification";

beforeEach(async () => {
  await emptyEscrow();
  await addUsers(1, 2, 3);
});

it("buyer and seller get one mail each, each in their language, with what it means for them", async () => {
  const escrow = createEscrow({ services: { locale: "ru" } });
  const id = await escrow.created([10_000, 5_000]);
  const result = await escrow.run(TELL, { transaction_id: id, notification_type: "created" });
  expect(result).toEqual({ sent_count: 2, failed_count: 0 });
  expect(await mailsOf("escrow_created")).toEqual([
    {
      to_address: "user1@example.com",
      subject: "Escrow “Deal” was created",
      text_body: `Please pay 150.00 USD into escrow. The money is held until you approve the seller's work.\n\nTransaction: ${id}\nAmount: 150.00 USD`,
      state: "sent",
    },
    {
      to_address: "user2@example.com",
      subject: "Безопасная сделка «Deal» создана",
      text_body: `Покупатель должен внести 150,00 USD. Приступайте к работе только после нашего сообщения о том, что деньги поступили.\n\nСделка: ${id}\nСумма: 150,00 USD`,
      state: "sent",
    },
  ]);
});

it("every state has its notification, with milestone, amount and reason", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created([10_000, 5_000]);
  const steps: [Actor, Command["event"], number | null][] = [
    [shopActor, "fund", null],
    [seller, "start", null],
    [seller, "submit", 1],
    [buyer, "reject", 1],
    [seller, "submit", 1],
    [buyer, "approve", 1],
    [seller, "dispute", null],
    [shopActor, "refund", null],
  ];
  for (const [actor, event, milestone] of steps) {
    await escrow.change(actor, id, { event, milestone, detail: `why ${event}` });
  }
  await escrow.settled();
  for (const { id: taskId, name, kwargs } of escrow.ledger.taken.values()) {
    if (name === TELL) await escrow.run(TELL, JSON.parse(kwargs) as object, taskId);
  }
  const told = await rows(
    "SELECT template, text_body FROM emails WHERE to_address = 'user2@example.com' AND template <> 'escrow_created' ORDER BY task_id",
  );
  const ending = (amount: string, ...more: string[]) =>
    [`Transaction: ${id}`, ...more.slice(1), `Amount: ${amount}`, ...more.slice(0, 1)].join("\n");
  const texts = told.map(({ template, text_body: text }) => [
    template,
    String(text).split("\n\n").at(-1),
  ]);
  const ofFirst = (reason?: string) =>
    [
      `Transaction: ${id}`,
      "Milestone: Part 1",
      "Amount: 100.00 USD",
      ...(reason === undefined ? [] : [`Reason: ${reason}`]),
    ].join("\n");
  expect(texts).toEqual([
    // The reference of a payment is nobody's business.
    ["escrow_funded", ending("150.00 USD")],
    ["escrow_in_progress", ending("150.00 USD")],
    ["escrow_milestone_submitted", ofFirst()],
    ["escrow_milestone_rejected", ofFirst("why reject")],
    ["escrow_milestone_submitted", ofFirst()],
    ["escrow_milestone_approved", ofFirst()],
    ["escrow_disputed", ending("150.00 USD", "Reason: why dispute")],
    // The first milestone was released before.
    ["escrow_refunded", ending("50.00 USD", "Reason: why refund")],
  ]);
});

it("a task that runs again, also at the same time, sends nothing twice", async () => {
  const escrow = createEscrow();
  const id = await escrow.created();
  const tell = () =>
    escrow
      .run(TELL, { transaction_id: id, notification_type: "created" }, "task")
      .catch((error: unknown) => error);
  const sent: string[] = [];
  await Promise.all([tell(), tell(), tell()]);
  await tell();
  for (const { to_address: to } of await mailsOf("escrow_created")) sent.push(to);
  expect(sent).toEqual(["user1@example.com", "user2@example.com"]);
});

it("when one can't be written to just now, the other is not written to twice", async () => {
  const sent: string[] = [];
  let isDown = true;
  const transport: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    sendBatch: (messages) =>
      Promise.resolve(
        messages.map(({ to }) => {
          if (to === "user2@example.com" && isDown) {
            return { status: "failed", isPermanent: false, reason: "451" } as const;
          }
          sent.push(to);
          return { status: "sent" } as const;
        }),
      ),
  };
  const escrow = createEscrow({ transport });
  const id = await escrow.created();
  const tell = () => escrow.run(TELL, { transaction_id: id, notification_type: "created" }, "task");
  await expect(tell()).rejects.toThrow(MailUnavailableError);
  isDown = false;
  escrow.time.now += 3_600_000;
  expect(await tell()).toEqual({ sent_count: 2, failed_count: 0 });
  expect(sent).toEqual(["user1@example.com", "user2@example.com"]);
});

it("one refused address fails alone and is counted; two fail the task", async () => {
  const escrow = createEscrow();
  const id = await escrow.created();
  const tell = (taskId: string) =>
    escrow.run(TELL, { transaction_id: id, notification_type: "created" }, taskId);
  await env.DB.prepare("UPDATE users SET email = 'a@b.invalid' WHERE id = 2").run();
  expect(await tell("1")).toEqual({ sent_count: 1, failed_count: 1 });
  await env.DB.prepare("UPDATE users SET email = 'c@b.invalid' WHERE id = 1").run();
  await expect(tell("2")).rejects.toThrow(RecipientRefusedError);
});

it("nobody is told of what never happened", async () => {
  const escrow = createEscrow();
  const id = await escrow.created();
  const tell = (kwargs: object) => escrow.run(TELL, { transaction_id: id, ...kwargs });
  await expect(tell({ notification_type: "refunded" })).rejects.toThrow(NothingToTellError);
  await expect(tell({ notification_type: "created", change: 2 })).rejects.toThrow(
    NothingToTellError,
  );
  await expect(tell({ transaction_id: "nothing", notification_type: "created" })).rejects.toThrow(
    NothingToTellError,
  );
  await expect(
    escrow.run(TELL_SELLER, { user_id: 2, verification_status: "VERIFIED" }),
  ).rejects.toThrow(NothingToTellError);
  expect(await rows("SELECT * FROM emails")).toEqual([]);
});

it("a seller is told how their verification stands, in their language, with the reason", async () => {
  const escrow = createEscrow({ services: { locale: "ru" } });
  const submission = { legalName: "S", country: "DE", details: "x" };
  for (const userId of [2, 3]) {
    await submitVerification(escrow.parts, seller, userId, submission);
    await decideVerification(escrow.parts, shopActor, userId, {
      isVerified: userId === 3,
      reason: userId === 3 ? null : "No such number",
    });
  }
  await escrow.run(TELL_SELLER, { user_id: 2, verification_status: "PENDING" });
  await escrow.run(TELL_SELLER, { user_id: 2, verification_status: "REJECTED" });
  await escrow.run(TELL_SELLER, { user_id: 3, verification_status: "VERIFIED" });
  const mails = await rows("SELECT to_address, text_body FROM emails ORDER BY subject");
  expect(mails).toEqual([
    {
      to_address: "user3@example.com",
      text_body: "Your details are checked. Buyers can now pay into escrow for your work.",
    },
    {
      to_address: "user2@example.com",
      text_body: "Мы получили ваши данные продавца и сообщим, как только проверим их.",
    },
    {
      to_address: "user2@example.com",
      text_body:
        "Подтвердить ваши данные не удалось. Вы можете исправить их и отправить ещё раз.\n\nПричина: No such number",
    },
  ]);
});

it("who gave an address that is another account's is not written to, and takes no mail from its owner", async () => {
  const escrow = createEscrow();
  await env.DB.prepare(
    "UPDATE users SET owns_email = 0, email = 'user2@example.com' WHERE id = 1",
  ).run();
  const id = await escrow.created();
  const result = await escrow.run(TELL, { transaction_id: id, notification_type: "created" });
  expect(result).toEqual({ sent_count: 1, failed_count: 1 });
  expect((await mailsOf("escrow_created")).map(({ text_body: text }) => text)).toEqual([
    expect.stringContaining("The buyer was asked to pay") as string,
  ]);
  escrow.time.now += 9 * DAY_MS;
  await escrow.run("cleanup_old_pending_transactions");
  await escrow.run("send_daily_transaction_summary");
  expect(await mailsOf("escrow_funding_reminder")).toEqual([]);
  expect((await mailsOf("escrow_daily_summary")).map(({ text_body: text }) => text)).toEqual([
    expect.stringContaining("You are selling:") as string,
  ]);
});

it("the verification of a seller whose address is another's fails visibly", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  await env.DB.prepare("UPDATE users SET owns_email = 0 WHERE id = 2").run();
  await expect(
    escrow.run(TELL_SELLER, { user_id: 2, verification_status: "VERIFIED" }),
  ).rejects.toThrow(RecipientRefusedError);
  expect(await mailsOf("seller_verification")).toEqual([]);
});
