import type * as z from "zod";
import { fieldErrors, readBytes } from "../../api/http/body.ts";
import { invalid, Problem, problemOf, type FieldError } from "../../api/http/problems.ts";

const MAX_FORM_BYTES = 262_144;
const MAX_FIELDS = 2_000;

/** The fields of a form as they came: what was given more than once is a list. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** A form as it is shown: what was entered, and what of it does not fit. */
export interface FormState {
  readonly values: Fields;
  readonly faults: readonly FieldError[];
}

/**
 * The fields of a form that a browser posts, checked against a schema of strings (lists for what may be given
 * more than once).
 * @throws Problem 415, 413, or 422 with the fields
 */
export async function readForm<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  return checked(await readFields(request), schema);
}

/** Values that were put together from the fields of a form. @throws Problem 422 with the fields */
export function checked<Schema extends z.ZodType>(
  values: unknown,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(values);
  if (!result.success) throw invalid(result.error.issues.flatMap(fieldErrors));
  return result.data;
}

/** The fields of a form as they came, for one that is shown again with them. @throws Problem 415, 413, 422 */
export async function readFields(request: Request): Promise<Fields> {
  const [type = ""] = (request.headers.get("Content-Type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
    throw new Problem(415, "unsupported_media_type", "Send the fields of a form.");
  }
  return fieldsOf(await readBytes(request, MAX_FORM_BYTES));
}

/**
 * What of a form does not fit, if that is why something was refused.
 * @throws the error itself where it says anything else
 */
export function faultsOf(error: unknown): readonly FieldError[] {
  const { status, errors, message } = problemOf(error);
  if (status !== 422 && status !== 409) throw error;
  return errors.length > 0 ? errors : [{ field: "form", message }];
}

/** The value of a field; of one that was given more than once the first; empty: it was not given. */
export function textOf(values: Fields, name: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  return (typeof value === "string" ? value : value?.[0]) ?? "";
}

/** A number as people enter it; anything else stays text, for a schema to refuse; empty: undefined. */
export function numberOf(text: string): number | string | undefined {
  const given = text.trim();
  if (given === "") return undefined;
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(given) ? Number(given) : given;
}

/** An instant as ISO 8601, from a field of date and time in UTC; empty: undefined. */
export function instantOf(text: string): string | undefined {
  if (text === "") return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? `${text}:00Z` : `${text}Z`;
}

/** An instant for a field of date and time in UTC; null: empty. */
export function fieldOfInstant(at: number | null): string {
  return at === null ? "" : new Date(at).toISOString().slice(0, 19);
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
