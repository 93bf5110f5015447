import { z } from "zod";
import {
  addSuppression,
  isAddress,
  listSuppressions,
  removeSuppression,
  SUPPRESSION_REASONS,
  type Suppression,
} from "#domain/mail";
import { readBody } from "../body.ts";
import { jsonCursor, readJsonCursor } from "../json-cursor.ts";
import { notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
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

/** Addresses that are not written to, for admins. */
export function suppressionRoutes({ shop, clock }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/mail/suppressions",
      scope: "admin",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const after = readJsonCursor(reader, place);
        const found = await listSuppressions(shop.db, { after, limit: limit + 1 });
        const page = found.slice(0, limit);
        const last = found.length > limit ? page.at(-1) : undefined;
        return Response.json({
          suppressions: page.map(view),
          next_cursor: last ? jsonCursor([last.address, last.reason]) : null,
        });
      },
    },
    {
      method: "POST",
      path: "/api/mail/suppressions",
      scope: "admin",
      handle: async ({ request }) => {
        const { address, reason, detail = null } = await readBody(request, entrySchema);
        const createdAt = clock.now();
        const entry = { address, reason, detail, createdAt };
        const { suppression, isNew } = await addSuppression(shop.db, entry);
        return Response.json(view(suppression), { status: isNew ? 201 : 200 });
      },
    },
    {
      method: "DELETE",
      path: "/api/mail/suppressions/:address",
      scope: "admin",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const reason = reader.oneOf("reason", SUPPRESSION_REASONS);
        reader.check();
        if (!(await removeSuppression(shop.db, params["address"] ?? "", reason))) throw notFound();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

function view({ address, reason, detail, createdAt }: Suppression) {
  return { address, reason, detail, created_at: new Date(createdAt).toISOString() };
}
