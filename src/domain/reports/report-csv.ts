/**
 * A report as CSV (RFC 4180): a line for each of its values, `field` being the way to it. Texts that a
 * spreadsheet would take for a formula begin with an apostrophe there.
 */
export function reportCsv(body: Readonly<Record<string, unknown>>): string {
  const lines = ["field,value"];
  for (const [path, value] of leaves(body, "")) lines.push(`${cell(path)},${cell(value)}`);
  return `${lines.join("\r\n")}\r\n`;
}

/** Objects and lists are as deep as reports have them. */
function leaves(value: unknown, path: string): [path: string, value: unknown][] {
  if (value === null || typeof value !== "object") return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, path === "" ? key : `${path}.${key}`),
  );
}

/** Null is empty. */
function cell(value: unknown): string {
  if (typeof value !== "string") return value === null ? "" : JSON.stringify(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
