import * as z from "zod";
import { authenticate, login, revokeSession, sessionIdOf } from "#domain/accounts";
import { personCaller } from "../../api/callers/access.ts";
import { noteSignIn } from "../../api/callers/auditing.ts";
import { refuseOtherSites } from "../../api/callers/own-site.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { cookieToken, forgetToken, keepToken } from "../../api/callers/session-cookie.ts";
import { accountParts, originOf } from "../../api/shop/people.ts";
import { ownPath, pathWith, readForm } from "../shell/index.ts";
import { signInPage } from "./sign-in-page.tsx";

const PATH = "/dashboard/sign-in";
const FIRST_PAGE = "/dashboard";

const signInForm = z.strictObject({
  username: z.string().max(1_000),
  password: z.string().max(1_000),
  next: z.string().max(2_000).default(FIRST_PAGE),
});

/** What longer names and passwords could never be right with; see `credentials` of the API. */
const MAX_NAME = 150;
const MAX_PASSWORD_UNITS = 512;

/** Sends a browser that came without a session to sign in, and then back to where it was to go. */
export function toSignIn(request: Request): Response {
  const url = new URL(request.url);
  const isPage = request.method === "GET" || request.method === "HEAD";
  const next = isPage ? url.pathname + url.search : pathOfReferrer(request);
  const query = { next: next === FIRST_PAGE ? null : next };
  return new Response(null, { status: 303, headers: { Location: pathWith(PATH, query) } });
}

/** Where the form stood that was posted; null: nobody knows, or elsewhere. */
function pathOfReferrer({ url, headers }: Request): string | null {
  const text = headers.get("Referer") ?? "";
  const referrer = URL.canParse(text) ? new URL(text) : null;
  if (referrer === null || referrer.origin !== new URL(url).origin) return null;
  return referrer.pathname + referrer.search;
}

export function signInPages(parts: ApiParts): Route[] {
  /** The person who is signed in with this browser. */
  async function visitor({ request }: ApiCall) {
    const token = cookieToken(request) ?? "";
    const person = await authenticate(parts.shop.db, token, parts.clock.now(), false);
    return person === null ? null : { ...person, session: sessionIdOf(token) ?? "" };
  }

  async function endSession(call: ApiCall): Promise<void> {
    const person = await visitor(call);
    if (person !== null) await revokeSession(parts.shop.db, person.userId, person.session);
  }

  return [
    {
      method: "GET",
      path: PATH,
      scope: "public",
      rate: "public",
      handle: async (call) => {
        const next = ownPath(call.query.get("next") ?? FIRST_PAGE);
        const person = await visitor(call);
        const isIn = person !== null && person.role !== "user";
        return isIn ? seeOther(next) : signInPage(call, { next });
      },
    },
    {
      method: "POST",
      path: PATH,
      scope: "public",
      rate: "auth",
      handle: async (call) => {
        refuseOtherSites(call.request, parts.access.publicUrl);
        const form = await readForm(call.request, signInForm);
        const next = ownPath(form.next);
        const username = form.username.trim().slice(0, MAX_NAME);
        const password = form.password.slice(0, MAX_PASSWORD_UNITS);
        const origin = originOf(call.request);
        const credentials = { username, password };
        const answer = await login(accountParts(parts, call), credentials, origin, "dashboard");
        if (answer.kind !== "in") {
          const refusal = answer.kind === "weak" ? { kind: "wrong" as const } : answer;
          return signInPage(call, { next, username, refusal });
        }
        const { user, session } = answer;
        await noteSignIn(parts, call, personCaller(user.id, user.role), PATH);
        // Whoever had this browser before is out.
        await endSession(call);
        return seeOther(next, keepToken(session.token));
      },
    },
    {
      method: "POST",
      path: "/dashboard/sign-out",
      scope: "public",
      rate: "auth",
      handle: async (call) => {
        refuseOtherSites(call.request, parts.access.publicUrl);
        await endSession(call);
        return seeOther(PATH, forgetToken());
      },
    },
  ];
}

function seeOther(path: string, setCookie?: string): Response {
  const headers = { Location: path, ...(setCookie !== undefined && { "Set-Cookie": setCookie }) };
  return new Response(null, { status: 303, headers });
}
