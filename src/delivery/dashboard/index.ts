import * as z from "zod";
import { refuseOtherSites } from "../api/callers/own-site.ts";
import type { ApiParts, Route } from "../api/route.ts";
import { accountPages } from "./account/index.ts";
import { accountsPages } from "./accounts/index.ts";
import { auditPages } from "./audit/index.ts";
import { canvasPages } from "./canvas/index.ts";
import { deadLetterPages } from "./dead-letters/index.ts";
import { definitionPages } from "./definitions/index.ts";
import { mailPages } from "./mail/index.ts";
import { orderPages } from "./orders/index.ts";
import { overviewPages } from "./overview/index.ts";
import { queuePages } from "./queues/index.ts";
import { reportPages } from "./reports/index.ts";
import { schedulePages } from "./schedules/index.ts";
import { settingsPages } from "./settings/index.ts";
import { cookie } from "./shell/cookies.ts";
import { ownPath, readForm, THEME_COOKIE, THEMES } from "./shell/index.ts";
import { signInPages } from "./sign-in/index.ts";
import { systemPages } from "./system/index.ts";
import { taskPages } from "./tasks/index.ts";

export { problemPage } from "./shell/index.ts";
export { toSignIn } from "./sign-in/index.ts";

const YEAR_SECONDS = 31_536_000;
const themeForm = z.strictObject({ theme: z.enum(THEMES), next: z.string().max(2_000) });

/** The dashboard: pages for people, each of which works without script. */
export function dashboardRoutes(parts: ApiParts): Route[] {
  const theme: Route = {
    method: "POST",
    path: "/dashboard/theme",
    // Also whoever is about to sign in has eyes.
    scope: "public",
    rate: "public",
    handle: async ({ request }) => {
      refuseOtherSites(request, parts.access.publicUrl);
      const { theme: chosen, next } = await readForm(request, themeForm);
      const kept = cookie(THEME_COOKIE, chosen, chosen === "system" ? 0 : YEAR_SECONDS);
      const headers = { Location: ownPath(next), "Set-Cookie": kept };
      return new Response(null, { status: 303, headers });
    },
  };
  return [
    ...signInPages(parts),
    ...accountPages(parts),
    ...accountsPages(parts),
    ...auditPages(parts),
    ...overviewPages(parts),
    ...taskPages(parts),
    ...canvasPages(parts),
    ...deadLetterPages(parts),
    ...schedulePages(parts),
    ...queuePages(parts),
    ...definitionPages(parts),
    ...orderPages(parts),
    ...mailPages(parts),
    ...reportPages(parts),
    ...systemPages(parts),
    ...settingsPages(parts),
    theme,
  ];
}
