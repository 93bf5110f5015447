/** What buyers and sellers are told of: every state of a transaction, and what happens to milestones. */
export const NOTIFICATION_TYPES = [
  "created",
  "funded",
  "in_progress",
  "disputed",
  "cancelled",
  "refunded",
  "completed",
  "milestone_submitted",
  "milestone_approved",
  "milestone_rejected",
] as const;
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];
