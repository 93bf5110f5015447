import type { JsonSchema } from "#engine";
import { problemAnswer } from "../http/problem-answer.ts";
import type { Route } from "../route.ts";
import { TAGS } from "../http/tags.ts";
import { operationObject, templateOf, type DocumentedRoute } from "./operation-object.ts";
import { sharedResponses } from "./problem-responses.ts";
import { SchemaBook } from "./schema-book.ts";

/** The version of this package (a test holds it to package.json). */
export const VERSION = "0.1.0";

/** The parts of an OpenAPI document that are looked into here. */
export interface OpenApiDocument extends JsonSchema {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
}

export function isDocumented(route: Route): route is DocumentedRoute {
  return route.doc !== undefined;
}

/**
 * The OpenAPI 3.1 document of these routes; pages are not in it.
 * @param publicUrl where the deployment is reached, without a slash at the end
 */
export function openApiDocument(routes: readonly Route[], publicUrl: string): OpenApiDocument {
  const book = new SchemaBook();
  const documented = routes.filter(isDocumented);
  const paths = Map.groupBy(documented, ({ path }) => templateOf(path));
  const used = new Set(documented.map(({ doc }) => doc.tag.toLowerCase()));
  book.of(problemAnswer, "output");
  const pathItems = Object.fromEntries(
    Array.from(paths, ([path, ofPath]) => [
      path,
      Object.fromEntries(
        ofPath.map((route) => [route.method.toLowerCase(), operationObject(route, book)]),
      ),
    ]),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "Lovage",
      version: VERSION,
      summary: "Celery-grade background work on Cloudflare.",
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl }],
    tags: Object.entries(TAGS)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths: pathItems,
    components: {
      securitySchemes: SECURITY,
      responses: sharedResponses(),
      schemas: book.components(),
    },
  };
}

const INTRODUCTION = `Every path answers with and without a slash at its end. Bodies are JSON in UTF-8; times are ISO 8601 with their offset, and amounts are in the currency's own unit (\`150\`, \`12.5\`) unless their name says otherwise.

What is refused is answered with \`application/problem+json\` (RFC 9457): \`code\` is for programs, \`detail\` for people, and \`errors\` names every field that doesn't fit.

Requests with an \`Idempotency-Key\` may be repeated: the same key is the same request.

Lists are read page by page: \`next_cursor\` of an answer is the \`cursor\` of the next request.`;

const SECURITY = {
  token: {
    type: "http",
    scheme: "bearer",
    description:
      "An API key (`npm run keys`), or the token of an account (`POST /api/login`). In development the deployment may be open, and nothing is needed.",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "__Host-session",
    description:
      "Of a browser that is signed in. It changes things for pages of this deployment only.",
  },
};
