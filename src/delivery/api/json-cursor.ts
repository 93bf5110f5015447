import type { z } from "zod";
import { invalid } from "./problems.ts";
import type { QueryReader } from "./query.ts";

const FORM = /^[\w-]{1,4000}$/;

/** Where a page ended, as a `next_cursor` that needs no escaping. */
export function jsonCursor(place: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(place));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Reads the parameter `cursor`. Null: from the beginning.
 * @throws Problem 422 for what was no answer's next_cursor
 */
export function readJsonCursor<Schema extends z.ZodType>(
  reader: QueryReader,
  schema: Schema,
): z.output<Schema> | null {
  const text = reader.cursor("cursor", FORM);
  reader.check();
  if (text === null) return null;
  const checked = schema.safeParse(parsed(text));
  if (checked.success) return checked.data;
  throw invalid([{ field: "cursor", message: "Must be an answer's next_cursor." }]);
}

function parsed(text: string): unknown {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    ) as unknown;
  } catch {
    return undefined;
  }
}
