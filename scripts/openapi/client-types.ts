import type { OpenApiDocument } from "../../src/delivery/api/openapi/document.ts";
import { comment, typeOf, type Json } from "./type-of.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Json;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>;
}
interface Operation {
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly $ref?: string }>>;
}

/**
 * The types of the client, as openapi-fetch reads them (`paths`), and the arguments of the tasks by name.
 * @param params JSON Schemas of the tasks' arguments
 */
export function clientTypes(
  { paths, components }: OpenApiDocument,
  params: Readonly<Record<string, Json>>,
): string {
  const { schemas } = components as { schemas: Readonly<Record<string, Json>> };
  const parts = [
    "// Made of the routes by `npm run openapi`; not to be edited.",
    "/** What is wrong: every refusal. */",
    "type Refused = {",
    "  headers: Record<string, unknown>;",
    '  content: { "application/problem+json": components["schemas"]["Problem"] };',
    "};",
    "",
    "/** What every path takes and answers. */",
    "export interface paths {",
    ...Object.entries(paths).flatMap(([path, item]) => pathLines(path, item)),
    "}",
    "",
    "/** Schemas that answers and requests share. */",
    "export interface components {",
    "  schemas: {",
    ...Object.entries(schemas).flatMap(([name, schema]) => [
      ...comment(schema["description"], "    "),
      `    ${JSON.stringify(name)}: ${typeOf(schema, "    ")};`,
    ]),
    "  };",
    "}",
    "",
    "/** The arguments of every task, by its name. */",
    "export interface tasks {",
    ...Object.entries(params).map(
      ([name, schema]) => `  ${JSON.stringify(name)}: ${typeOf(schema, "  ")};`,
    ),
    "}",
  ];
  return `${parts.join("\n")}\n`;
}

function pathLines(path: string, item: Readonly<Record<string, unknown>>): string[] {
  return [
    `  ${JSON.stringify(path)}: {`,
    ...Object.entries(item).flatMap(([method, operation]) => [
      ...comment((operation as Operation).summary, "    "),
      `    ${method}: {`,
      ...operationLines(operation as Operation),
      "    };",
    ]),
    "  };",
  ];
}

function operationLines({ parameters = [], requestBody, responses }: Operation): string[] {
  return [
    "      parameters: {",
    ...(["query", "header", "path"] as const).map((place) => placeLine(place, parameters)),
    "        cookie?: never;",
    "      };",
    requestBody === undefined
      ? "      requestBody?: never;"
      : `      requestBody: { content: ${contentOf(requestBody)} };`,
    "      responses: {",
    ...Object.entries(responses).map(([status, response]) => responseLine(status, response)),
    "      };",
  ];
}

function responseLine(status: string, response: Operation["responses"][string]): string {
  // A range of them, `4XX`, is no number.
  const key = /^\d+$/.test(status) ? status : JSON.stringify(status);
  const { $ref: shared, content } = response;
  // Where others' clients expect other words too, it is more than a problem.
  const types = Object.keys(content ?? {});
  if (shared !== undefined || types.join() === "application/problem+json") {
    return `        ${key}: Refused;`;
  }
  const mark = content === undefined ? "?" : "";
  return `        ${key}: { headers: Record<string, unknown>; content${mark}: ${contentOf(response)} };`;
}

function placeLine(place: Parameter["in"], all: readonly Parameter[]): string {
  const those = all.filter((each) => each.in === place);
  if (those.length === 0) return `        ${place}?: never;`;
  const mark = those.some(({ required }) => required === true) ? "" : "?";
  const lines = those.flatMap(({ name, required, description, schema }) => [
    ...comment(description, "          "),
    `          ${JSON.stringify(name)}${required === true ? "" : "?"}: ${typeOf(schema, "          ")};`,
  ]);
  return `        ${place}${mark}: {\n${lines.join("\n")}\n        };`;
}

function contentOf({ content }: Content): string {
  if (content === undefined) return "never";
  const types = Object.entries(content).map(
    ([type, { schema }]) => `${JSON.stringify(type)}: ${typeOf(schema, "      ")}`,
  );
  return `{ ${types.join("; ")} }`;
}
