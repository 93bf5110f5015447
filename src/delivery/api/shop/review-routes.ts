import type { ApiParts, Route } from "../route.ts";

export function reviewRoutes(_parts: ApiParts): Route[] {
  return [];
}
