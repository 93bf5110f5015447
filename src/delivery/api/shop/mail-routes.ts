import type { ApiParts, Route } from "../route.ts";

export function mailRoutes(_parts: ApiParts): Route[] {
  return [];
}
