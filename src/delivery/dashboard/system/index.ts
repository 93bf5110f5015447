import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { filledIn } from "../shell/index.ts";
import { systemPage } from "./system-page.tsx";

export function systemPages({ system }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/system",
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        new QueryReader(filledIn(call.query)).check();
        return systemPage(call, await system.report());
      },
    },
  ];
}
