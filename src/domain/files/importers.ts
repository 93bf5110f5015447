import type * as z from "zod";
import type { TaskContext } from "#engine";
import { putProducts } from "../catalog/index.ts";
import { createOrders } from "../checkout/index.ts";
import type { ShopServices } from "../services/index.ts";
import type { StoredFile } from "./file-book.ts";
import { orderRow, productRow, type RowError } from "./rows.ts";

/** A row of the file as its schema has it. */
interface Given<Row> {
  readonly line: number;
  readonly row: Row;
}

/** Takes rows of one kind. */
export interface Importer {
  readonly schema: z.ZodObject;
  /** Rows that are read before they are put. */
  readonly batch: number;
  /** Puts rows, those that are there already again. @returns one error for each that was refused */
  put(rows: readonly Given<unknown>[]): Promise<readonly RowError[]>;
}

/** Rows in one statement; well under D1's 2 MB for a parameter. */
const PRODUCTS_AT_ONCE = 500;
/** Orders that are created together. */
const ORDERS_AT_ONCE = 100;

/** The importer for a file of rows. */
export function importerOf(file: StoredFile, ctx: TaskContext<ShopServices>): Importer {
  const { services } = ctx;
  if (file.kind === "products") {
    return {
      schema: productRow,
      batch: PRODUCTS_AT_ONCE,
      put: async (rows) => {
        await putAll(services, rows as readonly Given<z.output<typeof productRow>>[]);
        return [];
      },
    };
  }
  return {
    schema: orderRow,
    batch: ORDERS_AT_ONCE,
    put: (rows) => putOrders(file.owner, ctx, rows as readonly Given<z.output<typeof orderRow>>[]),
  };
}

async function putAll(
  { db, clock }: ShopServices,
  rows: readonly Given<z.output<typeof productRow>>[],
): Promise<void> {
  if (rows.length === 0) return;
  const updatedAt = clock.now();
  const products = rows.map(
    ({ row: { sku, name, price, currency, seller_id: sellerId = null } }) => ({
      ...{ sku, name, priceMinor: price, currency, sellerId, updatedAt },
    }),
  );
  await db.batch([putProducts(db, products)]);
}

/** Creates orders as if their owner had asked for them; those that are there stay. */
async function putOrders(
  owner: string,
  { services, lovage }: TaskContext<ShopServices>,
  rows: readonly Given<z.output<typeof orderRow>>[],
): Promise<RowError[]> {
  const relays: Promise<void>[] = [];
  // What can't be relayed just now the outbox' sweep relays.
  const background = (work: Promise<void>) => void relays.push(work.catch(() => undefined));
  const isTaken = ({ row }: (typeof rows)[number]) =>
    row.payment_method !== undefined || !services.gateway.needsPaymentMethod;
  const taken = rows.filter(isTaken);
  const orders = taken.map(({ row }) => ({
    orderId: row.order_id,
    userId: row.user_id,
    amountMinor: row.total_amount,
    currency: row.currency,
    customerEmail: row.customer_email,
    locale: row.locale ?? null,
    items: [],
    paymentMethod: row.payment_method,
  }));
  const answers = await createOrders({ ...services, background }, lovage, owner, orders);
  await Promise.all(relays);
  const refused = taken.flatMap(({ line, row }, index) => {
    if (answers[index]?.kind !== "conflict") return [];
    const message = `Order #${row.order_id} exists with other content.`;
    return { line, field: "order_id", message };
  });
  const unpayable = rows
    .filter((row) => !isTaken(row))
    .map(({ line }) => ({ line, field: "payment_method", message: "Is needed." }));
  return [...refused, ...unpayable].toSorted((a, b) => a.line - b.line);
}
