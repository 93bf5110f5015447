import { and, inArray, sql } from "drizzle-orm";
import { findOrders, type Order } from "../orders/index.ts";
import type { BookedCharge } from "./gateway.ts";
import type { Payment, PaymentParts } from "./payment-book.ts";
import {
  bookedFacts,
  isChargeOf,
  isMoving,
  kindOf,
  WAITING_MS,
  type Evidence,
  type Suspect,
} from "./reconcile-kinds.ts";
import { IS_UNSETTLED, payments } from "./tables.ts";

/** Rows of the shop's book that one query looks for, in the orders of so much time: it may take 30 s. */
const ROWS = 200;
const SCANNED_MS = 4 * 86_400_000;

/** A time that is compared at once, and the run's until which what changes counts; epoch ms. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly until: number;
}

/** Orders that were created in a slice. */
export interface OrdersSlice extends Slice {
  /** Payments that did not change since are not looked at. */
  readonly changedSince: number;
}

/** What a page comes to: a step's result. */
export interface ComparedCharges {
  readonly count: number;
  readonly next: string | null;
  readonly suspects: readonly Suspect[];
  /** Orders whose payment was found captured in the gateway's book. */
  readonly seen: readonly string[];
}

/**
 * Compares a page of the gateway's book with what the shop says of these orders. What others charge by the same
 * account is passed over. Queries: 2 or 0.
 */
export async function compareCharges(
  parts: PaymentParts,
  slice: Slice,
  cursor: string | null,
): Promise<ComparedCharges> {
  const time = { from: slice.from, until: slice.to };
  const { charges: all, next } = await parts.gateway.list(time, cursor);
  const charges = all.filter(({ idempotencyKey }) => idempotencyKey !== null);
  if (charges.length === 0) return { count: all.length, next, suspects: [], seen: [] };
  const ids = [...new Set(charges.flatMap(({ orderId }) => orderId ?? []))];
  const [orders, own] = await Promise.all([findOrders(parts.db, ids), findPayments(parts, ids)]);
  const suspects: Suspect[] = [];
  const seen: string[] = [];
  for (const booked of charges) {
    const evidence = evidenceOf(booked, orders, own);
    if (!isMoving(evidence, slice.until) && kindOf(evidence, slice.until) !== null)
      suspects.push(booked);
    const isOurs =
      booked.status === "captured" && isChargeOf(bookedFacts(booked), evidence.payment);
    if (isOurs && booked.orderId !== null) seen.push(booked.orderId);
  }
  return { count: all.length, next, suspects: suspects.map(suspectOf), seen };
}

function evidenceOf(
  booked: BookedCharge,
  orders: ReadonlyMap<string, Order>,
  own: ReadonlyMap<string, Payment>,
): Evidence {
  const { orderId } = booked;
  return {
    orderId,
    order: orders.get(orderId ?? "") ?? null,
    payment: own.get(orderId ?? "") ?? null,
    charge: bookedFacts(booked),
  };
}

function suspectOf({ orderId, reference, idempotencyKey, currency }: Suspect): Suspect {
  return { orderId, reference, idempotencyKey, currency };
}

async function findPayments(
  { db }: PaymentParts,
  orderIds: readonly string[],
): Promise<Map<string, Payment>> {
  const ids = sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
  const found = await db.select().from(payments).where(inArray(payments.orderId, ids));
  return new Map(found.map((payment) => [payment.orderId, payment]));
}

/** A place among orders, by time. */
export type OrdersPlace = readonly [createdAt: number, id: string];

/** Rows that were looked at. */
export interface ComparedPayments {
  readonly count: number;
  readonly next: OrdersPlace | null;
  readonly suspects: readonly Suspect[];
}

/**
 * The next payments of orders that were created in the slice whose charge the gateway's book has to have,
 * orders that count as paid without such, and orders that wait for one that nobody began: those that were not
 * seen there are suspects. Reads the orders
 * of the slice and their payments, once each.
 * @param place behind which it goes on; to begin with, the time that the slice begins
 */
export async function comparePayments(
  { db, gateway }: PaymentParts,
  slice: OrdersSlice,
  [createdAt, id]: OrdersPlace,
  seen: ReadonlySet<string>,
): Promise<ComparedPayments> {
  const to = Math.min(slice.to, createdAt + SCANNED_MS);
  const isChanged = sql`p.updated_at >= ${slice.changedSince} AND p.updated_at < ${slice.until}`;
  const waiting = slice.until - WAITING_MS;
  const rows = await db.all<{ at: number; id: string; reference: string | null }>(
    sql`SELECT o.created_at AS at, o.id, p.reference
      FROM orders o LEFT JOIN payments p ON p.order_id = o.id
      WHERE (o.created_at, o.id) > (${createdAt}, ${id}) AND o.created_at < ${to}
        AND (p.state IN ('captured', 'refunding', 'refunded') AND p.provider = ${gateway.provider}
            AND ${isChanged}
          OR o.state IN ('paid', 'shipped', 'delivered')
            AND (p.state IS NULL OR p.provider = ${gateway.provider}
              AND p.state NOT IN ('captured', 'refunding'))
          OR o.state = 'pending' AND p.state IS NULL AND o.created_at < ${waiting})
      ORDER BY o.created_at, o.id LIMIT ${ROWS}`,
  );
  const last = rows.length === ROWS ? rows.at(-1) : undefined;
  const end: OrdersPlace | null = to < slice.to ? [to, ""] : null;
  const suspects = rows
    .filter((row) => !seen.has(row.id))
    .map((row) => shopSuspect(row.id, row.reference));
  return { count: rows.length, next: last ? [last.at, last.id] : end, suspects };
}

/** Payments whose outcome is not known for long, by order. Reads those that are under way besides. */
export async function findUnsettled(
  { db, gateway }: Pick<PaymentParts, "db" | "gateway">,
  time: { readonly from: number; readonly until: number },
  after: string,
  limit: number,
): Promise<Payment[]> {
  return db
    .select()
    .from(payments)
    .where(
      and(
        IS_UNSETTLED,
        sql`order_id > ${after} AND provider = ${gateway.provider}`,
        sql`updated_at >= ${time.from} AND updated_at < ${time.until}`,
      ),
    )
    .orderBy(payments.orderId)
    .limit(limit);
}

/** Of a payment of the shop's own book. */
export function shopSuspect(orderId: string, reference: string | null): Suspect {
  return { orderId, reference, idempotencyKey: null, currency: null };
}
