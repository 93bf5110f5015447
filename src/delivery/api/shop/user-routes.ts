import { z } from "zod";
import { findUsers, listUsers, ROLES, setRole, type Role, type User } from "#domain/accounts";
import type { Caller } from "../access.ts";
import { readBody } from "../body.ts";
import { conflict, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiParts, Route } from "../route.ts";
import { profileOf } from "./people.ts";

const MAX_USERS = 200;

const roleChange = z.strictObject({ role: z.enum(ROLES) });

/** What admins do with accounts. */
export function userRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/users",
      scope: "admin",
      handle: async ({ query }) => {
        const read = new QueryReader(query);
        const limit = read.integer("limit", 50, MAX_USERS);
        const after = Number(read.cursor("cursor", /^\d{1,15}$/) ?? 0);
        const filter = { username: read.text("username"), role: read.oneOf("role", ROLES) };
        read.check();
        const users = await listUsers(parts.shop.db, { ...filter, after, limit: limit + 1 });
        const page = users.slice(0, limit);
        return Response.json({
          users: page.map(adminViewOf),
          next_cursor: users.length > limit ? String(page.at(-1)?.id) : null,
        });
      },
    },
    {
      method: "PATCH",
      path: "/api/users/:id",
      scope: "admin",
      handle: async ({ request, params, caller }) => {
        const { role } = await readBody(request, roleChange);
        return Response.json(adminViewOf(await changeRole(parts, caller, params["id"], role)));
      },
    },
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

function adminViewOf(user: User) {
  return { ...profileOf(user), owns_email: user.ownsEmail };
}
