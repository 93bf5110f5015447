import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { ended, get, order, post } from "./api.ts";

interface OrderView {
  state: string;
  totalAmount: number;
  payment: { state: string; reference: string | null; provider: string } | null;
}

async function charges(orderId: string) {
  return env.DB.prepare(
    "SELECT count(*) AS charges, sum(captures) AS captures FROM simulated_charges WHERE order_id = ?",
  )
    .bind(orderId)
    .first<{ charges: number; captures: number | null }>();
}

async function viewOf(orderId: string): Promise<OrderView> {
  return (await get(`/api/orders/${orderId}/`)).json();
}

it("an order is answered at once and its e-mail and payment run in the background", async () => {
  const answer = await order("123");
  expect(answer.message).toBe("Order #123 created. Email sent to customer@example.com.");
  expect(answer.data.message).toBe("Order created successfully!");
  const { send_order_confirmation_email: mail, process_payment: payment } = answer.data.tasks;
  expect(await ended(mail)).toMatchObject({
    state: "SUCCESS",
    result: "Email for order #123 sent successfully to customer@example.com.",
  });
  expect(await ended(payment)).toMatchObject({
    state: "SUCCESS",
    result: "Payment for order #123 processed successfully.",
  });
  expect(await viewOf("123")).toMatchObject({
    state: "paid",
    payment: { state: "captured", provider: "simulated", reference: "sim_order:123:0" },
  });
  const { emails } = await (await get("/api/orders/123/emails/")).json<{ emails: unknown[] }>();
  expect(emails).toEqual([
    expect.objectContaining({
      task_id: mail,
      to: "customer@example.com",
      subject: "Order confirmation #123",
      text: "Thank you for your order #123! We have started processing it.",
    }),
  ]);
  const left = await env.DB.prepare("SELECT count(*) AS n FROM outbox").first<{ n: number }>();
  expect(left?.n).toBe(0);
});

it("an order in Russian gets its mail and its results in Russian", async () => {
  const { data } = await order("ru-1", { locale: "ru" });
  const mail = await ended(data.tasks.send_order_confirmation_email);
  expect(mail.result).toBe("Email для заказа #ru-1 успешно отправлен на customer@example.com.");
  const payment = await ended(data.tasks.process_payment);
  expect(payment.result).toBe("Платеж для заказа #ru-1 успешно обработан.");
  const { emails } = await (
    await get("/api/orders/ru-1/emails/")
  ).json<{ emails: { subject: string; text: string }[] }>();
  expect(emails[0]).toMatchObject({
    subject: "Подтверждение заказа #ru-1",
    text: "Спасибо за ваш заказ #ru-1! Мы приступили к его обработке.",
  });
});

it("the same order again answers the same and sets off nothing new", async () => {
  const first = await order("twice");
  await ended(first.data.tasks.process_payment);
  expect(await order("twice")).toEqual(first);
  expect(await charges("twice")).toEqual({ charges: 1, captures: 1 });
});

it("ten requests for one order at the same time make one order, one payment and one mail (G7, G8)", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => order("crowd")));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  const tasks = answers[0]?.data.tasks;
  await ended(tasks?.process_payment ?? "");
  await ended(tasks?.send_order_confirmation_email ?? "");
  expect(await charges("crowd")).toEqual({ charges: 1, captures: 1 });
  const mails = await (await get("/api/orders/crowd/emails/")).json<{ emails: unknown[] }>();
  expect(mails.emails).toHaveLength(1);
  const recorded = env.DB.prepare(
    "SELECT count(*) AS n FROM tasks WHERE kwargs LIKE '%\"crowd\"%'",
  );
  await expect.poll(() => recorded.first()).toEqual({ n: 2 });
});

it("an order id with other content is a conflict and changes nothing", async () => {
  await order("taken");
  const answer = await post("/api/create-order/", {
    orderId: "taken",
    userId: 1,
    totalAmount: 151,
    customerEmail: "customer@example.com",
  });
  expect(answer.status).toBe(409);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect((await viewOf("taken")).totalAmount).toBe(150);
});

