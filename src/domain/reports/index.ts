import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const reportTasks = [] as const;
export const reportMails: readonly AnyMail[] = [];
export const reportSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
