import * as z from "zod";
import {
  changeEmail,
  changeProfile,
  endOf,
  login,
  register,
  revokeSession,
} from "#domain/accounts";
import { isoTime, messageAnswer } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, invalid, Problem } from "../http/problems.ts";
import type { ApiParts, Route } from "../route.ts";
import { emailAddress, locale } from "./fields.ts";
import { passwordRoutes } from "./password-routes.ts";
import {
  accountParts,
  currentSession,
  originOf,
  password,
  problemOfRefusal,
  profileAnswer,
  profileOf,
  signedIn,
  username,
} from "./people.ts";
import { sessionRoutes } from "./session-routes.ts";
import { userRoutes } from "./user-routes.ts";

/** Nothing that could pass for an address or a link in a mail: no word stands right behind a dot. */
const personName = z
  .string()
  .max(150)
  .regex(/^[\p{L}\p{M}\p{N} .,'’()-]*$/u, "Must be letters, digits, spaces, or . , ' ( ) -")
  .regex(/^(?!.*\.(\p{N}|[\p{L}\p{M}\p{N}]{2}))/u, "Must have a space between a dot and a word.");

const registration = z.strictObject({
  username,
  email: emailAddress,
  password,
  first_name: personName.default(""),
  last_name: personName.default(""),
  locale: locale.nullable().default(null),
});

const credentials = z.strictObject({ username: z.string().min(1).max(150), password });

const profileChange = z
  .strictObject({
    first_name: personName,
    last_name: personName,
    locale: locale.nullable(),
    email: emailAddress,
    password,
  })
  .partial()
  .refine((change) => (change.email === undefined) === (change.password === undefined), {
    path: ["password"],
    message: "The password goes with a new e-mail address, and only with that.",
  });

const TAG = "accounts";

const loginAnswer = z
  .strictObject({
    message: z.string(),
    user_id: z.int(),
    username: z.string(),
    token: z.string().describe("A secret: whoever has it is signed in."),
    expires_at: isoTime,
  })
  .meta({ id: "SignedIn" });
const registeredAnswer = loginAnswer.extend({ email_sent: z.string() });
export function accountRoutes(parts: ApiParts): Route[] {
  return [
    ...signInRoutes(parts),
    ...profileRoutes(parts),
    ...sessionRoutes(parts),
    ...passwordRoutes(parts),
    ...userRoutes(parts),
  ];
}

function signInRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/register",
      scope: "public",
      rate: "auth",
      tag: TAG,
      summary: "Register",
      description: "Signs in at once; a welcome e-mail follows.",
      body: registration,
      example: {
        username: "newuser",
        email: "user@example.com",
        password: "correct horse battery",
        first_name: "New",
        last_name: "User",
      },
      answers: { 201: registeredAnswer },
      problems: { 409: ["username_taken"], 429: ["too_many_tries"] },
      handle: async (call) => {
        const { first_name: firstName, last_name: lastName, ...same } = call.body;
        const answer = await register(
          accountParts(parts, call),
          { ...same, firstName, lastName },
          originOf(call.request),
        );
        if (answer.kind === "username_taken") {
          throw conflict("username_taken", "Somebody has this user name already.");
        }
        if (answer.kind !== "registered") throw refused(answer);
        const { user, session } = answer;
        return Response.json(
          {
            message: "User registered successfully!",
            user_id: user.id,
            username: user.username,
            token: session.token,
            expires_at: new Date(session.expiresAt).toISOString(),
            email_sent: "Welcome email will be sent shortly",
          },
          { status: 201 },
        );
      },
    }),
    operation({
      method: "POST",
      path: "/api/login",
      scope: "public",
      rate: "auth",
      tag: TAG,
      summary: "Sign in",
      description: "The token goes into `Authorization: Bearer …`.",
      body: credentials,
      example: { username: "newuser", password: "correct horse battery" },
      answers: { 200: loginAnswer },
      problems: { 401: ["wrong_credentials"], 429: ["too_many_tries"] },
      handle: async (call) => {
        const answer = await login(accountParts(parts, call), call.body, originOf(call.request));
        if (answer.kind !== "in") throw refused(answer);
        const { user, session } = answer;
        return Response.json({
          message: "Login successful!",
          user_id: user.id,
          username: user.username,
          token: session.token,
          expires_at: new Date(endOf({ ...session, role: user.role })).toISOString(),
        });
      },
    }),
    operation({
      method: "POST",
      path: "/api/logout",
      scope: "person",
      rate: "auth",
      tag: TAG,
      summary: "Sign out: end the session of this token",
      answers: { 200: messageAnswer },
      handle: async ({ request, caller }) => {
        const session = currentSession(request) ?? "";
        await revokeSession(parts.shop.db, caller.userId ?? 0, session);
        return Response.json({ message: "Logged out." });
      },
    }),
  ];
}

function profileRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/profile",
      scope: "person",
      rate: "read",
      tag: TAG,
      summary: "Show your account",
      answers: { 200: profileAnswer },
      handle: async (call) => Response.json(profileOf(await signedIn(parts, call))),
    }),
    operation({
      method: "PATCH",
      path: "/api/profile",
      scope: "person",
      rate: "auth",
      tag: TAG,
      summary: "Change your account",
      description: "A new e-mail address needs the password.",
      body: profileChange,
      example: { first_name: "Newer", locale: "ru" },
      answers: { 200: profileAnswer },
      problems: { 429: ["too_many_tries"] },
      handle: async (call) => {
        const { body } = call;
        const { first_name: firstName, last_name: lastName } = body;
        const userId = call.caller.userId ?? 0;
        if (body.email !== undefined && body.password !== undefined) {
          const { address } = originOf(call.request);
          const change = { email: body.email, password: body.password, address };
          const answer = await changeEmail(accountParts(parts, call), userId, change);
          if (answer.kind !== "changed") {
            const wrong = () => invalid([{ field: "password", message: "It is not right." }]);
            throw problemOfRefusal(answer, { field: "password", wrong });
          }
        }
        await changeProfile(parts.shop, userId, {
          ...(firstName !== undefined && { firstName }),
          ...(lastName !== undefined && { lastName }),
          ...(body.locale !== undefined && { locale: body.locale }),
        });
        return Response.json(profileOf(await signedIn(parts, call)));
      },
    }),
    operation({
      method: "GET",
      path: "/api/public",
      scope: "public",
      rate: "public",
      tag: TAG,
      summary: "Answer everybody",
      answers: { 200: messageAnswer },
      handle: () =>
        Response.json({ message: "This is a public endpoint. No authentication required." }),
    }),
    operation({
      method: "GET",
      path: "/api/protected",
      scope: "person",
      rate: "read",
      tag: TAG,
      summary: "Answer whoever signed in",
      answers: { 200: z.strictObject({ message: z.string(), user: z.string() }) },
      handle: async (call) => {
        const { username: user } = await signedIn(parts, call);
        return Response.json({ message: "This is a protected endpoint. You are signed in.", user });
      },
    }),
  ];
}

function refused(answer: Parameters<typeof problemOfRefusal>[0]): Problem {
  const wrong = () =>
    new Problem(401, "wrong_credentials", "The user name or the password is not right.", {
      headers: { "WWW-Authenticate": 'Bearer realm="lovage"' },
    });
  return problemOfRefusal(answer, { field: "password", wrong });
}
