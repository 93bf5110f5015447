import type * as z from "zod";
import type { JsonSchema } from "#engine";
import type { RawContent, Route, RouteDoc } from "../route.ts";
import { problemResponses, type Refusable } from "./problem-responses.ts";
import type { SchemaBook } from "./schema-book.ts";

/** A route with its documentation. */
export type DocumentedRoute = Route & { readonly doc: RouteDoc };

/** What a request of a route can be refused for. */
export function refusableOf({ path, scope, doc }: DocumentedRoute): Refusable {
  const isPublic = scope === "public";
  const more = doc.problems ?? {};
  if (doc.refusals !== undefined) {
    return { isPublic, hasParams: false, hasInput: false, hasJsonBody: false, more };
  }
  return {
    isPublic,
    hasParams: path.includes(":"),
    hasInput: [doc.query, doc.headers, doc.body].some((part) => part !== undefined),
    hasJsonBody: doc.body !== undefined && !("types" in doc.body),
    more,
  };
}

/** `/api/tasks/:id` as OpenAPI writes it: `/api/tasks/{id}`. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");
}

/** A route's name, which stays as long as its method and path do: `getTasksByIdResult`. */
export function operationIdOf({ method, path }: Pick<Route, "method" | "path">): string {
  const words = templateOf(path)
    .replace(/^\/api\//, "/")
    .replace(/\{(\w+)\}/g, "by-$1")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${method.toLowerCase()}${words.join("")}`;
}

/** One route as OpenAPI's operation. */
export function operationObject(route: DocumentedRoute, book: SchemaBook): JsonSchema {
  const { doc } = route;
  const parameters = parametersOf(route, book);
  return {
    operationId: operationIdOf(route),
    tags: [doc.tag.toLowerCase()],
    summary: doc.summary,
    description: [doc.description, whoMay(route)].filter((text) => text !== undefined).join("\n\n"),
    ...securityOf(route),
    ...(parameters.length > 0 && { parameters }),
    ...(doc.body !== undefined && { requestBody: bodyOf(doc, book) }),
    responses: {
      ...answersOf(doc, book),
      ...(doc.refusals === undefined
        ? problemResponses(refusableOf(route))
        : rawRefusals(route, doc.refusals, book)),
    },
  };
}

/** The problems of a route that others' clients use: what its handler refuses has no words for programs. */
function rawRefusals(
  route: DocumentedRoute,
  refusals: RawContent,
  book: SchemaBook,
): Record<string, JsonSchema> {
  const raw = rawAnswer(refusals, book);
  const problems = problemResponses(refusableOf(route), rawContent(refusals, book));
  return { ...problems, "4XX": raw };
}

function whoMay({ scope, alsoNeeds }: Route): string {
  if (scope === "public") return "For everybody.";
  if (scope === "person") return "For people who signed in with an account.";
  if (scope === "person or shop") {
    return "For people who signed in with an account, and for the scope `orders:manage`.";
  }
  if (alsoNeeds !== undefined) return `Needs the scopes \`${scope}\` and \`${alsoNeeds}\`.`;
  return `Needs the scope \`${scope}\`.`;
}

function securityOf({ scope, alsoNeeds }: Route): JsonSchema {
  if (scope === "public") return { security: [] };
  const scopes = scope.startsWith("person") ? [] : [scope];
  if (alsoNeeds !== undefined) scopes.push(alsoNeeds);
  return { security: [{ token: scopes }, { session: scopes }], "x-required-scope": scope };
}

function parametersOf({ path, doc }: DocumentedRoute, book: SchemaBook): JsonSchema[] {
  const names = Array.from(templateOf(path).matchAll(/\{(\w+)\}/g), ([, name = ""]) => name);
  const inPath = names.map((name) => {
    const schema = doc.params?.[name];
    return parameter("path", name, schema && book.field(schema).schema, true);
  });
  const others = (["query", "header"] as const).flatMap((place) =>
    Object.entries((place === "query" ? doc.query : doc.headers) ?? {}).map(([name, declared]) => {
      const { schema, isRequired } = book.field(declared);
      return parameter(place, name, schema, isRequired);
    }),
  );
  return [...inPath, ...others];
}

function parameter(
  place: "path" | "query" | "header",
  name: string,
  declared: JsonSchema | undefined,
  isRequired: boolean,
): JsonSchema {
  const { description, ...schema } = declared ?? { type: "string" };
  return {
    name,
    in: place,
    ...(isRequired && { required: true }),
    ...(description !== undefined && { description }),
    schema,
  };
}

function bodyOf({ body, example }: RouteDoc, book: SchemaBook): JsonSchema {
  if (body === undefined) return {};
  if ("types" in body) {
    return { required: true, description: body.words, content: rawContent(body, book) };
  }
  const content = { schema: book.of(body, "input"), ...(example !== undefined && { example }) };
  return { required: true, content: { "application/json": content } };
}

function answersOf({ answers }: RouteDoc, book: SchemaBook): JsonSchema {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, answerOf(answer, status, book)]),
  );
}

function answerOf(answer: z.ZodType | RawContent | string, status: string, book: SchemaBook) {
  if (typeof answer === "string") return { description: answer };
  if ("types" in answer) return rawAnswer(answer, book);
  const schema = book.of(answer, "output");
  const words = schema["description"];
  return {
    description: typeof words === "string" ? words : (WORDS[status] ?? "The answer."),
    content: { "application/json": { schema } },
  };
}

const WORDS: Readonly<Record<string, string>> = {
  200: "It is done; or here it is.",
  201: "It is made.",
  202: "It is accepted, and done in the background.",
};

/** Without a type there is no content. */
function rawAnswer(answer: RawContent, book: SchemaBook): JsonSchema {
  const content = answer.types.length > 0 && { content: rawContent(answer, book) };
  return { description: answer.words, ...content };
}

function rawContent({ types, json }: RawContent, book: SchemaBook): JsonSchema {
  return {
    ...(json !== undefined && { "application/json": { schema: book.of(json, "output") } }),
    ...Object.fromEntries(types.map((type) => [type, { schema: {} }])),
  };
}
