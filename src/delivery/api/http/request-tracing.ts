import type { MiddlewareHandler } from "hono";
import { isSampled, newTraceId, parseTraceparent } from "#engine";
import type { ApiParts } from "../route.ts";
import type { ApiEnv } from "./request-logging.ts";

/**
 * Puts a request, and all that it sets off, into the trace that its `traceparent` names, or into a new one, and
 * answers with `X-Trace-Id`. Logs it as often as the sampling says; what fails is logged where it fails.
 */
export function requestTracing(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  const { clock, log, logSampling, random, trace } = parts;
  return (c, next) => {
    const given = parseTraceparent(c.req.header("traceparent") ?? null);
    const traceId = given ?? newTraceId(random.bytes(16));
    return trace.run(traceId, async () => {
      const startedAt = clock.now();
      await next();
      c.res.headers.set("X-Trace-Id", traceId);
      if (!isSampled(traceId, logSampling)) return;
      const { method } = c.req;
      const { status } = c.res;
      log("request", { method, route: c.get("path") ?? "", status, ms: clock.now() - startedAt });
    });
  };
}
