/** A JSON Schema as it stands in a document. */
export type Json = Readonly<Record<string, unknown>>;

/** A JSON Schema as a TypeScript type. What it can't say (lengths, patterns) is left out. */
export function typeOf(schema: unknown, indent = ""): string {
  if (schema === true || schema === undefined) return "unknown";
  const json = schema as Json;
  if (typeof json["$ref"] === "string") return referenced(json["$ref"]);
  if ("const" in json) return JSON.stringify(json["const"]);
  if (Array.isArray(json["enum"])) return union(json["enum"].map((value) => JSON.stringify(value)));
  const options = json["anyOf"] ?? json["oneOf"];
  if (Array.isArray(options)) return union(options.map((option) => typeOf(option, indent)));
  // Of text with several patterns the parts say nothing that a type could.
  if (Array.isArray(json["allOf"]) && json["type"] === undefined) {
    return json["allOf"].map((part) => `(${typeOf(part, indent)})`).join(" & ");
  }
  const types = [json["type"]].flat();
  return union(types.map((type) => typeNamed(type, json, indent)));
}

function typeNamed(type: unknown, json: Json, indent: string): string {
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayType(json, indent);
    case "object":
      return objectType(json, indent);
    default:
      return "unknown";
  }
}

function arrayType(json: Json, indent: string): string {
  const { prefixItems } = json;
  if (!Array.isArray(prefixItems)) return `(${typeOf(json["items"], indent)})[]`;
  return `[${prefixItems.map((item) => typeOf(item, indent)).join(", ")}]`;
}

function objectType(json: Json, indent: string): string {
  const required = new Set(json["required"] as string[] | undefined);
  const properties = Object.entries((json["properties"] ?? {}) as Record<string, Json>);
  const { additionalProperties: more } = json;
  const isOpen = more !== undefined && more !== false;
  if (properties.length === 0) {
    return isOpen ? `Record<string, ${typeOf(more, indent)}>` : "Record<string, never>";
  }
  const inner = `${indent}  `;
  const lines = properties.flatMap(([name, property]) => [
    ...comment(property["description"], inner),
    `${inner}${JSON.stringify(name)}${required.has(name) ? "" : "?"}: ${typeOf(property, inner)};`,
  ]);
  const object = `{\n${lines.join("\n")}\n${indent}}`;
  return isOpen ? `${object} & Record<string, ${typeOf(more, indent)}>` : object;
}

export function comment(text: unknown, indent: string): string[] {
  return typeof text === "string"
    ? [`${indent}/** ${text.replaceAll("*/", "*\\/").replaceAll("\n", " ")} */`]
    : [];
}

function referenced(reference: string): string {
  // A task's own definition, of arguments that contain themselves.
  if (!reference.startsWith("#/components/")) return "unknown";
  const name = reference.split("/").at(-1) ?? "";
  return `components["schemas"][${JSON.stringify(name)}]`;
}

function union(types: readonly string[]): string {
  // Unions within each other are one.
  const all = types.flatMap((type) => (/[{([]/.test(type) ? [type] : type.split(" | ")));
  return [...new Set(all)].join(" | ");
}
