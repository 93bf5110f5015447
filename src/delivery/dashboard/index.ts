import { z } from "zod";
import type { ApiParts, Route } from "../api/route.ts";
import { mailPages } from "./mail/index.ts";
import { ownPath, readForm, THEME_COOKIE, THEMES } from "./shell/index.ts";
import { cookie } from "./shell/cookies.ts";

export { problemPage } from "./shell/index.ts";

const YEAR_SECONDS = 31_536_000;
const themeForm = z.strictObject({ theme: z.enum(THEMES), next: z.string().max(2_000) });

/** The dashboard: pages for people, each of which works without script. */
export function dashboardRoutes(parts: ApiParts): Route[] {
  const theme: Route = {
    method: "POST",
    path: "/dashboard/theme",
    scope: "monitor",
    handle: async ({ request }) => {
      const { theme: chosen, next } = await readForm(request, themeForm);
      const kept = cookie(THEME_COOKIE, chosen, chosen === "system" ? 0 : YEAR_SECONDS);
      const headers = { Location: ownPath(next), "Set-Cookie": kept };
      return new Response(null, { status: 303, headers });
    },
  };
  return [...mailPages(parts), theme];
}
