import { desc, eq } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { StoredEmail } from "./outgoing.ts";
import { emails } from "./tables.ts";

export { mailOf, MailDesk, type MailRequest } from "./mail-desk.ts";
export { settleMail, MAIL_OPTIONS } from "./mail-tasks.ts";
export { defineMail, type AnyMail, type Block, type Locale, type Words } from "./template.tsx";
export type { StoredEmail } from "./outgoing.ts";
export * from "./transport.ts";
export { insertUnsubscribed, Unsubscribe } from "./unsubscribe.ts";

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
