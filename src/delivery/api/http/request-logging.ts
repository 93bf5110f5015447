import type { Context, MiddlewareHandler } from "hono";
import { ANONYMOUS, type Caller } from "../callers/access.ts";
import type { ApiParts } from "../route.ts";

/** What the log of requests learns on a request's way. */
export interface ApiEnv {
  Variables: {
    /** The route's path; none where there is no such route. */
    path?: string;
    /** Whoever made it; none where nobody is known. */
    caller?: Caller;
  };
}

/** Probes of monitors: they would be the most used endpoint of a quiet day. */
const UNLOGGED: ReadonlySet<string | undefined> = new Set(["/healthz", "/healthcheck", "/readyz"]);

/** Logs every request, whatever its answer is: also problems, and paths that there are not. */
export function requestLogging(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const startedAt = parts.clock.now();
    await next();
    if (!UNLOGGED.has(c.get("path"))) logRequest(parts, startedAt, c);
  };
}

/** Awaits nothing: the answer goes out at once. */
function logRequest({ clock, requestLog }: ApiParts, startedAt: number, c: Context<ApiEnv>): void {
  const path = c.get("path");
  const caller = c.get("caller");
  const at = clock.now();
  requestLog.add(
    {
      at,
      method: c.req.method,
      route: path === undefined ? "(unmatched)" : `${path}/`,
      status: c.res.status,
      durationMs: Math.max(0, at - startedAt),
      user: caller === undefined || caller === ANONYMOUS ? null : caller.owner,
      ip: c.req.header("CF-Connecting-IP") ?? null,
    },
    (work) => {
      c.executionCtx.waitUntil(work);
    },
  );
}
