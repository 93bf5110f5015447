import type { Unstable_Config } from "wrangler";
import { wrangler } from "./command.ts";

/** How wrangler says that there is no such thing. */
const NOT_FOUND = /not found|n't find|could not find|does not exist|\b(?:10006|10007|7404)\b/i;

/** Something in the account that an environment needs. */
export interface Resource {
  readonly what: string;
  readonly info: readonly string[];
  readonly create: readonly string[];
}

/** What an environment's bindings name. */
export function resourcesOf(config: Unstable_Config): Resource[] {
  const databases = config.d1_databases.flatMap(({ database_name: name }) => name ?? []);
  const buckets = config.r2_buckets.flatMap(({ bucket_name: name }) => name ?? []);
  const { producers = [], consumers = [] } = config.queues;
  const names = [
    ...producers.map(({ queue }) => queue),
    ...consumers.flatMap(({ queue, dead_letter_queue: dead }) => [queue, dead]),
  ];
  const queues = new Set(names.filter((name) => name !== undefined));
  const resource = (what: string, command: readonly string[], name: string): Resource => ({
    what: `${what} ${name}`,
    info: [...command, "info", name],
    create: [...command, "create", name],
  });
  return [
    ...databases.map((name) => resource("D1 database", ["d1"], name)),
    ...buckets.map((name) => resource("R2 bucket", ["r2", "bucket"], name)),
    ...Array.from(queues, (name) => resource("queue", ["queues"], name)),
  ];
}

/**
 * Whether the account has it.
 * @throws Error with what wrangler said, when that is anything else than yes or no
 */
export async function isThere({ info }: Resource): Promise<boolean> {
  const { code, text } = await wrangler(info);
  if (code !== 0 && !NOT_FOUND.test(text)) throw new Error(text);
  return code === 0;
}

/**
 * The names of an environment's secrets. One that was never deployed has none.
 * @throws Error with what wrangler said
 */
export async function secretsOf(place: readonly string[]): Promise<string[]> {
  const { code, out, text } = await wrangler(["secret", "list", "--format", "json", ...place]);
  if (code !== 0 && NOT_FOUND.test(text)) return [];
  if (code !== 0) throw new Error(text);
  const list = JSON.parse(out.slice(out.indexOf("["))) as { name: string }[];
  return list.map(({ name }) => name);
}
