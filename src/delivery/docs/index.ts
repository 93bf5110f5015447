import type { OpenApiDocument } from "../api/openapi/document.ts";
import { QueryReader } from "../api/http/query.ts";
import type { Route } from "../api/route.ts";
import { docsPage } from "./docs-page.tsx";

/** The API's documentation as a page, for everybody; nothing of it comes from elsewhere. */
export function docsRoutes(document: () => OpenApiDocument): Route[] {
  return [
    {
      method: "GET",
      path: "/docs",
      scope: "public",
      rate: "public",
      handle: ({ query }) => {
        const reader = new QueryReader(query);
        // An empty field is sent too.
        const search = query.get("q") === "" ? "" : reader.text("q");
        if (search !== "") reader.check();
        return docsPage(document(), search ?? "");
      },
    },
  ];
}
