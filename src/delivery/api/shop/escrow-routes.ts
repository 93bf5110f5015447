import type { ApiParts, Route } from "../route.ts";

export function escrowRoutes(_parts: ApiParts): Route[] {
  return [];
}
