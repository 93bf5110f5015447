import * as z from "zod";
import type { JsonSchema } from "#engine";
import { shownOf } from "../http/shown-as.ts";

/** Whether a schema describes what is sent to us, or what we answer. */
export type Direction = "input" | "output";

const COMPONENTS = "#/components/schemas/";

/** Turns zod's schemas into JSON Schema; those with an `id` are kept once, and referred to. */
export class SchemaBook {
  readonly #components = new Map<string, JsonSchema>();
  /** Shown in the place of others: they may contain each other. */
  readonly #begun = new Set<string>();

  /** @throws Error for a schema that contains itself without an id, and for two with the same one */
  of(schema: z.ZodType, direction: Direction): JsonSchema {
    return this.#convert(schema, direction).schema;
  }

  /** As `of`, with whether it may be left out. */
  field(schema: z.ZodType): { readonly schema: JsonSchema; readonly isRequired: boolean } {
    return this.#convert(schema, "input");
  }

  /** By name, in the order of their names. */
  components(): Readonly<Record<string, JsonSchema>> {
    const sorted = [...this.#components].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted);
  }

  #convert(schema: z.ZodType, direction: Direction) {
    const all = z.toJSONSchema(z.object({ root: schema }), {
      io: direction,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => {
        this.#show(zodSchema, jsonSchema, direction);
        tidy(jsonSchema, direction);
      },
    });
    for (const [id, found] of Object.entries(all.$defs ?? {})) this.#keep(id, found);
    const root = all.properties?.["root"] as JsonSchema;
    return {
      schema: withReferences(root) as JsonSchema,
      isRequired: all.required?.includes("root") === true,
    };
  }

  #show(schema: object, json: Record<string, unknown>, direction: Direction): void {
    const as = shownOf(schema);
    if (as === null) return;
    const id = z.globalRegistry.get(as)?.id;
    for (const key of Object.keys(json)) delete json[key];
    if (id === undefined) Object.assign(json, this.of(as, direction));
    else {
      json["$ref"] = `${COMPONENTS}${id}`;
      if (this.#begun.has(id)) return;
      this.#begun.add(id);
      this.of(as, direction);
    }
  }

  #keep(id: string, found: unknown): void {
    if (id.startsWith("__")) throw new Error("A schema contains itself: give it an id.");
    const component = withReferences(found) as JsonSchema;
    const known = this.#components.get(id);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(component)) {
      throw new Error(`Two schemas have the id ${id}.`);
    }
    this.#components.set(id, component);
  }
}

/** What says nothing, or more than anybody wants to read. */
function tidy(json: Record<string, unknown>, direction: Direction): void {
  if (json["maximum"] === Number.MAX_SAFE_INTEGER) delete json["maximum"];
  if (json["minimum"] === Number.MIN_SAFE_INTEGER) delete json["minimum"];
  // Its pattern says the same in 400 characters.
  if (json["format"] === "date-time" || json["format"] === "date") delete json["pattern"];
  if (JSON.stringify(json["propertyNames"]) === '{"type":"string"}') delete json["propertyNames"];
  // Answers may say more one day, and clients should not mind.
  if (direction === "output" && json["additionalProperties"] === false) {
    delete json["additionalProperties"];
  }
  delete json["id"];
}

/** References into a schema's own definitions become those to the document's components. */
function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? inner.replace("#/$defs/", COMPONENTS)
        : withReferences(inner),
    ]),
  );
}
