import { apiRoutes, type ApiParts } from "../../src/delivery/api/index.ts";
import type { Route } from "../../src/delivery/api/route.ts";

/** Parts of nothing: routes are declared before any request needs one. */
const noParts: unknown = new Proxy(() => noParts, { get: () => noParts });

/** The routes of a deployment, as far as they say what they are. */
export function declaredRoutes(): readonly Route[] {
  return apiRoutes(noParts as ApiParts);
}
