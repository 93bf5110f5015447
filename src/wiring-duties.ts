import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Clock, Controls, Lovage } from "#engine";
import type { Config } from "./config.ts";
import { listAdmins } from "./domain/accounts/index.ts";
import { postAlert, sendAdminNotification } from "./domain/index.ts";
import { PauseAlerts } from "./platform/control/pause-alerts.ts";
import type { Env } from "./platform/env.ts";
import type { DeploymentWatch } from "./platform/health/deployment-watch.ts";
import { StoredLook } from "./platform/health/stored-look.ts";
import { SystemAlerts } from "./platform/health/system-alerts.ts";
import { DeadLetterAlerts } from "./platform/history/alerts.ts";
import type { DeadLetters } from "./platform/history/dead-letters.ts";
import { HistoryPruner } from "./platform/history/pruner.ts";
import type { LedgerDirectory } from "./platform/ledger/directory.ts";
import type { D1Outbox } from "./platform/outbox/outbox.ts";
import type { WatchdogDuty } from "./platform/watchdog/duty-rounds.ts";

/** What the watchdog does every half minute; `tellOfSystem` is for the cron trigger, when the watchdog can't. */
export function createDuties(
  env: Env,
  config: Config,
  parts: {
    db: DrizzleD1Database;
    /** Calls tasks on behalf of the deployment. */
    lovage: Lovage;
    directory: LedgerDirectory;
    deadLetters: DeadLetters;
    outbox: D1Outbox;
    system: DeploymentWatch;
    clock: Clock;
  },
): { watchdogDuties: readonly WatchdogDuty[]; tellOfSystem: () => Promise<void> } {
  const { db, lovage, directory, deadLetters, outbox, system, clock } = parts;
  const message = (subject: string, text: string) =>
    sendAdminNotification.s({ subject, message: text });
  const hasReaders = async () =>
    config.adminEmails.length > 0 || config.alertUrl !== null || (await listAdmins(db)).length > 0;
  const pauseAlerts = new PauseAlerts({ lovage, message });
  const alerts = new DeadLetterAlerts({
    groups: (failedAfter, failedBefore) => deadLetters.summary({ failedAfter, failedBefore }),
    ...{ lovage, message, hasReaders, clock },
    exempt: [sendAdminNotification.name, postAlert.name],
    settings: config.alerts,
  });
  const systemAlerts = new SystemAlerts({
    report: () => system.brief(),
    ...{ lovage, message, hasReaders, clock },
  });
  const pruner = new HistoryPruner({
    db: env.DB,
    results: env.RESULTS,
    clock,
    keptDays: config.historyDays,
  });
  const watchdogDuties: WatchdogDuty[] = [
    {
      name: "history",
      does: "Deletes tasks that have been older than HISTORY_DAYS for a day.",
      run: () => pruner.run(),
    },
    {
      name: "alerts",
      does: "Tells the admins of new dead letters.",
      run: (_controls, memory) => alerts.run(memory),
    },
    {
      name: "pauses",
      does: "Tells the admins of queues that paused themselves.",
      run: (controls) => pauseAlerts.run(controls),
    },
    { name: "outbox", does: "Relays what a write left behind.", run: () => outbox.sweep() },
    {
      name: "system",
      does: "Tells the admins what doesn't run.",
      run: (_controls, memory) => systemAlerts.run(memory),
    },
    ...Array.from({ length: config.shardsInUse }, (_, shard) => ({
      name: `ledger ${shard}`,
      does: "Brings a shard the operators' settings, and has it look around.",
      run: async (controls: Controls) => {
        await directory.shard(shard).tick({ controls, figureDays: config.historyDays });
      },
    })),
  ];
  const tellOfSystem = () => systemAlerts.run(new StoredLook(env.RESULTS));
  return { watchdogDuties, tellOfSystem };
}
