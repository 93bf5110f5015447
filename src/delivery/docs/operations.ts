import type { JsonSchema } from "#engine";
import type { OpenApiDocument } from "../api/openapi/document.ts";

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}
export type Content = Readonly<
  Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>
>;
export interface Response {
  readonly description?: string;
  readonly content?: Content;
  readonly $ref?: string;
}

/** One operation of the document, with where it stands. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly description?: string; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
  readonly "x-required-scope"?: string;
}

export interface Group {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

/**
 * The operations by their tags, in the document's order.
 * @param search words that each has to have in its method, path or summary; empty: all of them
 */
export function groupsOf({ paths, tags }: OpenApiDocument, search: string): Group[] {
  const words = search.toLowerCase().split(/\s+/);
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) => ({ ...operation, path, method: method.toUpperCase() }) as Operation,
    ),
  );
  const found = all.filter((each) => {
    const text = searchTextOf(each);
    return words.every((word) => text.includes(word));
  });
  return tags
    .map((tag) => ({ ...tag, operations: found.filter(({ tags: [own] }) => own === tag.name) }))
    .filter(({ operations }) => operations.length > 0);
}

/** What a search looks into. */
export function searchTextOf({ method, path, summary, tags }: Operation): string {
  return [method, path, summary, ...tags].join(" ").toLowerCase();
}

/** A command that makes such a request. */
export function curlOf({ method, path, parameters = [], requestBody, ...rest }: Operation): string {
  const shown = parameters.filter(({ required, in: place }) => required && place === "query");
  const query = shown.map(({ name }, index) => `${index === 0 ? "?" : "&"}${name}=…`).join("");
  const json = requestBody?.content["application/json"];
  const [type] = Object.keys(requestBody?.content ?? {});
  const lines = [
    `curl ${method === "GET" ? "" : `-X ${method} `}"$LOVAGE${path.replace(/\{(\w+)\}/g, "$$$1")}${query}"`,
    ...(rest["x-required-scope"] === undefined ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(type === undefined ? [] : [`-H "Content-Type: ${type}"`]),
    ...(json?.example === undefined ? [] : [`-d '${JSON.stringify(json.example)}'`]),
    ...(type === undefined || json !== undefined ? [] : ["--data-binary @file"]),
  ];
  return lines.join(" \\\n  ");
}
