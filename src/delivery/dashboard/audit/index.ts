import { findUsers } from "#domain/accounts";
import { nextCursor, readAuditQuery } from "../../api/operations/audit-routes.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { filledIn } from "../shell/index.ts";
import { auditPage } from "./audit-page.tsx";

const TIMES = ["since", "until"] as const;

/** What operators did, for admins. */
export function auditPages({ audit, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/audit",
      scope: "admin",
      rate: "read",
      handle: async (call) => {
        const asked = filledIn(call.query);
        for (const name of TIMES) {
          // A browser's field for a time has no zone.
          const local = asked.get(name);
          if (local !== null && /T\d\d:\d\d(:\d\d)?$/.test(local)) asked.set(name, `${local}Z`);
        }
        const { filter, limit, after } = readAuditQuery(asked);
        const found = await audit.list(filter, limit + 1, after);
        const entries = found.slice(0, limit);
        const ids = new Set(entries.flatMap(({ userId }) => (userId === null ? [] : [userId])));
        return auditPage(call, {
          asked,
          entries,
          users: await findUsers(shop.db, [...ids]),
          next: nextCursor(found, limit),
        });
      },
    },
  ];
}
