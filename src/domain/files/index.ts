import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const fileTasks = [] as const;
export const fileMails: readonly AnyMail[] = [];
export const fileSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
