import type { ApiParts, Route } from "../route.ts";

export function fileRoutes(_parts: ApiParts): Route[] {
  return [];
}