it("a declined payment fails visibly, at once and without a capture", async () => {
  const { data } = await order("declined", { totalAmount: 10.01 });
  expect(await ended(data.tasks.process_payment)).toMatchObject({
    state: "FAILURE",
    error: { exc_type: "PaymentDeclinedError" },
    attempts: [{ attempt: 1, outcome: "failure" }],
    dead_lettered: true,
  });
  expect(await viewOf("declined")).toMatchObject({
    state: "payment_failed",
    payment: { state: "declined", reference: "sim_order:declined:0" },
  });
  expect(await charges("declined")).toEqual({ charges: 1, captures: 0 });
});

it("a gateway that times out after charging is asked what happened, and the money is taken once (G9)", async () => {
  const { data } = await order("timeout", { totalAmount: 10.02 });
  expect(await ended(data.tasks.process_payment)).toMatchObject({
    state: "SUCCESS",
    retries: 1,
    attempts: [{ outcome: "retry" }, { outcome: "success" }],
  });
  expect(await charges("timeout")).toEqual({ charges: 1, captures: 1 });
  expect((await viewOf("timeout")).state).toBe("paid");
});

it("a gateway that fails twice is tried a third time", async () => {
  const { data } = await order("flaky", { totalAmount: 10.03 });
  expect(await ended(data.tasks.process_payment)).toMatchObject({ state: "SUCCESS", retries: 2 });
  expect(await charges("flaky")).toEqual({ charges: 1, captures: 1 });
});

it("a bad address fails alone, the other mails of its batch are sent", async () => {
  const mailTask = (to: string) => ({
    name: "send_order_confirmation_email",
    args: ["123", to],
  });
  const answer = await post("/api/tasks/bulk/", {
    tasks: ["a@example.com", "b@nowhere.invalid", "c@example.com"].map(mailTask),
  });
  const { task_ids: ids } = await answer.json<{ task_ids: string[] }>();
  const tasks = await Promise.all(ids.map(ended));
  expect(tasks.map((task) => task.state)).toEqual(["SUCCESS", "FAILURE", "SUCCESS"]);
  expect(tasks[1]?.error).toEqual({
    exc_type: "RecipientRefusedError",
    exc_message: "550 No such mailbox.",
  });
});

it("a doorbell nobody could answer is recorded, and its shard looks after its work by itself", async () => {
  const message = {
    id: "dead",
    timestamp: new Date(0),
    attempts: 4,
    body: { shard: 1, queue: "emails" },
  };
  const batch = createMessageBatch<{ shard: number; queue: string }>("doorbells-dead", [message]);
  const before = (await env.LEDGER.getByName("shard-1").stats()).requests;
  await worker.queue(batch, env);
  const result = await getQueueResult(batch, createExecutionContext());
  expect(result.explicitAcks).toEqual(["dead"]);
  expect((await env.LEDGER.getByName("shard-1").stats()).requests).toBeGreaterThan(before);
});

it("the queue handler never throws: bells that can't be answered are retried", async () => {
  const message = { id: "m", timestamp: new Date(0), attempts: 1, body: { shard: 1, queue: "x" } };
  const batch = createMessageBatch<{ shard: number; queue: string }>("default", [message]);
  await worker.queue(batch, { ...env, ID_SECRET: "" });
  const result = await getQueueResult(batch, createExecutionContext());
  expect(result.retryBatch.retry).toBe(true);
});

it("doorbells that ring twice, or for nothing, run no task twice (G5)", async () => {
  const { data } = await order("bells");
  const shard = Number.parseInt(data.tasks.process_payment.slice(15, 18), 16);
  const bells = ["payments", "emails"].flatMap((queue) =>
    Array.from({ length: 10 }, (_, index) => ({
      id: `${queue}-${index}`,
      timestamp: new Date(0),
      attempts: 1,
      body: { shard, queue },
    })),
  );
  const batch = createMessageBatch<{ shard: number; queue: string }>("payments", bells);
  const ctx = createExecutionContext();
  await worker.queue(batch, env);
  const result = await getQueueResult(batch, ctx);
  expect(result.explicitAcks).toHaveLength(20);
  const payment = await ended(data.tasks.process_payment);
  expect(payment.attempts).toHaveLength(1);
  expect(await charges("bells")).toEqual({ charges: 1, captures: 1 });
});
