import type { Chance } from "./chance.ts";
import { countSellers, countUsers, FIRST_USER, type Rows, type SeedOptions } from "./people.ts";

const DAY_MS = 86_400_000;
const CURRENCY = "USD";

/** Escrow transactions in all their states, with milestones, history and entries that add up. */
export function* deals(options: SeedOptions, chance: Chance): Generator<Rows> {
  const { now, days, orders } = options;
  const count = Math.max(10, Math.round(orders / 50));
  const sellers = countSellers(options);
  const buyers = countUsers(options) - sellers;
  const transactions: unknown[][] = [];
  const milestones: unknown[][] = [];
  const events: unknown[][] = [];
  const entries: unknown[][] = [];
  for (let n = 0; n < count; n += 1) {
    const createdAt = now - Math.floor(((count - n) / count) * days * DAY_MS);
    const id = `${createdAt.toString(36).padStart(9, "0")}-seed${String(n).padStart(6, "0")}`;
    const sellerId = FIRST_USER + chance.integer(0, sellers - 1);
    const buyerId = FIRST_USER + sellers + chance.popular(buyers);
    const parts = Array.from({ length: chance.integer(1, 4) }, () => chance.integer(50, 900) * 100);
    const amount = parts.reduce((sum, part) => sum + part, 0);
    const state = chance.weighted([
      ["completed", 50],
      ["in_progress", 20],
      ["pending_funding", 20],
      ["funded", 10],
    ]);
    const isFunded = state !== "pending_funding";
    const fundedAt = Math.min(createdAt + DAY_MS, now);
    const steps = ["create", "fund", "start", "approve"].slice(
      0,
      { pending_funding: 1, funded: 2, in_progress: 3, completed: 3 }[state],
    );
    if (state === "completed") steps.push(...parts.map(() => "approve"));
    const endedAt = state === "completed" ? Math.min(createdAt + 5 * DAY_MS, now) : fundedAt;
    transactions.push([
      ...[id, buyerId, sellerId, `Work no. ${n + 1}`, amount, CURRENCY, state, steps.length],
      ...[createdAt, isFunded ? endedAt : createdAt, createdAt + 7 * DAY_MS, null],
    ]);
    parts.forEach((part, index) => {
      const isReleased = state === "completed";
      const isOwed = isFunded && !isReleased;
      milestones.push([
        ...[id, index + 1, `Part ${index + 1}`, part, isReleased ? "released" : "pending"],
        ...[sellerId, isOwed ? fundedAt : null, isOwed ? fundedAt + 14 * DAY_MS : null, null],
      ]);
      if (isReleased) {
        entries.push([id, `milestone:${index + 1}`, "held", "seller", part, null, endedAt]);
      }
    });
    if (isFunded) entries.push([id, "funding", "buyer", "held", amount, `seed-${n}`, fundedAt]);
    steps.forEach((event, index) => {
      const told = { create: "created", fund: "funded", start: "started" }[event] ?? "completed";
      const isBuyer = event !== "start";
      const actor = `user:${isBuyer ? buyerId : sellerId}`;
      events.push([
        ...[id, index + 1, event, told, event === "approve" ? index - 2 : null, null],
        ...[isBuyer ? "buyer" : "seller", actor, `${id}-${index + 1}`, fundedAt],
      ]);
    });
  }
  yield {
    table: "escrow_transactions",
    columns: [
      ...["id", "buyer_id", "seller_id", "title", "amount_minor", "currency", "state", "version"],
      ...["created_at", "updated_at", "remind_at", "request_key"],
    ],
    rows: transactions,
  };
  yield {
    table: "escrow_milestones",
    columns: [
      ...["transaction_id", "number", "title", "amount_minor", "state", "seller_id"],
      ...["pending_since", "remind_at", "reject_reason"],
    ],
    rows: milestones,
  };
  yield {
    table: "escrow_events",
    columns: [
      ...["subject", "number", "event", "notification", "milestone", "detail", "role", "actor"],
      ...["task_id", "at"],
    ],
    rows: events,
  };
  yield {
    table: "escrow_entries",
    columns: [
      ...[
        "transaction_id",
        "what",
        "from_account",
        "to_account",
        "amount_minor",
        "reference",
        "at",
      ],
    ],
    rows: entries,
  };
}
