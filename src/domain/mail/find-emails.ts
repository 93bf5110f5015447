import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { StoredEmail } from "./outgoing.ts";
import { emails, type EmailState } from "./tables.ts";

/** What makes a stored mail one. */
export type EmailKey = Pick<StoredEmail, "taskId" | "toAddress" | "template">;
/** The last mail of a page. */
export type EmailPlace = EmailKey & Pick<StoredEmail, "createdAt">;

export interface EmailQuery {
  readonly taskId?: string;
  readonly state?: EmailState;
  readonly template?: string;
  /** Whatever its case. */
  readonly to?: string;
}

/** Rows that one page looks at: what is rare may be on a later one. */
const MAX_LOOKED_AT = 1_000;

const PLACE = {
  taskId: emails.taskId,
  toAddress: emails.toAddress,
  template: emails.template,
  createdAt: emails.createdAt,
};

/**
 * Stored mails, the newest first; those of one task by address. Looks at the keys of a bounded number, so a
 * page may be short, or empty, although more follow.
 * @returns `next`: where the next page goes on; null: there is none
 */
export async function findEmails(
  db: DrizzleD1Database,
  query: EmailQuery,
  { limit, after }: { readonly limit: number; readonly after: EmailPlace | null },
): Promise<{ emails: StoredEmail[]; next: EmailPlace | null }> {
  const wanted = fits(query);
  const looked = await placesIn(db, query.taskId, after, wanted === null ? limit : MAX_LOOKED_AT);
  const found = (wanted === null ? looked : looked.filter(wanted)).slice(0, limit);
  const isCut = found.length === limit;
  const isMore = isCut || looked.length === MAX_LOOKED_AT;
  const last = (isCut ? found : looked).at(-1) ?? null;
  return { emails: await inOrder(db, found), next: isMore ? last : null };
}

/** The mails of one task, by address. */
export async function listEmails(
  db: DrizzleD1Database,
  { taskId, limit }: { readonly taskId: string; readonly limit: number },
): Promise<StoredEmail[]> {
  return (await findEmails(db, { taskId }, { limit, after: null })).emails;
}

export async function findEmail(db: DrizzleD1Database, key: EmailKey): Promise<StoredEmail | null> {
  return (await inOrder(db, [key]))[0] ?? null;
}

/** Of those people the ones who have a mail, by address as it is given. */
export async function sentTo(
  db: DrizzleD1Database,
  { taskId, template }: Pick<EmailKey, "taskId" | "template">,
  recipients: readonly { readonly to: string }[],
): Promise<Set<string>> {
  const keys = recipients.map(({ to }) => ({ taskId, toAddress: to, template }));
  const found = await inOrder(db, keys);
  return new Set(found.filter(({ state }) => state === "sent").map(({ toAddress: to }) => to));
}

type Looked = EmailPlace & Pick<StoredEmail, "state">;

/** Null: all of them. */
function fits({ state, template, to }: EmailQuery): ((row: Looked) => boolean) | null {
  if (state === undefined && template === undefined && to === undefined) return null;
  const address = to?.toLowerCase();
  return (row) =>
    (state === undefined || row.state === state) &&
    (template === undefined || row.template === template) &&
    (address === undefined || row.toAddress.toLowerCase() === address);
}

function placesIn(
  db: DrizzleD1Database,
  taskId: string | undefined,
  after: EmailPlace | null,
  limit: number,
): Promise<Looked[]> {
  const query = db.select({ ...PLACE, state: emails.state }).from(emails);
  if (taskId !== undefined) {
    const rest = after && sql`(to_address, template) > (${after.toAddress}, ${after.template})`;
    return query
      .where(and(eq(emails.taskId, taskId), rest ?? undefined))
      .orderBy(asc(emails.toAddress), asc(emails.template))
      .limit(limit);
  }
  const rest =
    after &&
    sql`(created_at, task_id, to_address, template)
      < (${after.createdAt}, ${after.taskId}, ${after.toAddress}, ${after.template})`;
  return query
    .where(rest ?? undefined)
    .orderBy(
      desc(emails.createdAt),
      desc(emails.taskId),
      desc(emails.toAddress),
      desc(emails.template),
    )
    .limit(limit);
}

/** Whole mails by their keys, in the order of the keys. */
async function inOrder(db: DrizzleD1Database, keys: readonly EmailKey[]): Promise<StoredEmail[]> {
  if (keys.length === 0) return [];
  const textOf = ({ taskId, toAddress, template }: EmailKey) =>
    JSON.stringify([taskId, toAddress, template]);
  const rows = await db
    .select()
    .from(emails)
    .where(
      sql`(task_id, to_address, template) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${`[${keys.map(textOf).join(",")}]`}))`,
    );
  const byKey = new Map(rows.map((row) => [textOf(row), row]));
  return keys.flatMap((key) => byKey.get(textOf(key)) ?? []);
}
