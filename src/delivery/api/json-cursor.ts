import type { z } from "zod";
import { fromBase64url, toBase64url } from "#engine";
import { invalid } from "./problems.ts";
import type { QueryReader } from "./query.ts";

const FORM = /^[\w-]{1,4000}$/;

/** Where a page ended, as a `next_cursor` that needs no escaping. */
export function jsonCursor(place: readonly (string | number)[]): string {
  return toBase64url(new TextEncoder().encode(JSON.stringify(place)));
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
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return JSON.parse(decoder.decode(fromBase64url(text))) as unknown;
  } catch {
    return undefined;
  }
}
