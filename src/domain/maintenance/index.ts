import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { backupDatabase } from "./backup-database.ts";
import { cleanupOldRecords } from "./cleanup-old-records.ts";
import { restoreDatabase } from "./restore-database.ts";

export { backupDatabase } from "./backup-database.ts";
export { begunAt, listBackups, readManifest, type Manifest } from "./backup-store.ts";
export {
  BackupNotFoundError,
  openForRestore,
  refuseUnlessEmpty,
  RestoreRefusedError,
} from "./restore-checks.ts";
export { restoreDatabase } from "./restore-database.ts";
export type { MaintenanceSettings } from "./settings.ts";

export const maintenanceTasks = [backupDatabase, restoreDatabase, cleanupOldRecords] as const;

export const maintenanceSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "cleanup_old_records",
    cleanupOldRecords.s({}),
    crontab(timezone, { minute: "30", hour: "3" }),
    {
      overlap: "skip",
      description:
        "Deletes old mails, the old part of the audit log, and uploads that never ended.",
    },
  ),
  declareSchedule(
    "backup_database",
    backupDatabase.s({}),
    crontab(timezone, { minute: "0", hour: "4" }),
    { overlap: "skip", description: "Backs up every table." },
  ),
];
