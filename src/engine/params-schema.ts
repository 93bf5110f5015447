import * as z from "zod";
import type { AnyTaskDefinition } from "./definition.ts";
import { hasSecrets } from "./secret-fields.ts";

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 and forms take it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The arguments of a task's calls, by name, in the order in which positional ones are bound. Secrets are
 * `writeOnly`; what has a default says which; what only code can check (a `refine`) is not in it, nor is the
 * form of what no JSON Schema describes: there any JSON fits. No other argument than these is taken.
 */
export function paramsSchema({ params }: Pick<AnyTaskDefinition<never>, "params">): JsonSchema {
  const { $schema: _draft, ...schema } = z.toJSONSchema((params as z.ZodObject).strict(), {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // What a secret would be by default is nobody's business either.
      if (hasSecrets(zodSchema as z.core.$ZodType as z.ZodType)) delete jsonSchema.default;
      if (jsonSchema["secret"] !== true) return;
      delete jsonSchema["secret"];
      jsonSchema.writeOnly = true;
    },
  });
  return schema;
}
