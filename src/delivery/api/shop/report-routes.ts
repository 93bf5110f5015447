import type { ApiParts, Route } from "../route.ts";

export function reportRoutes(_parts: ApiParts): Route[] {
  return [];
}
