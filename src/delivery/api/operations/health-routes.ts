import * as z from "zod";
import { operation } from "../http/operation.ts";
import type { Route } from "../route.ts";

export function healthRoutes(): Route[] {
  return [
    operation({
      method: "GET",
      path: "/healthz",
      scope: "public",
      rate: "public",
      tag: "system",
      summary: "Tell that the Worker runs",
      answers: { 200: z.strictObject({ status: z.literal("ok") }) },
      handle: () => Response.json({ status: "ok" }),
    }),
  ];
}
