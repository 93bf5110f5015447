import { z } from "zod";
import {
  changeTransaction,
  createTransaction,
  findAccount,
  findCase,
  listTransactions,
  rolesOf,
  TRANSACTION_STATES,
  type Command,
} from "#domain/escrow";
import { readBody } from "../body.ts";
import { conflict, invalid, notFound, Problem } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { callKey } from "../task-calls.ts";
import { accountOf, actorOf } from "./escrow-actor.ts";
import { accountId, escrowParts, line, words } from "./escrow-fields.ts";
import { verificationRoutes } from "./escrow-verification-routes.ts";
import { balanceView, caseView, changeView, transactionView } from "./escrow-views.ts";
import { amount, currency, readUserId } from "./fields.ts";
import { mayAsk } from "./people.ts";

const PATH = "/api/escrow/transactions";
const MAX_MILESTONES = 50;

const transactionSchema = z
  .strictObject({
    user_id: accountId.optional(),
    seller_id: accountId,
    title: line(200),
    amount,
    currency: currency.default("USD"),
    milestones: z
      .array(z.strictObject({ title: line(200), amount }))
      .min(1)
      .max(MAX_MILESTONES),
  })
  .refine(({ amount: total, milestones }) => sumOf(milestones) === total, {
    path: ["milestones"],
    message: "The milestones' amounts must add up to the amount.",
  });

const plainSchema = z.strictObject({ user_id: accountId.optional() });
const reasonSchema = z.strictObject({ user_id: accountId.optional(), reason: words });
const maybeReasonSchema = z.strictObject({
  user_id: accountId.optional(),
  reason: words.optional(),
});
const fundSchema = z.strictObject({ reference: line(200) });

/** What the schemas have of each other. */
interface Fields {
  readonly user_id?: number | undefined;
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
}

/** What the events are given with; a funding is the shop's alone. */
const TRANSACTION_EVENTS = [
  ["start", plainSchema],
  ["dispute", reasonSchema],
  ["cancel", maybeReasonSchema],
  ["refund", maybeReasonSchema],
  ["release", maybeReasonSchema],
] as const;
const MILESTONE_EVENTS = [
  ["submit", plainSchema],
  ["approve", plainSchema],
  ["reject", reasonSchema],
] as const;

export function escrowRoutes(parts: ApiParts): Route[] {
  return [
    { method: "POST", path: PATH, scope: "person or shop", handle: (call) => create(parts, call) },
    { method: "GET", path: PATH, scope: "person or shop", handle: (call) => list(parts, call) },
    {
      method: "GET",
      path: `${PATH}/:id`,
      scope: "person or shop",
      handle: (call) => show(parts, call),
    },
    {
      method: "POST",
      path: `${PATH}/:id/fund`,
      scope: "orders:manage",
      handle: (call) => change(parts, call, "fund", null, fundSchema),
    },
    ...TRANSACTION_EVENTS.map(([event, schema]): Route => ({
      method: "POST",
      path: `${PATH}/:id/${event}`,
      scope: "person or shop",
      handle: (call) => change(parts, call, event, null, schema),
    })),
    ...MILESTONE_EVENTS.map(([event, schema]): Route => ({
      method: "POST",
      path: `${PATH}/:id/milestones/:number/${event}`,
      scope: "person or shop",
      handle: (call) => change(parts, call, event, call.params["number"] ?? "", schema),
    })),
    ...verificationRoutes(parts),
  ];
}

async function create(parts: ApiParts, call: ApiCall): Promise<Response> {
  const body = await readBody(call.request, transactionSchema);
  const actor = actorOf(call.caller, body.user_id);
  const buyerId = accountOf(actor);
  if (buyerId === body.seller_id) {
    throw invalid([{ field: "seller_id", message: "Nobody can sell to themself." }]);
  }
  await mayAsk(parts, call.caller, "mailing");
  const answer = await createTransaction(escrowParts(parts, call), actor, {
    buyerId,
    sellerId: body.seller_id,
    title: body.title,
    currency: body.currency,
    milestones: body.milestones.map(({ title, amount: amountMinor }) => ({ title, amountMinor })),
    requestKey: callKey(call.request, PATH)?.key ?? null,
  });
  switch (answer.kind) {
    case "no_buyer":
    case "no_seller": {
      const field = answer.kind === "no_buyer" ? "user_id" : "seller_id";
      throw invalid([{ field, message: "There is no such account." }]);
    }
    case "key_reused":
      throw new Problem(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
      );
    case "created":
    case "same":
      return Response.json(caseView(answer.found), { status: 201 });
  }
}

async function list(parts: ApiParts, { caller, query }: ApiCall): Promise<Response> {
  const reader = new QueryReader(query);
  const named = readUserId(reader);
  const state = reader.oneOf("state", TRANSACTION_STATES) ?? null;
  const before = reader.cursor("cursor", /^[0-9a-f-]{36}$/);
  const limit = reader.integer("limit", 50, 200);
  reader.check();
  const actor = actorOf(caller, named);
  const userId = actor.isShop ? null : accountOf(actor);
  if (userId === null && state !== null && state !== "disputed") {
    throw invalid([{ field: "state", message: "Of all users only disputed; else give user_id." }]);
  }
  const page = { userId, state, before, limit };
  const transactions = await listTransactions(parts.shop.db, page);
  const last = transactions.at(-1);
  return Response.json({
    transactions: transactions.map(transactionView),
    next_cursor: transactions.length < limit ? null : (last?.id ?? null),
  });
}

async function show(parts: ApiParts, { caller, query, params }: ApiCall): Promise<Response> {
  const reader = new QueryReader(query);
  const named = readUserId(reader);
  reader.check();
  const actor = actorOf(caller, named);
  const found = await findCase(parts.shop.db, params["id"] ?? "");
  if (found === null || rolesOf(actor, found.transaction).length === 0) throw notFound();
  const { balance, changes } = await findAccount(parts.shop.db, found.transaction.id);
  return Response.json({
    ...caseView(found),
    balance: balanceView(balance),
    history: changes.map((each) => changeView(each, actor.isShop)),
  });
}

/** @param milestone its number, as it stands in the path; null: it is about the whole */
async function change(
  parts: ApiParts,
  call: ApiCall,
  event: Command["event"],
  milestone: string | null,
  schema: z.ZodType<Fields>,
): Promise<Response> {
  const { user_id: named, reason, reference } = await readBody(call.request, schema);
  if (milestone !== null && !/^[1-9]\d?$/.test(milestone)) throw notFound();
  const number = milestone === null ? null : Number(milestone);
  const detail = reason ?? reference ?? null;
  const actor = actorOf(call.caller, named);
  const id = call.params["id"] ?? "";
  const command = { event, milestone: number, detail };
  const answer = await changeTransaction(escrowParts(parts, call), actor, id, command);
  if (answer.kind === "refused") throw PROBLEMS[answer.code]();
  return Response.json(caseView(answer.found));
}

const PROBLEMS = {
  not_found: notFound,
  no_milestone: notFound,
  not_allowed: () => new Problem(403, "forbidden", "This is not for your side to do."),
  wrong_state: () => conflict("wrong_state", "This can't be done in the state that it is in."),
  not_verified: () => conflict("seller_not_verified", "The seller is not verified."),
  reference_used: () => conflict("reference_used", "This payment paid for another transaction."),
} as const;

function sumOf(milestones: readonly { readonly amount: number }[]): number {
  return milestones.reduce((total, { amount: minor }) => total + minor, 0);
}
