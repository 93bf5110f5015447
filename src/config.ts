import { z } from "zod";
import { LovageError, MAX_SHARDS } from "#engine";
import type { Env } from "./platform/env.ts";

const settings = z.object({
  OPEN_ACCESS: z.enum(["true", "false"]).transform((text) => text === "true"),
  LEDGER_SHARDS: z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(1).max(MAX_SHARDS)),
  LOCALE: z.enum(["en", "ru"]),
  ID_SECRET: z.string().min(32),
});

/** The settings of a deployment, checked. */
export interface Config {
  readonly isOpenAccess: boolean;
  readonly shards: number;
  readonly locale: "en" | "ru";
  readonly idSecret: string;
}

/**
 * Reads the settings from the Worker's variables and secrets.
 * @throws LovageError `bad_config` naming every setting that is missing or wrong, never their values
 */
export function readConfig(env: Env): Config {
  const checked = settings.safeParse(env);
  if (!checked.success) {
    const names = [...new Set(checked.error.issues.map((issue) => issue.path.join(".")))];
    throw new LovageError("bad_config", `Missing or wrong settings: ${names.join(", ")}.`);
  }
  const { OPEN_ACCESS, LEDGER_SHARDS, LOCALE, ID_SECRET } = checked.data;
  return {
    isOpenAccess: OPEN_ACCESS,
    shards: LEDGER_SHARDS,
    locale: LOCALE,
    idSecret: ID_SECRET,
  };
}
