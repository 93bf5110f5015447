import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";

export const escrowTasks = [] as const;
export const escrowMails: readonly AnyMail[] = [];
export const escrowSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
