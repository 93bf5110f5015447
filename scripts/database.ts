import { runWrangler } from "./wrangler.ts";

/** A value as SQL text: the command line takes no parameters. */
export function sql(value: string | number | null): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/** Which database is meant: the deployed one, or a local one. */
export interface Place {
  readonly isRemote: boolean;
  /** Where the local data lives; undefined: where `npm start` keeps it. */
  readonly state?: string | undefined;
}

/**
 * Runs one statement.
 * @throws Error with what wrangler said
 */
export async function execute(
  command: string,
  { isRemote, state }: Place,
): Promise<Record<string, unknown>[]> {
  const local = ["--local", ...(state === undefined ? [] : ["--persist-to", state])];
  const { code, text } = await runWrangler([
    ...[
      "d1",
      "execute",
      "lovage",
      ...(isRemote ? ["--remote"] : local),
      "--json",
      "--command",
      command,
    ],
  ]);
  if (code !== 0) throw new Error(text);
  const answer = JSON.parse(text.slice(text.indexOf("["))) as {
    results: Record<string, unknown>[];
  }[];
  return answer[0]?.results ?? [];
}
