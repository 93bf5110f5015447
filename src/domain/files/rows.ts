import * as z from "zod";
import { isAddress, LOCALES } from "../mail/index.ts";
import { isCurrency, shopId } from "../orders/index.ts";

/** Why a row was not taken. */
export interface RowError {
  /** The physical line of the file that the row begins on. */
  readonly line: number;
  /** The column; null: the row as a whole. */
  readonly field: string | null;
  readonly message: string;
}

/** Letters and what is printed: nothing that a header, a log or a terminal takes for a command. */
const printable = (max: number) =>
  z
    .string()
    .min(1, "Is empty.")
    .max(max, `Has more than ${max} characters.`)
    .regex(/^[^\p{Cc}]*$/u, "Has a control character.");

/** An amount with at most two decimals, as minor units. The decimals are counted in the text. */
const amount = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,2})?$/, "Must be an amount as 19.99, below 1,000,000.")
  .transform((text) => {
    const [whole = "0", decimals = ""] = text.split(".");
    return Number(whole) * 100 + Number(decimals.padEnd(2, "0"));
  });

const currency = z
  .string()
  .refine(isCurrency, "Must be the ISO 4217 code of a currency with two decimals.");

const accountId = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "Must be a positive whole number.")
  .transform(Number);

export const productRow = z.object({
  sku: shopId,
  name: printable(200),
  price: amount,
  currency,
  seller_id: accountId.optional(),
});

export const orderRow = z.object({
  order_id: shopId,
  user_id: accountId,
  total_amount: amount.refine((minor) => minor > 0, "Must be above 0."),
  customer_email: z.string().refine(isAddress, "Must be one e-mail address."),
  currency: currency.default("USD"),
  locale: z.enum(LOCALES, "Must be en or ru.").optional(),
  /** What is charged, by Stripe's name for it. */
  payment_method: z
    .string()
    .regex(/^(pm|card)_\w{1,200}$/, "Must be the id of a payment method: pm_…")
    .optional(),
});

/** The columns of a file: those of the schema, by where they stand. */
export type Columns = readonly (string | null)[];

/** Columns that nobody knows, as far as they are named: a page of files shows all of theirs. */
const MAX_IGNORED = 100;

/**
 * What the first row of a file says of the others.
 * @returns the columns (null: one that nobody knows), or what is wrong
 */
export function readHeader(
  names: readonly string[],
  schema: z.ZodObject,
): { readonly columns: Columns; readonly ignored: readonly string[] } | { readonly wrong: string } {
  const given = names.map((name) => name.trim().toLowerCase());
  const known = Object.keys(schema.shape);
  const required = known.filter((name) => !schema.shape[name]?.safeParse(undefined).success);
  const missing = required.filter((name) => !given.includes(name));
  if (missing.length > 0) {
    return { wrong: `The first line lacks columns: ${missing.join(", ")} (separated by commas).` };
  }
  const twice = known.filter((name) => given.indexOf(name) !== given.lastIndexOf(name));
  if (twice.length > 0) return { wrong: `Columns come twice: ${twice.join(", ")}.` };
  return {
    columns: given.map((name) => (known.includes(name) ? name : null)),
    ignored: given.filter((name) => !known.includes(name)).slice(0, MAX_IGNORED),
  };
}

/** A row's values as the schema has them, or all that is wrong with it. An empty field is none. */
export function readRow<Schema extends z.ZodObject>(
  fields: readonly string[] | null,
  line: number,
  columns: Columns,
  schema: Schema,
): { readonly row: z.output<Schema> } | { readonly errors: readonly RowError[] } {
  if (fields === null) {
    return {
      errors: [{ line, field: null, message: "A quote is not closed, or closed too early." }],
    };
  }
  if (fields.length !== columns.length) {
    const message = `Has ${fields.length} fields instead of ${columns.length}.`;
    return { errors: [{ line, field: null, message }] };
  }
  const given: Record<string, string> = {};
  columns.forEach((column, index) => {
    const value = fields[index]?.trim() ?? "";
    if (column !== null && value !== "") given[column] = value;
  });
  const checked = schema.safeParse(given);
  if (checked.success) return { row: checked.data };
  return {
    errors: checked.error.issues.map(({ path, code, message }) => ({
      line,
      field: String(path[0]),
      message: code === "invalid_type" ? "Is empty." : message,
    })),
  };
}
