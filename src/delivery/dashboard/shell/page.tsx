import type { Child } from "hono/jsx";
import type { HtmlEscapedString } from "hono/utils/html";
import { ANONYMOUS, type Caller } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import { cookieOf } from "./cookies.ts";
import { groupsFor } from "./navigation.ts";
import { NOTICE_SAID, noticeOf, type Notice } from "./notices.ts";

/** The pages' policy: our own files only, nothing inline, and one way for the script to read a page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lovage",
].join("; ");

/** In which the reader's own choice is kept; absent: the system's. */
export const THEME_COOKIE = "lovage_theme";
export const THEMES = ["light", "dark", "system"] as const;

/** How a page stays as things are. */
export interface Live {
  /** Fetched again after so many seconds, whatever happens. */
  readonly everySeconds: number;
  /** Path of server-sent events (`tasks` or `state`), each of which has it fetched again within a second. */
  readonly events?: string;
}

export interface PageParts {
  readonly title: string;
  /** Path of the place in the navigation that it belongs to. */
  readonly place: string;
  /** Buttons beside the title. */
  readonly actions?: Child;
  /** Absent: it is as it was when it was loaded. */
  readonly live?: Live | undefined;
  readonly status?: number;
  readonly children: Child;
}

type PageCall = Pick<ApiCall, "request" | "caller">;

/** A page of the dashboard, with all that stands around it. */
export function page(call: PageCall, parts: PageParts): Response {
  const notice = noticeOf(call);
  const html = (<Frame call={call} parts={parts} notice={notice} />) as HtmlEscapedString;
  const headers = new Headers({
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    // Its forms have to say where they come from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  });
  // A page that refreshes itself in the background must not swallow what a reader was to see.
  const isRefresh = call.request.headers.has("X-Live");
  if (notice !== null && !isRefresh) headers.append("Set-Cookie", NOTICE_SAID);
  return new Response(`<!doctype html>${html}`, { status: parts.status ?? 200, headers });
}

function Frame({
  call: { request, caller },
  parts: { title, place, actions, live, children },
  notice,
}: {
  call: PageCall;
  parts: PageParts;
  notice: Notice | null;
}) {
  const theme = cookieOf(request, THEME_COOKIE);
  const isThemed = theme === "light" || theme === "dark";
  return (
    <html lang="en" data-theme={isThemed ? theme : undefined}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} · Lovage`}</title>
        <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/dashboard.css" />
        <script src="/assets/dashboard.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the page
        </a>
        {caller === ANONYMOUS ? <OpenAccess /> : null}
        <Side caller={caller} place={place} theme={isThemed ? theme : "system"} request={request} />
        <main id="main" tabindex={-1} data-live={live?.everySeconds} data-events={live?.events}>
          <div class="head">
            <h1>{title}</h1>
            {actions === undefined ? null : <div class="actions">{actions}</div>}
          </div>
          {notice === null ? null : (
            <p class={notice.hasFailed ? "notice failed" : "notice"} role="status" id="notice">
              {notice.text}
            </p>
          )}
          {children}
        </main>
      </body>
    </html>
  );
}

function OpenAccess() {
  return (
    <section class="open-access" aria-label="Warning">
      Access is open: whoever reaches this address may do everything. For development only.
    </section>
  );
}

function Side({
  caller,
  place,
  theme,
  request,
}: {
  caller: Caller;
  place: string;
  theme: string;
  request: Request;
}) {
  const { pathname, search } = new URL(request.url);
  return (
    <header class="side">
      <a class="brand" href="/dashboard">
        <img src="/assets/favicon.svg" alt="" width="24" height="24" />
        Lovage
      </a>
      <nav aria-label="Dashboard">
        {groupsFor(caller).map(({ title, places }) => (
          <>
            <p class="group" id={`group-${title}`}>
              {title}
            </p>
            <ul aria-labelledby={`group-${title}`}>
              {places.map((one) => (
                <li>
                  <a href={one.path} aria-current={one.path === place ? "page" : undefined}>
                    {one.title}
                  </a>
                </li>
              ))}
            </ul>
          </>
        ))}
      </nav>
      <div class="foot">
        <Visitor caller={caller} />
        <form method="post" action="/dashboard/theme" aria-label="Colours">
          <input type="hidden" name="next" value={pathname + search} />
          {THEMES.map((one) => (
            <button
              class="plain"
              name="theme"
              value={one}
              aria-pressed={one === theme ? "true" : "false"}
            >
              {one}
            </button>
          ))}
        </form>
      </div>
    </header>
  );
}

/** Who reads the page. */
function Visitor({ caller }: { caller: Caller }) {
  if (caller === ANONYMOUS) return <a href="/dashboard/sign-in">Sign in</a>;
  if (caller.userId === null) return null;
  return (
    <form method="post" action="/dashboard/sign-out">
      <a href="/dashboard/account">Your account</a>
      <button class="plain">Sign out</button>
    </form>
  );
}
