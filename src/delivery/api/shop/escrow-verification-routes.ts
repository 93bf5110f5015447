import * as z from "zod";
import {
  decideVerification,
  findVerification,
  listPendingVerifications,
  submitVerification,
  type VerificationAnswer,
} from "#domain/escrow";
import { operation, type OperationCall } from "../http/operation.ts";
import { conflict, invalid, notFound } from "../http/problems.ts";
import { limit, userId as userIdParam, type QueryShape } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { accountOf, actorOf } from "./escrow-actor.ts";
import { accountId, escrowParts, line, words } from "./escrow-fields.ts";
import { verificationAnswer, verificationView } from "./escrow-views.ts";

const PATH = "/api/escrow/verification";
const MAX_PENDING = 200;

const submissionSchema = z.strictObject({
  user_id: accountId.optional(),
  legal_name: line(200),
  country: z.string().regex(/^[A-Z]{2}$/, "Must be an ISO 3166-1 code of two letters."),
  details: words,
});

const decisionSchema = z.strictObject({
  status: z.enum(["VERIFIED", "REJECTED"]),
  reason: words.optional(),
});

const TAG = "escrow";
const asked = { user_id: userIdParam("Whose it is: for who may act for people.") };
const WRONG_STATE = { 409: ["wrong_state"] };

/** Sellers' verification: they submit, the shop decides. */
export function verificationRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: PATH,
      scope: "person or shop",
      rate: "submit",
      tag: TAG,
      summary: "Ask to be verified as a seller",
      body: submissionSchema,
      example: { legal_name: "Ada Lovelace", country: "GB", details: "Passport 123." },
      answers: { 200: verificationAnswer },
      problems: WRONG_STATE,
      handle: (call) => submit(parts, call),
    }),
    operation({
      method: "GET",
      path: PATH,
      scope: "person or shop",
      rate: "read",
      tag: TAG,
      summary: "Show a seller's verification",
      query: asked,
      answers: { 200: verificationAnswer },
      handle: async ({ caller, query }) => {
        const userId = accountOf(actorOf(caller, query.user_id));
        const verification = await findVerification(parts.shop.db, userId);
        return Response.json(verificationView(userId, verification));
      },
    }),
    operation({
      method: "GET",
      path: `${PATH}/pending`,
      scope: "orders:manage",
      rate: "read",
      tag: TAG,
      summary: "List the sellers that wait for a decision",
      query: { limit: limit(50, MAX_PENDING) },
      answers: { 200: z.strictObject({ verifications: z.array(verificationAnswer) }) },
      handle: async ({ query }) => {
        const pending = await listPendingVerifications(parts.shop.db, query.limit);
        return Response.json({
          verifications: pending.map((each) => verificationView(each.userId, each)),
        });
      },
    }),
    operation({
      method: "POST",
      path: `${PATH}/:user_id/decide`,
      scope: "orders:manage",
      rate: "submit",
      tag: TAG,
      summary: "Decide on a seller's verification",
      body: decisionSchema,
      example: { status: "VERIFIED" },
      answers: { 200: verificationAnswer },
      problems: WRONG_STATE,
      handle: (call) => decide(parts, call),
    }),
  ];
}

type Taking<Body extends z.ZodType> = OperationCall<QueryShape, Body>;

async function submit(
  parts: ApiParts,
  { body, ...call }: Taking<typeof submissionSchema>,
): Promise<Response> {
  const actor = actorOf(call.caller, body.user_id);
  const { legal_name: legalName, country, details } = body;
  const userId = accountOf(actor);
  const submission = { legalName, country, details };
  const answer = await submitVerification(escrowParts(parts, call), actor, userId, submission);
  if (answer.kind === "no_user") {
    throw invalid([{ field: "user_id", message: "There is no such account." }]);
  }
  return answerOf(userId, answer);
}

async function decide(
  parts: ApiParts,
  { body, ...call }: Taking<typeof decisionSchema>,
): Promise<Response> {
  const { status, reason = null } = body;
  const text = call.params["user_id"] ?? "";
  if (!/^[1-9]\d{0,14}$/.test(text)) throw notFound();
  const userId = Number(text);
  const decision = { isVerified: status === "VERIFIED", reason };
  const actor = actorOf(call.caller, undefined);
  const answer = await decideVerification(escrowParts(parts, call), actor, userId, decision);
  return answerOf(userId, answer);
}

function answerOf(userId: number, answer: VerificationAnswer): Response {
  switch (answer.kind) {
    case "no_user":
      throw notFound();
    case "wrong_state":
      throw conflict("wrong_state", "This can't be done in the state that it is in.");
    case "changed":
    case "same":
      return Response.json(verificationView(userId, answer.verification));
  }
}
