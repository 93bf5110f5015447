import * as z from "zod";
import { listSessions, revokeSession, revokeSessions } from "#domain/accounts";
import { isoTime } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { currentSession } from "./people.ts";

const TAG = "accounts";

const sessionAnswer = z
  .strictObject({
    id: z.string(),
    is_current: z.boolean().describe("It is that of this request."),
    user_agent: z.string(),
    created_at: isoTime,
    expires_at: isoTime,
  })
  .meta({ id: "Session" });
const revokedAnswer = z.strictObject({ revoked: z.int().describe("Sessions that were ended.") });

/** Where somebody is signed in. */
export function sessionRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/sessions",
      scope: "person",
      rate: "read",
      tag: TAG,
      summary: "List your sessions",
      answers: { 200: z.strictObject({ sessions: z.array(sessionAnswer) }) },
      handle: async ({ request, caller }) => {
        const current = currentSession(request);
        const sessions = await listSessions(parts.shop.db, caller.userId ?? 0, parts.clock.now());
        return Response.json({
          sessions: sessions.map((session) => ({
            id: session.id,
            is_current: session.id === current,
            user_agent: session.userAgent,
            created_at: new Date(session.createdAt).toISOString(),
            expires_at: new Date(session.expiresAt).toISOString(),
          })),
        });
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/sessions",
      scope: "person",
      rate: "auth",
      tag: TAG,
      summary: "End all your sessions",
      answers: { 200: revokedAnswer },
      handle: async ({ caller }) => {
        const revoked = await revokeSessions(parts.shop.db, caller.userId ?? 0);
        return Response.json({ revoked: revoked.length });
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/sessions/:id",
      scope: "person",
      rate: "auth",
      tag: TAG,
      summary: "End one of your sessions",
      answers: { 200: revokedAnswer },
      handle: async ({ params, caller }) => {
        if (!(await revokeSession(parts.shop.db, caller.userId ?? 0, params["id"] ?? "")))
          throw notFound();
        return Response.json({ revoked: 1 });
      },
    }),
  ];
}
