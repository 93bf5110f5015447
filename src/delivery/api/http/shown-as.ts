import type * as z from "zod";

/** What the OpenAPI document shows in the place of a schema that takes more than it can say. */
const shown = new WeakMap<object, () => z.ZodType>();

/** The schema as it is, shown as another. A function, because schemas may contain each other. */
export function shownAs<Schema extends z.ZodType>(schema: Schema, as: () => z.ZodType): Schema {
  shown.set(schema, as);
  return schema;
}

/** What a schema is shown as; null: as itself. */
export function shownOf(schema: object): z.ZodType | null {
  return shown.get(schema)?.() ?? null;
}
