/** Of what was asked for, as JSON in UTF-8. */
export const MAX_DETAIL_BYTES = 2_048;

const MAX_TEXT = 200;
const MAX_ITEMS = 20;
const MAX_DEPTH = 6;

/** What stands for what is not shown. */
export const LEFT_OUT = "[left out]";

/**
 * Fields whose texts are shown: what operators choose from, names of things, times. All others may hold
 * something secret or personal, also those that will be there one day; so it is these that are listed.
 */
const SHOWN: ReadonlySet<string> = new Set(
  `action after all at backup_id before chain chord clocked countdown crontab currency date day_of_month
  day_of_week decision do enabled eta event every exc_type expires failed_after failed_before filter from
  group hard header hour id ids interval labels limit locale map method minute missed month_of_year name
  name_glob one_off overlap period priority queue rate_limit resolution role schedule signal sku soft solar
  start_time state status task tasks template terminate timeout timezone type until what workername`.split(
    /\s+/,
  ),
);

/**
 * What a request asks for, as it may be kept and shown: JSON. Of what is too much the beginning; null: nothing.
 * Values of tasks' arguments, texts of mails, passwords and whatever else it doesn't know are left out.
 */
export function shownDetail(asked: Readonly<Record<string, unknown>>): string | null {
  const entries = Object.entries(asked).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return null;
  const text = JSON.stringify(shownFields(asked, 0));
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes <= MAX_DETAIL_BYTES) return text;
  // Each character is at most three bytes, and two where it is escaped.
  return JSON.stringify({ bytes, beginning: text.slice(0, MAX_TEXT * 3) });
}

function shownFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, 2 * MAX_ITEMS)
      .map(([key, value]) => [
        key.slice(0, MAX_TEXT),
        SHOWN.has(key) ? shown(value, depth + 1) : unlessNumber(value),
      ]),
  );
}

/** The value of a field that may be shown. */
function shown(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.slice(0, MAX_TEXT);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) return LEFT_OUT;
  if (!Array.isArray(value)) return shownFields(value, depth);
  const items = value.slice(0, MAX_ITEMS).map((item) => shown(item, depth + 1));
  return value.length > MAX_ITEMS ? [...items, `and ${value.length - MAX_ITEMS} more`] : items;
}

/** Switches and amounts tell nothing that isn't to be seen. */
function unlessNumber(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" || value === null
    ? value
    : LEFT_OUT;
}
