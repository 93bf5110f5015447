import * as z from "zod";
import { listSessions, revokeSession, revokeSessions } from "#domain/accounts";
import { notFound } from "../../api/http/problems.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { currentSession, signedIn } from "../../api/shop/people.ts";
import { readForm, seeOther } from "../shell/index.ts";
import { accountPage } from "./account-page.tsx";

const PATH = "/dashboard/account";

const endForm = z.strictObject({ session: z.string().max(100) });
const emptyForm = z.strictObject({});

/** The account of who reads, and where else it is signed in. */
export function accountPages(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: PATH,
      scope: "person",
      rate: "read",
      handle: async (call) => {
        const user = await signedIn(parts, call);
        const sessions = await listSessions(parts.shop.db, user.id, parts.clock.now());
        return accountPage(call, { user, sessions, current: currentSession(call.request) });
      },
    },
    {
      method: "POST",
      path: `${PATH}/end-session`,
      scope: "person",
      rate: "auth",
      handle: async ({ request, caller }) => {
        const { session } = await readForm(request, endForm);
        if (!(await revokeSession(parts.shop.db, caller.userId ?? 0, session))) throw notFound();
        return seeOther(PATH, "The session was ended.");
      },
    },
    {
      method: "POST",
      path: `${PATH}/end-others`,
      scope: "person",
      rate: "auth",
      handle: async ({ request, caller }) => {
        await readForm(request, emptyForm);
        const ended = await revokeSessions(
          parts.shop.db,
          caller.userId ?? 0,
          currentSession(request),
        );
        return seeOther(PATH, `Other sessions that were ended: ${ended.length}.`);
      },
    },
  ];
}
