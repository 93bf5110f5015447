import * as z from "zod";
import {
  checkSignature,
  isNotice,
  PaymentEventError,
  processPaymentCallback,
  receiveEvent,
  tellAdmins,
  type PaymentEvent,
  type PaymentGateway,
  type PaymentNotice,
} from "#domain/payments";
import { taskId } from "../http/answers.ts";
import { jsonOf, readBytes } from "../http/body.ts";
import { operation } from "../http/operation.ts";
import { invalid, Problem } from "../http/problems.ts";
import type { ApiParts, Route } from "../route.ts";

const MAX_BODY_BYTES = 65_536;
/** The tasks of the gateway's events are nobody's but the deployment's. */
const OWNER = "system";

const receivedAnswer = z.strictObject({
  received: z.literal(true),
  task_id: taskId.optional().describe("The task that applies it; absent: it changes nothing."),
});

/** What the payment gateway calls. It is known by its signature, so the route is public. */
export function paymentRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/payments/webhook",
      scope: "public",
      rate: "webhook",
      tag: "payments",
      summary: "Tell of a payment: the gateway's webhook",
      description: "Known by its signature. The same event told again changes nothing.",
      headers: {
        "Stripe-Signature": z.string().optional().describe("`t=…,v1=…`, by the webhook's secret."),
      },
      body: { types: ["application/json"], words: "An event of the gateway, as it was signed." },
      answers: { 200: receivedAnswer },
      problems: {
        400: ["bad_signature", "malformed_body"],
        413: ["body_too_large"],
        503: ["not_configured"],
      },
      handle: async ({ request, background }) => {
        const { webhookSecrets, gateway, clock } = parts.shop;
        if (webhookSecrets.length === 0) {
          throw new Problem(503, "not_configured", "The webhook is not configured.");
        }
        const body = await readBytes(request, MAX_BODY_BYTES);
        const header = request.headers.get("Stripe-Signature") ?? "";
        const check = await checkSignature(header, body, webhookSecrets, clock.now());
        if (check !== "valid") {
          throw new Problem(400, "bad_signature", `The signature is ${check}.`);
        }
        const event = eventOf(gateway, jsonOf(body));
        if (event === null) return Response.json({ received: true });
        if (isNotice(event)) {
          const told = await tellAdmins(parts.lovageFor(OWNER), event, parts.shop.locale);
          return Response.json({ received: true, task_id: told });
        }
        const applying = (eventId: string) => processPaymentCallback.s({ event_id: eventId });
        const receiving = { ...parts.shop, background };
        const lovage = parts.lovageFor(OWNER);
        const applied = await receiveEvent(receiving, lovage, event, applying);
        return Response.json({ received: true, task_id: applied });
      },
    }),
  ];
}

function eventOf(gateway: PaymentGateway, body: unknown): PaymentEvent | PaymentNotice | null {
  try {
    return gateway.readEvent(body);
  } catch (error) {
    if (!(error instanceof PaymentEventError)) throw error;
    throw invalid([{ field: "body", message: error.message }]);
  }
}
