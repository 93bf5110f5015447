import type { ApiParts, Route } from "../route.ts";

export function cartRoutes(_parts: ApiParts): Route[] {
  return [];
}
