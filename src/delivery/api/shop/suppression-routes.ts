import * as z from "zod";
import {
  addSuppression,
  isAddress,
  listSuppressions,
  removeSuppression,
  SUPPRESSION_REASONS,
  type Suppression,
} from "#domain/mail";
import { isoTime, pageOf } from "../http/answers.ts";
import { jsonCursor } from "../http/json-cursor.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import { limit, oneOf, placeCursor } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const reasons = z.enum(SUPPRESSION_REASONS);
const entrySchema = z.strictObject({
  address: z.string().refine(isAddress, "Must be one e-mail address."),
  reason: reasons,
  detail: z.string().min(1).max(500).optional(),
});
const place = z
  .tuple([z.string(), reasons])
  .transform(([address, reason]) => ({ address, reason }));

const entryAnswer = z
  .strictObject({
    address: z.string(),
    reason: reasons,
    detail: z.string().nullable(),
    created_at: isoTime,
  })
  .meta({ id: "Suppression" });

/** Addresses that are not written to, for admins. */
export function suppressionRoutes({ shop, clock }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/mail/suppressions",
      scope: "admin",
      rate: "read",
      tag: "mail",
      summary: "List the addresses that are not written to",
      query: { limit: limit(DEFAULT_LIMIT, MAX_LIMIT), cursor: placeCursor(place) },
      answers: { 200: pageOf("suppressions", entryAnswer) },
      handle: async ({ query: { limit: most, cursor: after } }) => {
        const found = await listSuppressions(shop.db, { after, limit: most + 1 });
        const page = found.slice(0, most);
        const last = found.length > most ? page.at(-1) : undefined;
        return Response.json({
          suppressions: page.map(view),
          next_cursor: last ? jsonCursor([last.address, last.reason]) : null,
        });
      },
    }),
    operation({
      method: "POST",
      path: "/api/mail/suppressions",
      scope: "admin",
      rate: "control",
      tag: "mail",
      summary: "Write to an address no more",
      body: entrySchema,
      example: { address: "user@example.com", reason: "unsubscribed" },
      answers: { 200: entryAnswer, 201: entryAnswer },
      handle: async ({ body: { address, reason, detail = null } }) => {
        const createdAt = clock.now();
        const entry = { address, reason, detail, createdAt };
        const { suppression, isNew } = await addSuppression(shop.db, entry);
        return Response.json(view(suppression), { status: isNew ? 201 : 200 });
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/mail/suppressions/:address",
      scope: "admin",
      rate: "control",
      tag: "mail",
      summary: "Write to an address again",
      query: { reason: oneOf(SUPPRESSION_REASONS, "Only what is there for this reason.") },
      answers: { 204: "It may be written to." },
      handle: async ({ params, query }) => {
        const { address = "" } = params;
        if (!(await removeSuppression(shop.db, address, query.reason))) throw notFound();
        return new Response(null, { status: 204 });
      },
    }),
  ];
}

function view(suppression: Suppression): z.output<typeof entryAnswer> {
  const { address, reason, detail, createdAt } = suppression;
  return { address, reason, detail, created_at: new Date(createdAt).toISOString() };
}
