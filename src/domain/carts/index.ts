import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const cartTasks = [] as const;
export const cartMails: readonly AnyMail[] = [];
export const cartSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
