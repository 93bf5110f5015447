import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The simulated gateway's own book: what it charged, whatever the shop thinks. Written and read by it
 * alone; deleted by nobody. WITHOUT ROWID.
 */
export const simulatedCharges = sqliteTable("simulated_charges", {
  idempotencyKey: text("idempotency_key").primaryKey(),
  orderId: text("order_id").notNull(),
  amountMinor: integer("amount_minor").notNull(),
  currency: text().notNull(),
  /** Requests for this charge so far. */
  requests: integer().notNull(),
  /** Times the money was taken: 0 or, if all is well, 1. */
  captures: integer().notNull(),
  /** True: it takes nothing any more. */
  isCanceled: integer("is_canceled", { mode: "boolean" }).notNull().default(false),
  /** Epoch ms. */
  createdAt: integer("created_at").notNull().default(0),
});

/** The refunds of the simulated gateway's book. Written and read by it alone; deleted by nobody. WITHOUT ROWID. */
export const simulatedRefunds = sqliteTable(
  "simulated_refunds",
  {
    /** The idempotency key of the charge. */
    chargeKey: text("charge_key").notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    amountMinor: integer("amount_minor").notNull(),
    /** Requests for this refund so far. */
    requests: integer().notNull(),
    /** Times the money went back: 0 or, if all is well, 1. */
    refunds: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.chargeKey, table.idempotencyKey] })],
);
