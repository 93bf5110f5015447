import * as z from "zod";
import { changePassword, confirmReset, requestReset } from "#domain/accounts";
import { messageAnswer } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { invalid } from "../http/problems.ts";
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

const TAG = "accounts";

export function passwordRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/password-change",
      scope: "person",
      rate: "auth",
      tag: TAG,
      summary: "Change your password",
      description: "All other sessions are ended.",
      body: change,
      example: { old_password: "correct horse battery", new_password: "staple correct horse" },
      answers: { 200: messageAnswer },
      problems: { 429: ["too_many_tries"] },
      handle: async (call) => {
        const { body } = call;
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
    }),
    operation({
      method: "POST",
      path: "/api/password-reset",
      scope: "public",
      rate: "auth",
      tag: TAG,
      summary: "Ask for a link to set a new password",
      description: "Answers the same whether the address is known or not.",
      body: request,
      example: { email: "user@example.com" },
      answers: { 202: messageAnswer },
      problems: { 429: ["too_many_tries"] },
      handle: async (call) => {
        const { email } = call.body;
        const { address } = originOf(call.request);
        const answer = await requestReset(accountParts(parts, call), { email, address });
        if (answer.kind !== "requested") {
          throw problemOfRefusal(answer, { field: "email", wrong: () => invalid([]) });
        }
        return Response.json({ message: REQUESTED }, { status: 202 });
      },
    }),
    operation({
      method: "POST",
      path: "/api/password-reset/confirm",
      scope: "public",
      rate: "auth",
      tag: TAG,
      summary: "Set a new password with the token of the link",
      body: confirmation,
      example: { token: "…", new_password: "staple correct horse" },
      answers: { 200: messageAnswer },
      problems: { 429: ["too_many_tries"] },
      handle: async (call) => {
        const { body } = call;
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
    }),
    {
      method: "GET",
      path: "/password-reset",
      scope: "public",
      rate: "public",
      handle: ({ query }) => resetPage(query.get("lang") === "ru" ? "ru" : "en"),
    },
  ];
}
