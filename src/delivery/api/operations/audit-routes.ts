import * as z from "zod";
import { PROOFS, type AuditEntry } from "#domain/audit";
import { pageOf } from "../http/answers.ts";
import { jsonCursor } from "../http/json-cursor.ts";
import { operation } from "../http/operation.ts";
import {
  instant,
  limit,
  placeCursor,
  readQuery,
  text,
  type QueryOf,
} from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { withoutUndefined } from "../http/without-undefined.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

const auditQuery = {
  actor: text("Who did it: the owner of the account or key."),
  action: text("What was done, as `POST /api/control/purge`."),
  since: instant("Not before."),
  until: instant("Before."),
  limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
  // When the last one of a page was, and its id.
  cursor: placeCursor(z.tuple([z.int(), z.string().max(50)])),
};

const entryAnswer = z.strictObject({
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
  trace_id: z.string().nullable(),
});

/** What operators did, for admins. */
export function auditRoutes({ audit }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/audit",
      scope: "admin",
      rate: "read",
      tag: "audit",
      summary: "List what operators did, the newest first",
      query: auditQuery,
      answers: { 200: pageOf("entries", entryAnswer) },
      handle: async ({ query }) => {
        const { filter, limit: most, after } = auditPart(query);
        const entries = await audit.list(filter, most + 1, after);
        return Response.json({
          entries: entries.slice(0, most).map(entryView),
          next_cursor: nextCursor(entries, most),
        });
      },
    }),
  ];
}

/**
 * What part of the log is asked for.
 * @throws Problem 422
 */
export function readAuditQuery(query: URLSearchParams) {
  return auditPart(readQuery(auditQuery, query));
}

function auditPart({ limit: most, cursor, ...filter }: QueryOf<typeof auditQuery>) {
  const after = cursor === null ? null : { at: cursor[0], id: cursor[1] };
  return { filter: withoutUndefined(filter), limit: most, after };
}

/** Of entries of which one more was read than a page has. */
export function nextCursor(entries: readonly AuditEntry[], most: number): string | null {
  const last = entries.length > most ? entries[most - 1] : undefined;
  return last === undefined ? null : jsonCursor([last.at, last.id]);
}

function entryView(entry: AuditEntry): z.input<typeof entryAnswer> {
  const { userId, traceId, at, ...same } = entry;
  return { ...same, at: new Date(at).toISOString(), user_id: userId, trace_id: traceId };
}
