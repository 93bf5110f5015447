import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const reviewTasks = [] as const;
export const reviewMails: readonly AnyMail[] = [];
export const reviewSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
