import type { ApiParts, Route } from "../route.ts";
import { flowerCallRoutes } from "./call-routes.ts";
import { flowerEventRoutes } from "./event-sockets.ts";
import { flowerTaskRoutes } from "./task-routes.ts";
import { flowerWorkerRoutes } from "./worker-routes.ts";

/** Flower's REST API and its event streams, for what was made for Flower. */
export function flowerRoutes(parts: ApiParts): Route[] {
  return [
    ...flowerTaskRoutes(parts),
    ...flowerCallRoutes(parts),
    ...flowerWorkerRoutes(parts),
    ...flowerEventRoutes(parts),
    {
      method: "GET",
      path: "/healthcheck",
      scope: "public",
      rate: "public",
      doc: { summary: "Say that the API answers", tag: "Flower", answers: { 200: "OK" } },
      handle: () => new Response("OK", { headers: { "Content-Type": "text/plain" } }),
    },
  ];
}
