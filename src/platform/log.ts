/**
 * One JSON line per event, for Workers Logs. Fields are chosen by the caller: ids, names, counts, errors;
 * never arguments, results, addresses or secrets.
 */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  const entries = Object.entries(fields).map(([key, value]) => [key, readable(value)]);
  // oxlint-disable-next-line no-console -- the one place that writes the log
  console.log(JSON.stringify({ event, ...Object.fromEntries(entries) }));
}

/** An error as its root cause: what wraps it may quote statements and their parameters. Anything else as it is. */
export function rootOf(value: unknown): unknown {
  let root = value;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function readable(value: unknown): unknown {
  const root = rootOf(value);
  return root instanceof Error ? String(root) : root;
}
