import { Hono, type Context } from "hono";
import { admit, identify, isUnchanged, type Caller } from "./callers/access.ts";
import { withHeaders } from "./http/answer-headers.ts";
import { auditRoutes } from "./operations/audit-routes.ts";
import { answerAudited } from "./callers/auditing.ts";
import { callRoutes } from "./tasks/call-routes.ts";
import { canvasRoutes } from "./canvas/canvas-routes.ts";
import { controlRoutes } from "./operations/control-routes.ts";
import { crossOrigin } from "./callers/cross-origin.ts";
import { deadLetterRoutes } from "./tasks/dead-letter-routes.ts";
import { healthRoutes } from "./operations/health-routes.ts";
import { eventRoutes } from "./operations/event-routes.ts";
import { flowerRoutes } from "./flower/index.ts";
import { inspectRoutes } from "./operations/inspect-routes.ts";
import { metricsRoutes } from "./metrics/index.ts";
import { documentOf, openApiRoutes } from "./openapi/openapi-routes.ts";
import { notFound, Problem, problemOf } from "./http/problems.ts";
import { countRequest } from "./callers/rates.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { requestLogging, type ApiEnv } from "./http/request-logging.ts";
import { requestTracing } from "./http/request-tracing.ts";
import { scheduleRoutes } from "./schedules/schedule-routes.ts";
import { searchRoutes } from "./tasks/search-routes.ts";
import { accountRoutes } from "./shop/account-routes.ts";
import { cartRoutes } from "./shop/cart-routes.ts";
import { escrowRoutes } from "./shop/escrow-routes.ts";
import { fileRoutes } from "./shop/file-routes.ts";
import { mailRoutes } from "./shop/mail-routes.ts";
import { maintenanceRoutes } from "./shop/maintenance-routes.ts";
import { orderChangeRoutes } from "./shop/order-change-routes.ts";
import { orderRoutes } from "./shop/order-routes.ts";
import { paymentDifferenceRoutes } from "./shop/payment-difference-routes.ts";
import { paymentRoutes } from "./shop/payment-routes.ts";
import { productRoutes } from "./shop/product-routes.ts";
import { reportRoutes } from "./shop/report-routes.ts";
import { reviewRoutes } from "./shop/review-routes.ts";
import { systemRoutes } from "./operations/system-routes.ts";
import { taskRoutes } from "./tasks/task-routes.ts";
import { docsRoutes } from "../docs/index.ts";
import { dashboardRoutes, problemPage, toSignIn } from "../dashboard/index.ts";

export { withHeaders } from "./http/answer-headers.ts";
export { personCaller, type Access } from "./callers/access.ts";
export { Problem } from "./http/problems.ts";
export type { Rate, RateCounter } from "./callers/rates.ts";
export { readyView } from "./operations/system-routes.ts";
export type { ApiParts, ShownSetting } from "./route.ts";

const NOBODY: Caller = { owner: "", scopes: new Set(), userId: null };

/** Every route of the API. */
export function apiRoutes(parts: ApiParts): readonly Route[] {
  const document = documentOf(parts, () => routes);
  const routes: readonly Route[] = [
    ...accountRoutes(parts),
    ...orderRoutes(parts),
    ...orderChangeRoutes(parts),
    ...paymentRoutes(parts),
    ...paymentDifferenceRoutes(parts),
    ...productRoutes(parts),
    ...cartRoutes(parts),
    ...reviewRoutes(parts),
    ...escrowRoutes(parts),
    ...mailRoutes(parts),
    ...fileRoutes(parts),
    ...reportRoutes(parts),
    ...maintenanceRoutes(parts),
    ...callRoutes(parts),
    ...taskRoutes(parts),
    ...canvasRoutes(parts),
    ...scheduleRoutes(parts),
    ...searchRoutes(parts),
    ...eventRoutes(parts),
    ...flowerRoutes(parts),
    ...deadLetterRoutes(parts),
    ...controlRoutes(parts),
    ...inspectRoutes(parts),
    ...auditRoutes(parts),
    ...systemRoutes(parts),
    ...dashboardRoutes(parts),
    ...metricsRoutes(parts),
    ...healthRoutes(),
    ...openApiRoutes(document),
    ...docsRoutes(document),
  ];
  return routes;
}

