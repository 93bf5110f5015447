import { desc, eq } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { emails } from "./tables.ts";

export { emails } from "./tables.ts";
export * from "./transport.ts";
export { sendAdminNotification } from "./admin-notification.ts";
export { sendOrderConfirmationEmail } from "./order-confirmation.ts";
export type { Locale } from "./templates.tsx";

/** A mail that the default transport stored. */
export type StoredEmail = typeof emails.$inferSelect;

/** The mails of one task, or the newest of all. */
export function listEmails(
  db: DrizzleD1Database,
  filter: { readonly taskId: string | null; readonly limit: number },
): Promise<StoredEmail[]> {
  const query = db.select().from(emails);
  const chosen = filter.taskId === null ? query : query.where(eq(emails.taskId, filter.taskId));
  // Task ids begin with their time.
  return chosen.orderBy(desc(emails.taskId)).limit(filter.limit);
}
