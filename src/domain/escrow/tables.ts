import { sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { Account } from "./ledger.ts";
import type { NotificationType } from "./notification-types.ts";
import type { EscrowEvent, MilestoneState, Role, TransactionState } from "./states.ts";
import type { VerificationEvent, VerificationStatus } from "./verification-states.ts";

/** As queries have to write it, for the indexes below to serve them. */
export const IS_ACTIVE = sql`state IN ('pending_funding', 'funded', 'in_progress', 'disputed')`;
export const IS_UNFUNDED = sql`state = 'pending_funding'`;

/**
 * Deals between a buyer and a seller. Written by requests, each change in one batch with its row in
 * escrow_events; the reminder's mark by its job; read by requests, tasks and jobs; deleted by nobody.
 * WITHOUT ROWID. Leaving one of the partial indexes is free.
 */
export const escrowTransactions = sqliteTable(
  "escrow_transactions",
  {
    /** Begins with its time: newer ones sort behind. */
    id: text().primaryKey(),
    /** Accounts; never the same. */
    buyerId: integer("buyer_id").notNull(),
    sellerId: integer("seller_id").notNull(),
    title: text().notNull(),
    /** Minor units of the currency; the sum of its milestones. */
    amountMinor: integer("amount_minor").notNull(),
    /** ISO 4217. */
    currency: text().notNull(),
    state: text().$type<TransactionState>().notNull(),
    /** Its changes so far: the number of the last one's row in escrow_events. */
    version: integer().notNull(),
    /** Epoch ms. */
    createdAt: integer("created_at").notNull(),
    /** Epoch ms of the last change. */
    updatedAt: integer("updated_at").notNull(),
    /** While it waits for its money: when the buyer is reminded (again), epoch ms. */
    remindAt: integer("remind_at").notNull(),
    /** The Idempotency-Key it was created with; null: none. */
    requestKey: text("request_key"),
  },
  (table) => [
    index("escrow_transactions_buyer").on(table.buyerId, table.id),
    index("escrow_transactions_seller").on(table.sellerId, table.id),
    index("escrow_transactions_buying").on(table.buyerId).where(IS_ACTIVE),
    index("escrow_transactions_selling").on(table.sellerId).where(IS_ACTIVE),
    index("escrow_transactions_unfunded").on(table.remindAt).where(IS_UNFUNDED),
    index("escrow_transactions_disputed")
      .on(table.id)
      .where(sql`state = 'disputed'`),
    uniqueIndex("escrow_transactions_request")
      .on(table.buyerId, table.requestKey)
      .where(sql`request_key IS NOT NULL`),
  ],
);

/**
 * The parts of a transaction's work. Written with it, changed in the batch of its changes; the reminder's
 * mark by its job; read with it; deleted by nobody. WITHOUT ROWID.
 */
export const escrowMilestones = sqliteTable(
  "escrow_milestones",
  {
    transactionId: text("transaction_id").notNull(),
    /** From 1. */
    number: integer().notNull(),
    title: text().notNull(),
    /** Minor units of the transaction's currency. */
    amountMinor: integer("amount_minor").notNull(),
    state: text().$type<MilestoneState>().notNull(),
    /** The transaction's. */
    sellerId: integer("seller_id").notNull(),
    /** Since when the seller owes it, epoch ms: since the funding, or since it was sent back; null: not now. */
    pendingSince: integer("pending_since"),
    /** When the seller is reminded (again), epoch ms; null as above. */
    remindAt: integer("remind_at"),
    /** Why the buyer sent it back last; null: never. */
    rejectReason: text("reject_reason"),
  },
  (table) => [
    primaryKey({ columns: [table.transactionId, table.number] }),
    index("escrow_milestones_owed")
      .on(table.sellerId, table.remindAt)
      .where(sql`remind_at IS NOT NULL`),
  ],
);

/**
 * Who did what, when: one row per change of a transaction or of a seller's verification. Its key is what
 * keeps changes apart: of two that were decided on the same state, one fails with its whole batch. Written
 * in the batch of the change; read by requests and notifications; deleted by nobody. WITHOUT ROWID.
 */
export const escrowEvents = sqliteTable(
  "escrow_events",
  {
    /** A transaction's id, or `seller:<user id>`. */
    subject: text().notNull(),
    /** From 1, without gaps. */
    number: integer().notNull(),
    event: text().$type<EscrowEvent | VerificationEvent | "create">().notNull(),
    /** What the parties are told: a notification's type, or a verification's status. */
    notification: text().$type<NotificationType | VerificationStatus>().notNull(),
    /** The milestone's number; null: it is about the whole. */
    milestone: integer(),
    /** A reason, a reference, a note; null: none was given. */
    detail: text(),
    /** As who it was done. */
    role: text().$type<Role>().notNull(),
    /** The caller's owner: who did it. */
    actor: text().notNull(),
    /** The task that tells of it. */
    taskId: text("task_id").notNull(),
    /** Epoch ms. */
    at: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.number] })],
);

/**
 * The money: every row is a movement from one account of a transaction to another, so that the sum over all
 * accounts is always nothing. The key lets each happen once. Written in the batch of the change that moves
 * the money; read by requests; deleted by nobody. WITHOUT ROWID.
 */
export const escrowEntries = sqliteTable(
  "escrow_entries",
  {
    transactionId: text("transaction_id").notNull(),
    /** `funding`, `milestone:<number>`, or `rest`: all that was held at the end. */
    what: text().notNull(),
    fromAccount: text("from_account").$type<Account>().notNull(),
    toAccount: text("to_account").$type<Account>().notNull(),
    /** Minor units of the transaction's currency, more than 0. */
    amountMinor: integer("amount_minor").notNull(),
    /** The shop's name for the payment of a funding: pays for one transaction only. Null: no funding. */
    reference: text(),
    /** Epoch ms. */
    at: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.transactionId, table.what] }),
    uniqueIndex("escrow_entries_reference")
      .on(table.reference)
      .where(sql`reference IS NOT NULL`),
  ],
);

/**
 * Whether sellers are who they say they are. Written by their submissions and by the shop's decisions, each
 * in one batch with its row in escrow_events; read by requests and fundings; deleted by nobody.
 */
export const sellerVerifications = sqliteTable(
  "seller_verifications",
  {
    userId: integer("user_id").primaryKey(),
    status: text().$type<VerificationStatus>().notNull(),
    /** Its changes so far: the number of the last one's row in escrow_events. */
    version: integer().notNull(),
    legalName: text("legal_name").notNull(),
    /** ISO 3166-1 alpha-2. */
    country: text().notNull(),
    /** What else the seller says: registration numbers, links. */
    details: text().notNull(),
    /** What the shop said with its decision; null: nothing, or it is not decided. */
    reason: text(),
    /** Epoch ms of the last submission. */
    submittedAt: integer("submitted_at").notNull(),
    /** Epoch ms of the decision over it; null: not yet. */
    decidedAt: integer("decided_at"),
  },
  (table) => [
    index("seller_verifications_pending")
      .on(table.submittedAt)
      .where(sql`status = 'PENDING'`),
  ],
);
