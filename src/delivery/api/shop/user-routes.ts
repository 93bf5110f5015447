import * as z from "zod";
import { findUsers, listUsers, ROLES, setRole, type Role, type User } from "#domain/accounts";
import type { Caller } from "../callers/access.ts";
import { pageOf } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, notFound } from "../http/problems.ts";
import { cursor, limit, oneOf, text } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { profileAnswer, profileOf } from "./people.ts";

const MAX_USERS = 200;

const roleChange = z.strictObject({ role: z.enum(ROLES) });

const TAG = "accounts";

const accountAnswer = profileAnswer
  .extend({ owns_email: z.boolean().describe("Whether it is known that the address is theirs.") })
  .meta({ id: "AccountForAdmins" });

/** What admins do with accounts. */
export function userRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/users",
      scope: "admin",
      rate: "read",
      tag: TAG,
      summary: "List accounts",
      query: {
        username: text("Of the account with this name."),
        role: oneOf(ROLES, "Of accounts with this role."),
        limit: limit(50, MAX_USERS),
        cursor: cursor(/^\d{1,15}$/),
      },
      answers: { 200: pageOf("users", accountAnswer) },
      handle: async ({ query }) => {
        const { username, role } = query;
        const after = Number(query.cursor ?? 0);
        const wanted = { username, role, after, limit: query.limit + 1 };
        const users = await listUsers(parts.shop.db, wanted);
        const page = users.slice(0, query.limit);
        return Response.json({
          users: page.map(adminViewOf),
          next_cursor: users.length > query.limit ? String(page.at(-1)?.id) : null,
        });
      },
    }),
    operation({
      method: "PATCH",
      path: "/api/users/:id",
      scope: "admin",
      rate: "control",
      tag: TAG,
      summary: "Give an account a role",
      body: roleChange,
      example: { role: "operator" },
      answers: { 200: accountAnswer },
      problems: { 409: ["last_admin"] },
      handle: async ({ params, caller, body: { role } }) =>
        Response.json(adminViewOf(await changeRole(parts, caller, params["id"], role))),
    }),
  ];
}

/**
 * Gives an account a role.
 * @throws Problem 404; 409 `last_admin`
 */
export async function changeRole(
  { shop, log }: ApiParts,
  caller: Caller,
  userId: string | undefined,
  role: Role,
): Promise<User> {
  const id = /^\d{1,15}$/.test(userId ?? "") ? Number(userId) : 0;
  const answer = await setRole(shop.db, id, role);
  if (answer === "last_admin") {
    throw conflict("last_admin", "There would be no admin left: make another one first.");
  }
  const user = (await findUsers(shop.db, [id])).get(id);
  if (answer === "unknown" || user === undefined) throw notFound();
  log("role_set", { user_id: id, role, by: caller.owner });
  return user;
}

function adminViewOf(user: User): z.output<typeof accountAnswer> {
  return { ...profileOf(user), owns_email: user.ownsEmail };
}
