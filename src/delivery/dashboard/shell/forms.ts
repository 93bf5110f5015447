import type { z } from "zod";
import { fieldErrors, readBytes } from "../../api/body.ts";
import { invalid, Problem } from "../../api/problems.ts";

const MAX_FORM_BYTES = 262_144;
const MAX_FIELDS = 2_000;

/** The fields of a form as they came: what was given more than once is a list. */
type Fields = Record<string, string | string[]>;

/**
 * The fields of a form that a browser posts, checked against a schema of strings (lists for what may be given
 * more than once).
 * @throws Problem 415, 413, or 422 with the fields
 */
export async function readForm<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  const [type = ""] = (request.headers.get("Content-Type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
    throw new Problem(415, "unsupported_media_type", "Send the fields of a form.");
  }
  const checked = schema.safeParse(fieldsOf(await readBytes(request, MAX_FORM_BYTES)));
  if (!checked.success) throw invalid(checked.error.issues.flatMap(fieldErrors));
  return checked.data;
}

function fieldsOf(bytes: Uint8Array): Fields {
  const text = new TextDecoder().decode(bytes);
  const given = [...new URLSearchParams(text)];
  if (given.length > MAX_FIELDS) {
    throw new Problem(413, "body_too_large", `A form may have ${MAX_FIELDS} fields at most.`);
  }
  if (given.some(([name, value]) => `${name}${value}`.includes("\0"))) {
    throw invalid([{ field: "body", message: "The text has a NUL character." }]);
  }
  const byName = Map.groupBy(given, ([name]) => name);
  const fields = [...byName].map(([name, pairs]): [string, string | string[]] => {
    const values = pairs.map(([, value]) => value);
    return [name, values.length === 1 ? (values[0] ?? "") : values];
  });
  // From entries: `__proto__` is a key like any other then.
  return Object.fromEntries(fields);
}

/** A path of the dashboard to go back to; anything else leads to its first page. */
export function ownPath(text: string): string {
  return /^\/dashboard(?:[/?][\w~!$&'()*+,;=:@%/?.-]*)?$/.test(text) ? text : "/dashboard";
}

/** The parameters of a form that was sent by GET, without the fields that were left empty. */
export function filledIn(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([, value]) => value !== ""));
}
