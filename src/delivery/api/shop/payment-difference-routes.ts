import * as z from "zod";
import {
  lastReconciliation,
  listDifferences,
  resolveDifference,
  type Difference,
  type Reconciliation,
} from "#domain/payments";
import { isoTime, isoTimeOrNull, pageOf, taskId } from "../http/answers.ts";
import { jsonCursor } from "../http/json-cursor.ts";
import { operation } from "../http/operation.ts";
import { conflict, notFound } from "../http/problems.ts";
import { limit, oneOfOr, placeCursor } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { decimalOf } from "./fields.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const STATES = ["open", "resolved"] as const;
const place = z
  .tuple([z.int(), z.string()])
  .transform(([firstSeenAt, id]) => ({ firstSeenAt, id }));
const resolution = z.strictObject({ note: z.string().trim().min(1).max(1_000) });

const TAG = "payments";

const differenceAnswer = z
  .strictObject({
    difference_id: z.string(),
    kind: z.string(),
    order_id: z.string().nullable(),
    reference: z.string().nullable().describe("The gateway's name for the charge."),
    shop: z.strictObject({
      order_state: z.string().nullable(),
      payment_state: z.string().nullable(),
      amount: z.number().nullable(),
      currency: z.string().nullable(),
    }),
    gateway: z.strictObject({
      captured: z.number(),
      refunded: z.number(),
      currency: z.string().nullable(),
    }),
    mended: z.boolean().describe("The deployment resolved it by itself."),
    first_seen_at: isoTime,
    last_seen_at: isoTime,
    resolved_at: isoTimeOrNull,
    resolved_by: z.string().nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: "PaymentDifference" });
const runAnswer = z
  .strictObject({
    from: isoTime,
    until: isoTime,
    task_id: taskId.nullable(),
    checked_charges: z.int(),
    checked_payments: z.int(),
    differences: z.int(),
    mended: z.int(),
    new: z.int(),
  })
  .meta({ id: "Reconciliation" });

/** Where the shop's payments and the gateway's book differ, for the shop's people. */
export function paymentDifferenceRoutes({ shop, clock }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/payments/differences",
      scope: "orders:manage",
      rate: "read",
      tag: TAG,
      summary: "List where our payments and the gateway's book differ",
      query: {
        state: oneOfOr(STATES, "open", "In this state."),
        limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
        cursor: placeCursor(place),
      },
      answers: {
        200: pageOf("differences", differenceAnswer).extend({ last_run: runAnswer.nullable() }),
      },
      handle: async ({ query }) => {
        const { limit: most, cursor: after } = query;
        const isOpen = query.state === "open";
        const [found, last] = await Promise.all([
          listDifferences(shop.db, { isOpen, after, limit: most + 1 }),
          lastReconciliation(shop.db),
        ]);
        const page = found.slice(0, most);
        const end = found.length > most ? page.at(-1) : undefined;
        return Response.json({
          differences: page.map(view),
          next_cursor: end ? jsonCursor([end.firstSeenAt, end.id]) : null,
          last_run: last && runView(last),
        });
      },
    }),
    operation({
      method: "POST",
      path: "/api/payments/differences/:id/resolve",
      scope: "orders:manage",
      rate: "submit",
      tag: TAG,
      summary: "Say that a difference is dealt with",
      body: resolution,
      example: { note: "Refunded by hand." },
      answers: { 200: differenceAnswer },
      problems: { 409: ["already_resolved"] },
      handle: async ({ params: { id = "" }, caller, body: { note } }) => {
        const by = caller.owner;
        const answer = await resolveDifference(shop.db, id, { by, note, now: clock.now() });
        if (answer === null) throw notFound();
        if (!answer.isGranted) throw conflict("already_resolved", "It is resolved already.");
        return Response.json(view(answer.difference));
      },
    }),
  ];
}

function view(difference: Difference): z.output<typeof differenceAnswer> {
  const { id, kind, orderId, reference, isMended, resolvedAt, resolvedBy, note } = difference;
  const { dueMinor, firstSeenAt, lastSeenAt } = difference;
  return {
    difference_id: id,
    kind,
    order_id: orderId,
    reference,
    shop: {
      order_state: difference.orderState,
      payment_state: difference.paymentState,
      amount: dueMinor === null ? null : decimalOf(dueMinor),
      currency: difference.dueCurrency,
    },
    gateway: {
      captured: decimalOf(difference.takenMinor),
      refunded: decimalOf(difference.refundedMinor),
      currency: difference.takenCurrency,
    },
    mended: isMended && resolvedAt !== null,
    first_seen_at: isoOf(firstSeenAt),
    last_seen_at: isoOf(lastSeenAt),
    resolved_at: resolvedAt === null ? null : isoOf(resolvedAt),
    resolved_by: resolvedBy,
    note,
  };
}

function runView(run: Reconciliation): z.output<typeof runAnswer> {
  return {
    from: isoOf(run.fromAt),
    until: isoOf(run.untilAt),
    task_id: run.taskId,
    checked_charges: run.checkedCharges,
    checked_payments: run.checkedPayments,
    differences: run.differences,
    mended: run.mended,
    new: run.fresh,
  };
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}
