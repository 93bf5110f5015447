import type { DeclaredSchedule } from "#engine";
import { adminNotification, sendAdminNotification } from "./admin-notification.ts";

export { sendAdminNotification } from "./admin-notification.ts";

export const notificationTasks = [sendAdminNotification] as const;
export const notificationMails = [adminNotification];
export const notificationSchedules = (_timezone: string): readonly DeclaredSchedule[] => [];
