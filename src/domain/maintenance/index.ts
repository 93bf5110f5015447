import type { DeclaredSchedule, Timing } from "#engine";
import { declareSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
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
export const maintenanceMails: readonly AnyMail[] = [];

export const maintenanceSchedules = (timezone: string): readonly DeclaredSchedule[] => {
  const nightlyAt = (hour: string, minute: string): Timing => ({
    ...{ kind: "crontab", timezone, minute, hour },
    ...{ day_of_month: "*", month_of_year: "*", day_of_week: "*" },
  });
  return [
    declareSchedule("cleanup_old_records", cleanupOldRecords.s({}), nightlyAt("3", "30")),
    declareSchedule("backup_database", backupDatabase.s({}), nightlyAt("4", "0")),
  ];
};
