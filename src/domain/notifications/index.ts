import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { adminNotification, sendAdminNotification } from "./admin-notification.ts";
import {
  bulkNotification,
  sendBulkNotifications,
  sendNotificationChunk,
  sumNotifications,
} from "./bulk-notifications.ts";
import { emailNotification, sendEmailNotification } from "./email-notification.ts";
import { postAlert } from "./post-alert.ts";
import { sendPendingEmails } from "./send-pending-emails.ts";

export { sendAdminNotification } from "./admin-notification.ts";
export type { AlertHook } from "./alert-hook.ts";
export {
  sendBulkNotifications,
  sendNotificationChunk,
  sumNotifications,
} from "./bulk-notifications.ts";
export { postAlert } from "./post-alert.ts";

export const notificationTasks = [
  sendAdminNotification,
  postAlert,
  sendEmailNotification,
  sendBulkNotifications,
  sendNotificationChunk,
  sumNotifications,
  sendPendingEmails,
] as const;
export const notificationMails = [adminNotification, emailNotification, bulkNotification];
export const notificationSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "send_pending_emails",
    sendPendingEmails.s({}),
    crontab(timezone, { minute: "*/15" }),
    { overlap: "skip", description: "Sends the mails that wait." },
  ),
];
