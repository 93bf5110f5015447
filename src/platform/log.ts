/**
 * One JSON line per event, for Workers Logs. Fields are chosen by the caller: ids, names, counts, error
 * types; never arguments, results, addresses or secrets.
 */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  // oxlint-disable-next-line no-console -- the one place that writes the log
  console.log(JSON.stringify({ event, ...fields }));
}
