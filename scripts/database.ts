import { runWrangler } from "./wrangler.ts";

/** A value as SQL text: the command line takes no parameters. */
export function sql(value: string | number | null): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/**
 * Runs one statement on the deployed database (`isRemote`) or the local one.
 * @throws Error with what wrangler said
 */
export async function execute(
  command: string,
  isRemote: boolean,
): Promise<Record<string, unknown>[]> {
  const where = isRemote ? "--remote" : "--local";
  const { code, text } = await runWrangler([
    ...["d1", "execute", "lovage", where, "--json", "--command", command],
  ]);
  if (code !== 0) throw new Error(text);
  const answer = JSON.parse(text.slice(text.indexOf("["))) as {
    results: Record<string, unknown>[];
  }[];
  return answer[0]?.results ?? [];
}
