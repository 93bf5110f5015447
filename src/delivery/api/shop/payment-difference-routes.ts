import { z } from "zod";
import {
  lastReconciliation,
  listDifferences,
  resolveDifference,
  type Difference,
  type Reconciliation,
} from "#domain/payments";
import { readBody } from "../body.ts";
import { jsonCursor, readJsonCursor } from "../json-cursor.ts";
import { conflict, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiParts, Route } from "../route.ts";
import { decimalOf } from "./fields.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const STATES = ["open", "resolved"] as const;
const place = z
  .tuple([z.int(), z.string()])
  .transform(([firstSeenAt, id]) => ({ firstSeenAt, id }));
const resolution = z.strictObject({ note: z.string().trim().min(1).max(1_000) });

/** Where the shop's payments and the gateway's book differ, for the shop's people. */
export function paymentDifferenceRoutes({ shop, clock }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/payments/differences",
      scope: "orders:manage",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const isOpen = (reader.oneOf("state", STATES) ?? "open") === "open";
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const after = readJsonCursor(reader, place);
        const [found, last] = await Promise.all([
          listDifferences(shop.db, { isOpen, after, limit: limit + 1 }),
          lastReconciliation(shop.db),
        ]);
        const page = found.slice(0, limit);
        const end = found.length > limit ? page.at(-1) : undefined;
        return Response.json({
          differences: page.map(view),
          next_cursor: end ? jsonCursor([end.firstSeenAt, end.id]) : null,
          last_run: last && runView(last),
        });
      },
    },
    {
      method: "POST",
      path: "/api/payments/differences/:id/resolve",
      scope: "orders:manage",
      handle: async ({ request, params: { id = "" }, caller }) => {
        const { note } = await readBody(request, resolution);
        const by = caller.owner;
        const answer = await resolveDifference(shop.db, id, { by, note, now: clock.now() });
        if (answer === null) throw notFound();
        if (!answer.isGranted) throw conflict("already_resolved", "It is resolved already.");
        return Response.json(view(answer.difference));
      },
    },
  ];
}

function view(difference: Difference) {
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

function runView(run: Reconciliation) {
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
