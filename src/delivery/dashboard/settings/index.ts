import { may } from "../../api/callers/access.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { filledIn } from "../shell/index.ts";
import { settingsPage } from "./settings-page.tsx";

const PAGE = 100;

export function settingsPages({ shownSettings, apiKeys, clock }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/settings",
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const after = reader.text("cursor") ?? "";
        reader.check();
        const now = clock.now();
        if (!may(call.caller, "admin")) {
          return settingsPage(call, {
            settings: shownSettings,
            keys: null,
            after,
            next: null,
            now,
          });
        }
        const found = await apiKeys.page(after, PAGE + 1);
        const keys = found.slice(0, PAGE);
        const next = found.length > PAGE ? (keys.at(-1)?.id ?? null) : null;
        return settingsPage(call, { settings: shownSettings, keys, after, next, now });
      },
    },
  ];
}
