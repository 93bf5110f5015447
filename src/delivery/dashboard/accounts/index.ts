import * as z from "zod";
import { listUsers, ROLES } from "#domain/accounts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { changeRole } from "../../api/shop/user-routes.ts";
import { filledIn, ownPath, readForm, seeOther } from "../shell/index.ts";
import { accountsPage } from "./accounts-page.tsx";

const PATH = "/dashboard/accounts";
const ON_A_PAGE = 50;

const roleForm = z.strictObject({ role: z.enum(ROLES), next: z.string().max(2_000).default(PATH) });

/** Everybody's accounts, for admins. */
export function accountsPages(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: PATH,
      scope: "admin",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const username = reader.text("username");
        const role = reader.oneOf("role", ROLES);
        const after = Number(reader.cursor("cursor", /^\d{1,15}$/) ?? 0);
        reader.check();
        const query = { username, role, after, limit: ON_A_PAGE + 1 };
        const users = await listUsers(parts.shop.db, query);
        const next = users.length > ON_A_PAGE ? String(users[ON_A_PAGE - 1]?.id) : null;
        const shown = users.slice(0, ON_A_PAGE);
        return accountsPage(call, { users: shown, username, role, next, isFirst: after === 0 });
      },
    },
    {
      method: "POST",
      path: `${PATH}/:id/role`,
      scope: "admin",
      rate: "control",
      handle: async ({ request, params, caller }) => {
        const { role, next } = await readForm(request, roleForm);
        const user = await changeRole(parts, caller, params["id"], role);
        return seeOther(ownPath(next), `${user.username} is ${role} now.`);
      },
    },
  ];
}
