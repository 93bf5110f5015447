import { databaseOf } from "./environments.ts";
import { runWrangler } from "./wrangler.ts";

/** A value as SQL text: the command line takes no parameters. */
export function sql(value: string | number | null): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/**
 * Runs one statement on the database of an environment, or the local one (undefined).
 * @throws Error with what wrangler said
 */
export async function execute(
  command: string,
  env: string | undefined,
): Promise<Record<string, unknown>[]> {
  const { code, text } = await runWrangler([
    ...["d1", "execute", "DB", ...databaseOf(env), "--json", "--command", command],
  ]);
  if (code !== 0) throw new Error(text);
  const answer = JSON.parse(text.slice(text.indexOf("["))) as {
    results: Record<string, unknown>[];
  }[];
  return answer[0]?.results ?? [];
}
