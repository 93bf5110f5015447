import type { JsonSchema } from "#engine";
import { Words } from "./words.tsx";

/** Schemas within each other that are shown at once; what is deeper has a name of its own. */
const MAX_DEPTH = 6;

/** A JSON Schema, readable: what it is, and of an object its fields. */
export function SchemaView({ schema, depth = 0 }: { schema: JsonSchema; depth?: number }) {
  const options = optionsOf(schema);
  const inner =
    schema["type"] === "array" ? (schema["items"] as JsonSchema | undefined) : undefined;
  return (
    <>
      <span class="type">
        <TypeName schema={schema} />
      </span>
      {isNested(schema) && depth < MAX_DEPTH ? <Fields schema={schema} depth={depth} /> : null}
      {inner !== undefined && isNested(inner) ? <Fields schema={inner} depth={depth} /> : null}
      {options.some(isNested) ? (
        <ul class="options">
          {options.map((option) => (
            <li>
              <SchemaView schema={option} depth={depth + 1} />
              <Words text={option["description"]} />
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function Fields({ schema, depth }: { schema: JsonSchema; depth: number }) {
  const required = new Set(schema["required"] as string[] | undefined);
  const fields = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
  return (
    <dl class="fields">
      {fields.map(([name, field]) => (
        <div>
          <dt>
            <code>{name}</code>
            {required.has(name) ? <span class="required"> required</span> : null}
          </dt>
          <dd>
            <SchemaView schema={field} depth={depth + 1} />
            <Words text={field["description"]} />
            <Bounds schema={field} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function isNested(schema: JsonSchema): boolean {
  return Object.keys(schema["properties"] ?? {}).length > 0;
}

function optionsOf(schema: JsonSchema): readonly JsonSchema[] {
  return (schema["anyOf"] ?? schema["oneOf"] ?? []) as readonly JsonSchema[];
}

/** A type in a few words; a schema with a name is a link to it. */
function TypeName({ schema }: { schema: JsonSchema }) {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const name = reference.split("/").at(-1) ?? "";
    return <a href={`#schema-${name}`}>{name}</a>;
  }
  const options = optionsOf(schema);
  if (options.length > 0) {
    return (
      <>
        {options.map((option, index) => (
          <>
            {index === 0 ? "" : " or "}
            <TypeName schema={option} />
          </>
        ))}
      </>
    );
  }
  if (schema["type"] === "array") {
    const items = schema["items"] as JsonSchema | undefined;
    return (
      <>
        list
        {items === undefined ? (
          ""
        ) : (
          <>
            {" "}
            of <TypeName schema={items} />
          </>
        )}
      </>
    );
  }
  return <>{plainType(schema)}</>;
}

function plainType(schema: JsonSchema): string {
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choices.map((choice) => JSON.stringify(choice)).join(" or ");
  const types = [schema["type"] ?? "any JSON"].flat().map(String);
  const format = typeof schema["format"] === "string" ? ` (${schema["format"]})` : "";
  return `${types.join(" or ")}${format}`;
}

const BOUNDS: Readonly<Record<string, string>> = {
  default: "default",
  minimum: "from",
  maximum: "to",
  exclusiveMinimum: "more than",
  minLength: "characters, at least",
  maxLength: "characters, at most",
  minItems: "items, at least",
  maxItems: "items, at most",
  pattern: "form",
};

/** What a value must keep to, and what holds where none is given. */
export function Bounds({ schema }: { schema: JsonSchema }) {
  const bounds = Object.entries(BOUNDS).filter(([name]) => schema[name] !== undefined);
  if (bounds.length === 0) return null;
  return (
    <p class="bounds">
      {bounds.map(([name, words], index) => (
        <>
          {index === 0 ? "" : ", "}
          {words} <code>{boundText(schema[name])}</code>
        </>
      ))}
    </p>
  );
}

function boundText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
