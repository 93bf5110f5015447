/** The environments of wrangler.toml that are deployed. */
export const ENVIRONMENTS = ["staging", "production"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export function isEnvironment(text: string): text is Environment {
  return (ENVIRONMENTS as readonly string[]).includes(text);
}

/**
 * What wrangler's commands for a database are told: the one of an environment, or the local one.
 * @param env as it was given on the command line; undefined: none was
 */
export function databaseOf(env: string | undefined): string[] {
  if (env === undefined) return ["--local"];
  if (isEnvironment(env)) return ["--remote", "--env", env];
  console.error(`--env must be ${ENVIRONMENTS.join(" or ")}.`);
  process.exit(1);
}
