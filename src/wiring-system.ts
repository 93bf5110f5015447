import type { Clock, Timers } from "#engine";
import type { Config } from "./config.ts";
import { risksOf } from "./config-risks.ts";
import journal from "../migrations/meta/_journal.json" with { type: "json" };
import type { Env } from "./platform/env.ts";
import { lookAtDatabase } from "./platform/health/database-look.ts";
import { DeploymentWatch } from "./platform/health/deployment-watch.ts";
import { DeploymentReadiness } from "./platform/health/readiness.ts";
import type { LedgerDirectory } from "./platform/ledger/directory.ts";
import { DEFAULT_LEDGER_SETTINGS } from "./platform/ledger/protocol.ts";

/** Beat and the watchdog are one object each for the whole deployment. */
export const BEAT = "beat";
export const WATCHDOG = "watchdog";

/** The migration that this code needs. */
const MIGRATION = `${journal.entries.at(-1)?.tag ?? ""}.sql`;

/** What watches over the deployment. */
export function createSystem(
  env: Env,
  config: Config,
  parts: { directory: LedgerDirectory; clock: Clock; timers: Timers },
) {
  const { directory, clock, timers } = parts;
  const objects = {
    watchdog: () => env.WATCHDOG.getByName(WATCHDOG),
    beat: () => env.BEAT.getByName(BEAT),
    shard: (shard: number) => directory.shard(shard),
    shards: config.shardsInUse,
  };
  return {
    system: new DeploymentWatch({
      ...{ ...objects, clock, timers },
      maxUnflushed: DEFAULT_LEDGER_SETTINGS.maxUnflushed,
      database: () => lookAtDatabase(env.DB),
      environment: config.environment,
      risks: risksOf(config),
    }),
    readiness: new DeploymentReadiness({
      ...{ ...objects, clock, timers },
      db: env.DB,
      migration: MIGRATION,
    }),
  };
}
