import type { ApiParts, Route } from "../route.ts";

export function maintenanceRoutes(_parts: ApiParts): Route[] {
  return [];
}
