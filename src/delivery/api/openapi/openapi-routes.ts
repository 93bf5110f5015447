import * as z from "zod";
import { operation } from "../http/operation.ts";
import type { ApiParts, Route } from "../route.ts";
import { openApiDocument, type OpenApiDocument } from "./document.ts";

/** The document, made when it is asked for first. */
export function documentOf(parts: ApiParts, routes: () => readonly Route[]): () => OpenApiDocument {
  let made: OpenApiDocument | null = null;
  return () => (made ??= openApiDocument(routes(), parts.shop.publicUrl));
}

/** What the API says of itself. There is nothing secret in it: everybody may read it. */
export function openApiRoutes(document: () => OpenApiDocument): Route[] {
  return [
    operation({
      method: "GET",
      path: "/openapi.json",
      scope: "public",
      rate: "public",
      tag: "system",
      summary: "Describe this API: OpenAPI 3.1",
      answers: { 200: z.record(z.string(), z.unknown()).describe("This document.") },
      handle: () => Response.json(document()),
    }),
  ];
}
