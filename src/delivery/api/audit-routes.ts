import { z } from "zod";
import { PROOFS, type AuditEntry } from "#domain/audit";
import { jsonCursor, readJsonCursor } from "./json-cursor.ts";
import { QueryReader } from "./query.ts";
import type { ApiParts, Route } from "./route.ts";
import { withoutUndefined } from "./without-undefined.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** When the last one of a page was, and its id. */
const placeSchema = z.tuple([z.int(), z.string().max(50)]);

const entryAnswer = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  actor: z.string(),
  user_id: z.int().nullable(),
  how: z.enum(PROOFS),
  action: z.string(),
  target: z.record(z.string(), z.string()),
  detail: z.unknown(),
  status: z.int().nullable(),
  address: z.string().nullable(),
  request_id: z.string().nullable(),
});

const instant = z.iso.datetime({ offset: true }).optional();
const text = z.string().min(1).max(200).optional();

/** What operators did, for admins. */
export function auditRoutes({ audit }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/audit",
      scope: "admin",
      doc: {
        summary: "List what operators did, the newest first",
        tag: "audit",
        query: {
          actor: text,
          action: text,
          since: instant,
          until: instant,
          limit: z.int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
          cursor: z.string().optional(),
        },
        answers: {
          200: z.object({ entries: z.array(entryAnswer), next_cursor: z.string().nullable() }),
        },
      },
      handle: async ({ query }) => {
        const { filter, limit, after } = readAuditQuery(query);
        const entries = await audit.list(filter, limit + 1, after);
        return Response.json({
          entries: entries.slice(0, limit).map(entryView),
          next_cursor: nextCursor(entries, limit),
        });
      },
    },
  ];
}

/**
 * What part of the log is asked for.
 * @throws Problem 422
 */
export function readAuditQuery(query: URLSearchParams) {
  const reader = new QueryReader(query);
  const filter = withoutUndefined({
    actor: reader.text("actor"),
    action: reader.text("action"),
    since: reader.instant("since"),
    until: reader.instant("until"),
  });
  const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
  const place = readJsonCursor(reader, placeSchema);
  return { filter, limit, after: place === null ? null : { at: place[0], id: place[1] } };
}

/** Of entries of which one more was read than a page has. */
export function nextCursor(entries: readonly AuditEntry[], limit: number): string | null {
  const last = entries.length > limit ? entries[limit - 1] : undefined;
  return last === undefined ? null : jsonCursor([last.at, last.id]);
}

function entryView(entry: AuditEntry): z.input<typeof entryAnswer> {
  const { userId, requestId, at, ...same } = entry;
  return { ...same, at: new Date(at).toISOString(), user_id: userId, request_id: requestId };
}
