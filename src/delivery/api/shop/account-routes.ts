import type { ApiParts, Route } from "../route.ts";

export function accountRoutes(_parts: ApiParts): Route[] {
  return [];
}
