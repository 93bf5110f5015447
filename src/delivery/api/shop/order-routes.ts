import { z } from "zod";
import { createOrder } from "#domain/checkout";
import { isAddress, listEmails } from "#domain/mail";
import { findOrder } from "#domain/orders";
import { findPayment } from "#domain/payments";
import { owns } from "../access.ts";
import { readBody } from "../body.ts";
import { conflict, notFound } from "../problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { emailView } from "./email-views.ts";

const emailAddress = z.string().refine(isAddress, "Must be one e-mail address.");

/** An amount with at most two decimals, as minor units. The decimals are counted in the text. */
const amount = z
  .number()
  .positive()
  .max(999_999.99)
  .refine((value) => /^\d+(\.\d{1,2})?$/.test(String(value)), "Must have at most two decimals.")
  .transform((value) => {
    const [whole = "0", decimals = ""] = String(value).split(".");
    return Number(whole) * 100 + Number(decimals.padEnd(2, "0"));
  });

const orderSchema = z.strictObject({
  orderId: z.string().regex(/^[\w.:-]{1,64}$/, "Must be 1 to 64 letters, digits, or _ . : -"),
  userId: z.int().positive(),
  totalAmount: amount,
  customerEmail: emailAddress,
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "Must be an ISO 4217 code.")
    .default("USD"),
  locale: z.enum(["en", "ru"]).optional(),
});

const MAX_EMAILS = 200;

export function orderRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/create-order",
      scope: "orders:write",
      handle: async ({ request, caller, background }) => {
        const { totalAmount, locale = null, ...same } = await readBody(request, orderSchema);
        const input = { ...same, amountMinor: totalAmount, locale };
        const lovage = parts.lovageFor(caller.owner);
        const answer = await createOrder(
          { ...parts.shop, background },
          lovage,
          caller.owner,
          input,
        );
        if (answer.kind === "conflict") {
          throw conflict("order_exists", `Order #${input.orderId} exists with other content.`);
        }
        const { order } = answer;
        return Response.json({
          message: `Order #${order.id} created. Email sent to ${order.customerEmail}.`,
          data: {
            message: "Order created successfully!",
            orderId: order.id,
            tasks: {
              send_order_confirmation_email: order.emailTaskId,
              process_payment: order.paymentTaskId,
            },
          },
        });
      },
    },
    {
      method: "GET",
      path: "/api/orders/:id",
      scope: "orders:read",
      handle: async ({ params, caller }) => {
        const order = await findOrder(parts.shop.db, params.id ?? "");
        if (order === null || !owns(caller, order.owner)) throw notFound();
        const payment = await findPayment(parts.shop.db, order.id);
        return Response.json({
          orderId: order.id,
          userId: order.userId,
          totalAmount: order.amountMinor / 100,
          currency: order.currency,
          customerEmail: order.customerEmail,
          state: order.state,
          payment: payment && {
            state: payment.state,
            provider: payment.provider,
            reference: payment.reference,
            declineReason: payment.declineReason,
          },
          tasks: {
            send_order_confirmation_email: order.emailTaskId,
            process_payment: order.paymentTaskId,
          },
          createdAt: new Date(order.createdAt).toISOString(),
        });
      },
    },
    {
      method: "GET",
      path: "/api/orders/:id/emails",
      scope: "orders:read",
      handle: async ({ params, caller }) => {
        const order = await findOrder(parts.shop.db, params.id ?? "");
        if (order === null || !owns(caller, order.owner)) throw notFound();
        const taskId = order.emailTaskId;
        const emails = await listEmails(parts.shop.db, { taskId, limit: MAX_EMAILS });
        return Response.json({ emails: emails.map(emailView) });
      },
    },
  ];
}
