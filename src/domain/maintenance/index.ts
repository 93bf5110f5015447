import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const maintenanceTasks = [] as const;
export const maintenanceMails: readonly AnyMail[] = [];
export const maintenanceSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
