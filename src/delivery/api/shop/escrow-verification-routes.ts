import { z } from "zod";
import {
  decideVerification,
  findVerification,
  listPendingVerifications,
  submitVerification,
  type VerificationAnswer,
} from "#domain/escrow";
import { readBody } from "../body.ts";
import { conflict, invalid, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { accountOf, actorOf } from "./escrow-actor.ts";
import { accountId, escrowParts, line, words } from "./escrow-fields.ts";
import { verificationView } from "./escrow-views.ts";
import { readUserId } from "./fields.ts";

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

/** Sellers' verification: they submit, the shop decides. */
export function verificationRoutes(parts: ApiParts): Route[] {
  return [
    { method: "POST", path: PATH, scope: "person or shop", handle: (call) => submit(parts, call) },
    {
      method: "GET",
      path: PATH,
      scope: "person or shop",
      handle: async ({ caller, query }) => {
        const reader = new QueryReader(query);
        const named = readUserId(reader);
        reader.check();
        const userId = accountOf(actorOf(caller, named));
        const verification = await findVerification(parts.shop.db, userId);
        return Response.json(verificationView(userId, verification));
      },
    },
    {
      method: "GET",
      path: `${PATH}/pending`,
      scope: "orders:manage",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", 50, MAX_PENDING);
        reader.check();
        const pending = await listPendingVerifications(parts.shop.db, limit);
        return Response.json({
          verifications: pending.map((each) => verificationView(each.userId, each)),
        });
      },
    },
    {
      method: "POST",
      path: `${PATH}/:user_id/decide`,
      scope: "orders:manage",
      handle: (call) => decide(parts, call),
    },
  ];
}

async function submit(parts: ApiParts, call: ApiCall): Promise<Response> {
  const body = await readBody(call.request, submissionSchema);
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

async function decide(parts: ApiParts, call: ApiCall): Promise<Response> {
  const { status, reason = null } = await readBody(call.request, decisionSchema);
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
