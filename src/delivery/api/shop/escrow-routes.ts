import * as z from "zod";
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
import { pageOf } from "../http/answers.ts";
import { operation, type OperationCall } from "../http/operation.ts";
import { conflict, invalid, notFound, Problem } from "../http/problems.ts";
import {
  cursor,
  limit,
  oneOf,
  userId as userIdParam,
  type QueryShape,
} from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { callKey, idempotencyKey } from "../tasks/task-calls.ts";
import { accountOf, actorOf } from "./escrow-actor.ts";
import { accountId, escrowParts, line, words } from "./escrow-fields.ts";
import { verificationRoutes } from "./escrow-verification-routes.ts";
import {
  balanceView,
  caseAnswer,
  caseView,
  changeView,
  transactionAnswer,
  transactionView,
  wholeCaseAnswer,
} from "./escrow-views.ts";
import { amount, currency } from "./fields.ts";
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
  ["start", plainSchema, "Set to work, as the seller"],
  ["dispute", reasonSchema, "Dispute a transaction"],
  ["cancel", maybeReasonSchema, "Cancel a transaction that is not funded"],
  ["refund", maybeReasonSchema, "Give what is held back to the buyer"],
  ["release", maybeReasonSchema, "Give what is held to the seller"],
] as const;
const MILESTONE_EVENTS = [
  ["submit", plainSchema, "Say that a milestone is reached, as the seller"],
  ["approve", plainSchema, "Approve a milestone, and pay for it"],
  ["reject", reasonSchema, "Send a milestone back, as the buyer"],
] as const;

const TAG = "escrow";
const MILESTONE_NUMBER = /^[1-9]\d?$/;
const transactionId = z.string().describe("The id of a transaction.");
const whose = { user_id: userIdParam("As whom to look: for who may act for people.") };
const listing = {
  ...whose,
  state: oneOf(TRANSACTION_STATES, "In this state."),
  limit: limit(50, 200),
  cursor: cursor(/^[0-9a-f-]{36}$/),
};
const CHANGE_PROBLEMS = { 409: ["wrong_state", "seller_not_verified", "reference_used"] };

export function escrowRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: PATH,
      scope: "person or shop",
      rate: "submit",
      tag: TAG,
      summary: "Open a transaction between a buyer and a seller",
      headers: { "Idempotency-Key": idempotencyKey },
      body: transactionSchema,
      example: {
        seller_id: 7,
        title: "A website",
        amount: 300,
        milestones: [
          { title: "Design", amount: 100 },
          { title: "Code", amount: 200 },
        ],
      },
      answers: { 201: caseAnswer },
      problems: { 422: ["idempotency_key_reused"], 429: ["too_many_tries"] },
      handle: (call) => create(parts, call),
    }),
    operation({
      method: "GET",
      path: PATH,
      scope: "person or shop",
      rate: "read",
      tag: TAG,
      summary: "List transactions, the newest first",
      query: listing,
      answers: { 200: pageOf("transactions", transactionAnswer) },
      handle: (call) => list(parts, call),
    }),
    operation({
      method: "GET",
      path: `${PATH}/:id`,
      scope: "person or shop",
      rate: "read",
      tag: TAG,
      summary: "Show a transaction with its balance and history",
      params: { id: transactionId },
      query: whose,
      answers: { 200: wholeCaseAnswer },
      handle: (call) => show(parts, call),
    }),
    operation({
      method: "POST",
      path: `${PATH}/:id/fund`,
      scope: "orders:manage",
      rate: "submit",
      tag: TAG,
      summary: "Say that the buyer's money has come in",
      params: { id: transactionId },
      body: fundSchema,
      example: { reference: "bank transfer 42" },
      answers: { 200: caseAnswer },
      problems: CHANGE_PROBLEMS,
      handle: (call) => change(parts, call, "fund", null),
    }),
    ...TRANSACTION_EVENTS.map(([event, body, summary]) =>
      operation({
        method: "POST",
        path: `${PATH}/:id/${event}`,
        scope: "person or shop",
        rate: "submit",
        tag: TAG,
        summary,
        params: { id: transactionId },
        body,
        example: "reason" in body.shape ? { reason: "Nothing came." } : {},
        answers: { 200: caseAnswer },
        problems: CHANGE_PROBLEMS,
        handle: (call) => change(parts, call, event, null),
      }),
    ),
    ...MILESTONE_EVENTS.map(([event, body, summary]) =>
      operation({
        method: "POST",
        path: `${PATH}/:id/milestones/:number/${event}`,
        scope: "person or shop",
        rate: "submit",
        tag: TAG,
        summary,
        params: { id: transactionId, number: z.string().regex(MILESTONE_NUMBER) },
        body,
        example: "reason" in body.shape ? { reason: "It doesn't work." } : {},
        answers: { 200: caseAnswer },
        problems: CHANGE_PROBLEMS,
        handle: (call) => change(parts, call, event, call.params["number"] ?? ""),
      }),
    ),
    ...verificationRoutes(parts),
  ];
}

async function create(
  parts: ApiParts,
  { body, ...call }: OperationCall<QueryShape, typeof transactionSchema>,
): Promise<Response> {
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

async function list(
  parts: ApiParts,
  { caller, query }: OperationCall<typeof listing, undefined>,
): Promise<Response> {
  const { user_id: named, state = null, cursor: before, limit: most } = query;
  const actor = actorOf(caller, named);
  const userId = actor.isShop ? null : accountOf(actor);
  if (userId === null && state !== null && state !== "disputed") {
    throw invalid([{ field: "state", message: "Of all users only disputed; else give user_id." }]);
  }
  const page = { userId, state, before, limit: most };
  const transactions = await listTransactions(parts.shop.db, page);
  const last = transactions.at(-1);
  return Response.json({
    transactions: transactions.map(transactionView),
    next_cursor: transactions.length < most ? null : (last?.id ?? null),
  });
}

async function show(
  parts: ApiParts,
  { caller, query, params }: OperationCall<typeof whose, undefined>,
): Promise<Response> {
  const actor = actorOf(caller, query.user_id);
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
  { body, ...call }: OperationCall<QueryShape, z.ZodType<Fields>>,
  event: Command["event"],
  milestone: string | null,
): Promise<Response> {
  const { user_id: named, reason, reference } = body;
  if (milestone !== null && !MILESTONE_NUMBER.test(milestone)) throw notFound();
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
