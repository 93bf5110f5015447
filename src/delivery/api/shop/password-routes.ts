import { z } from "zod";
import { changePassword, confirmReset, requestReset } from "#domain/accounts";
import { readBody } from "../body.ts";
import { invalid } from "../problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { emailAddress } from "./fields.ts";
import { accountParts, currentSession, originOf, password, problemOfRefusal } from "./people.ts";
import { resetPage } from "./reset-page.tsx";

const change = z.strictObject({ old_password: password, new_password: password });
const request = z.strictObject({ email: emailAddress });
const confirmation = z.strictObject({ token: z.string().min(1).max(200), new_password: password });

/** What is said whether the address is known or not. */
const REQUESTED =
  "If an account has this address, a link to set a new password is on its way to it.";

export function passwordRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/password-change",
      scope: "person",
      handle: async (call) => {
        const body = await readBody(call.request, change);
        const answer = await changePassword(accountParts(parts, call), call.caller.userId ?? 0, {
          oldPassword: body.old_password,
          newPassword: body.new_password,
          session: currentSession(call.request),
          address: originOf(call.request).address,
        });
        if (answer.kind !== "changed") {
          const wrong = () => invalid([{ field: "old_password", message: "It is not right." }]);
          throw problemOfRefusal(answer, { field: "new_password", wrong });
        }
        return Response.json({ message: "Password changed. All other sessions were ended." });
      },
    },
    {
      method: "POST",
      path: "/api/password-reset",
      scope: "public",
      handle: async (call) => {
        const { email } = await readBody(call.request, request);
        const { address } = originOf(call.request);
        const answer = await requestReset(accountParts(parts, call), { email, address });
        if (answer.kind !== "requested") {
          throw problemOfRefusal(answer, { field: "email", wrong: () => invalid([]) });
        }
        return Response.json({ message: REQUESTED }, { status: 202 });
      },
    },
    {
      method: "POST",
      path: "/api/password-reset/confirm",
      scope: "public",
      handle: async (call) => {
        const body = await readBody(call.request, confirmation);
        const { address } = originOf(call.request);
        const answer = await confirmReset(accountParts(parts, call), {
          token: body.token,
          newPassword: body.new_password,
          address,
        });
        if (answer.kind !== "changed") {
          const message = "It was used, replaced by a newer one, or is over: ask for a new one.";
          const wrong = () => invalid([{ field: "token", message }]);
          throw problemOfRefusal(answer, { field: "new_password", wrong });
        }
        return Response.json({ message: "Password set. Log in with it." });
      },
    },
    {
      method: "GET",
      path: "/password-reset",
      scope: "public",
      handle: ({ query }) => resetPage(query.get("lang") === "ru" ? "ru" : "en"),
    },
  ];
}