/** The HTTP API: routing, access, problems and log in one place, so that no route can go without them. */
export function createApi(parts: ApiParts): Hono<ApiEnv> {
  // In strict mode `/x` and `/x/` would be two paths.
  const app = new Hono<ApiEnv>({ strict: false });
  app.use(requestTracing(parts));
  app.use(requestLogging(parts));
  app.use(crossOrigin(parts.corsOrigins));
  const byPath = Map.groupBy(apiRoutes(parts), (route) => route.path);
  // Fixed paths first: `process` in `/api/tasks/process` is no id, whatever the method.
  const paths = [...byPath].sort(([a], [b]) => Number(a.includes(":")) - Number(b.includes(":")));
  for (const [path, routes] of paths) {
    for (const route of routes) app.on(route.method, path, (c) => answer(parts, route, c));
    app.all(path, (c) => {
      c.set("path", path);
      return toPageOfForm(c) ?? methodNotAllowed(routes.map((route) => route.method));
    });
  }
  app.notFound((c) => withHeaders(tell(notFound(), c)));
  app.onError((error, c) => withHeaders(failure(parts, error, c)));
  return app;
}

async function answer(parts: ApiParts, route: Route, c: Context<ApiEnv>): Promise<Response> {
  const request = c.req.raw;
  c.set("path", route.path);
  const caller = route.scope === "public" ? NOBODY : await identify(parts.access, request);
  if (route.scope !== "public") c.set("caller", caller);
  await countRequest(parts.rates, route.rate, caller, request);
  if (route.scope !== "public") admit(caller, route.scope, request);
  if (route.alsoNeeds !== undefined) admit(caller, route.alsoNeeds, request);
  const call: ApiCall = {
    request,
    caller,
    params: c.req.param() as Record<string, string>,
    query: new URL(request.url).searchParams,
    isStillLetIn: () => isUnchanged(parts.access, request, caller),
    background: (work) => {
      const logged = work.catch((error: unknown) => {
        parts.log("background_failed", { path: route.path, error });
      });
      c.executionCtx.waitUntil(logged);
    },
  };
  const answered = await answerAudited(parts, route, call, () => route.handle(call));
  // Of what goes on (event streams) nobody would tell that there is no reader.
  if (request.method === "HEAD") await answered.body?.cancel();
  return withHeaders(request.method === "HEAD" ? new Response(null, answered) : answered);
}

function failure(parts: ApiParts, error: unknown, c: Context<ApiEnv>): Response {
  const problem = problemOf(error);
  // Full is nothing that somebody has to look into.
  if (problem.code === "too_many_watchers") parts.log("watcher_refused", { path: c.get("path") });
  else if (problem.status >= 500) {
    parts.log("request_failed", {
      status: problem.status,
      code: problem.code,
      error,
    });
  }
  return tell(problem, c);
}

/** A problem as whoever asked can read it: programs as JSON, people on the dashboard as a page. */
function tell(problem: Problem, c: Context<ApiEnv>): Response {
  if (!isForPeople(c)) return problem.toResponse();
  if (problem.status === 401) return toSignIn(c.req.raw);
  return problemPage({ request: c.req.raw, caller: c.get("caller") ?? NOBODY }, problem);
}

/** Whether a browser asks for a page of the dashboard. */
function isForPeople(c: Context<ApiEnv>): boolean {
  const isPage = /^\/dashboard(\/|$)/.test(c.req.path);
  return isPage && c.req.header("Accept")?.includes("text/html") === true;
}

/**
 * A form that was refused is shown at the path that it was sent to: who comes back there, by a reload, a change
 * of colours or after signing in, is shown the page that the form stands on. Null: nobody did.
 */
function toPageOfForm(c: Context<ApiEnv>): Response | null {
  if (c.req.method !== "GET" || !isForPeople(c)) return null;
  const Location = new URL(c.req.url).pathname.replace(/\/[^/]+\/?$/, "");
  return withHeaders(new Response(null, { status: 303, headers: { Location } }));
}

function methodNotAllowed(methods: readonly string[]): Response {
  // Whoever may GET may HEAD.
  const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  const headers = { Allow: allowed.join(", ") };
  const problem = new Problem(405, "method_not_allowed", "This path doesn't take that method.", {
    headers,
  });
  return withHeaders(problem.toResponse());
}
