import type { MiddlewareHandler } from "hono";
import { withHeaders } from "../http/answer-headers.ts";
import type { ApiEnv } from "../http/request-logging.ts";

/** What pages of other origins may use; the dashboard is not. */
const OPEN_TO_OTHERS = /^\/(api\/|openapi\.json\/?$)/;

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, traceparent";
const ANSWER_HEADERS =
  "Content-Disposition, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Trace-Id";
const PREFLIGHT_SECONDS = "600";

/**
 * CORS: lets pages of these origins read the API's answers, refusals included. Never with credentials: such a page
 * sends a token of its own, and what a browser adds by itself counts for nothing. Without origins nothing changes.
 */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler<ApiEnv> {
  const allowed = new Set(origins);
  return async (c, next) => {
    if (allowed.size === 0 || !OPEN_TO_OTHERS.test(c.req.path)) return next();
    const origin = c.req.header("Origin");
    const isAllowed = origin !== undefined && allowed.has(origin);
    const isPreflight =
      c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined;
    if (isAllowed && isPreflight) {
      c.res = withHeaders(new Response(null, { status: 204 }));
      c.res.headers.set("Access-Control-Allow-Methods", METHODS);
      c.res.headers.set("Access-Control-Allow-Headers", REQUEST_HEADERS);
      c.res.headers.set("Access-Control-Max-Age", PREFLIGHT_SECONDS);
    } else {
      await next();
    }
    // An accepted WebSocket has no answer to read.
    if (c.res.status === 101) return;
    c.res.headers.append("Vary", "Origin");
    if (!isAllowed) return;
    c.res.headers.set("Access-Control-Allow-Origin", origin);
    c.res.headers.set("Access-Control-Expose-Headers", ANSWER_HEADERS);
  };
}
