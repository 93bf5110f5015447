import { sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { outcomeOf, identityOf, type Outgoing, type StoredEmail } from "./outgoing.ts";
import { emails, suppressions } from "./tables.ts";
import type { MailMessage, MailOutcome } from "./transport.ts";

/** Who sends a mail has this long; then somebody else may. More than a transport takes. */
const IN_HAND_MS = 2 * 60_000;

/** How a try ended: for good, or to be tried again at `dueAt`. */
export interface MailEnd {
  readonly message: MailMessage;
  readonly state: "pending" | "sent" | "failed";
  /** Epoch ms; 0 when it is through. */
  readonly dueAt: number;
  readonly reason: string | null;
  /** The mailbox will never take mail. */
  readonly isBounce: boolean;
}

const NOT_THROUGH = sql`state IN ('pending', 'sending')`;

/** The rows of mails and of suppressed addresses: who has which in hand, and how they ended. */
export class MailBook {
  readonly #db: DrizzleD1Database;

  constructor(db: DrizzleD1Database) {
    this.#db = db;
  }

  /** The statement that writes mails which wait; those that are there stay as they are. Rows written: 2 each. */
  insertPending(mails: readonly Outgoing[], now: number): BatchItem<"sqlite"> {
    const rows = mails.map((mail) => rowOf(mail, { state: "pending", attempts: 0, dueAt: now }));
    return this.#insert(rows).onConflictDoNothing();
  }

  /**
   * Takes mails in hand: writes them, or takes over those that nobody sends just now. Rows written: 2 each.
   * @param keepsSecrets whether the text of those with a secret may be stored
   * @returns the identities of those that are ours
   */
  async take(mails: readonly Outgoing[], now: number, keepsSecrets: boolean): Promise<Set<string>> {
    const inHand = { state: "sending", attempts: 1, dueAt: now + IN_HAND_MS } as const;
    const rows = mails.map((mail) => {
      const row = rowOf(mail, inHand);
      return mail.isSecret && !keepsSecrets ? { ...row, textBody: "", htmlBody: "" } : row;
    });
    const taken = await this.#insert(rows)
      .onConflictDoUpdate({
        target: [emails.taskId, emails.toAddress, emails.template],
        set: { state: "sending", dueAt: now + IN_HAND_MS, attempts: sql`emails.attempts + 1` },
        setWhere: sql`emails.state = 'pending' OR (emails.state = 'sending' AND emails.due_at <= ${now})`,
      })
      .returning();
    return new Set(taken.map((row) => identityOf({ ...row, to: row.toAddress })));
  }

  /** Takes in hand what is due, the longest due first. Rows written: 2 each. */
  takeDue(limit: number, now: number): Promise<StoredEmail[]> {
    // What has no text had a secret in it: its task alone can send it.
    const due = sql`(SELECT task_id, to_address, template FROM emails
      WHERE ${NOT_THROUGH} AND due_at <= ${now} AND text_body <> '' ORDER BY due_at LIMIT ${limit})`;
    return this.#db
      .update(emails)
      .set({ state: "sending", dueAt: now + IN_HAND_MS, attempts: sql`attempts + 1` })
      .where(sql`${NOT_THROUGH} AND due_at <= ${now} AND (task_id, to_address, template) IN ${due}`)
      .returning();
  }

  /** Ends, or puts off, what was in hand. Rows written: 1 each, 2 when it is put off. */
  async record(ends: readonly MailEnd[], now: number): Promise<void> {
    if (ends.length === 0) return;
    const values = JSON.stringify(
      ends.map(({ message: { taskId, to, template }, state, dueAt, reason }) => [
        ...[taskId, to, template],
        ...[state, dueAt, reason],
      ]),
    );
    const update = this.#db
      .update(emails)
      .set({
        state: sql`ended.value ->> 3`,
        dueAt: sql`ended.value ->> 4`,
        reason: sql`ended.value ->> 5`,
      })
      .from(sql`json_each(${values}) AS ended`)
      .where(
        sql`emails.task_id = ended.value ->> 0 AND emails.to_address = ended.value ->> 1
          AND emails.template = ended.value ->> 2 AND emails.state = 'sending'`,
      );
    const bounces = ends.flatMap(({ message, reason, isBounce }) =>
      isBounce ? [[message.to.toLowerCase(), reason]] : [],
    );
    if (bounces.length === 0) await update;
    else await this.#db.batch([update, this.#suppress(bounces, now)]);
  }

  /** Of those addresses that are not written to, why. */
  async suppressed(
    addresses: readonly string[],
  ): Promise<(address: string, isBulk: boolean) => boolean> {
    const list = JSON.stringify(addresses.map((address) => address.toLowerCase()));
    const found = await this.#db
      .select({ address: suppressions.address, reason: suppressions.reason })
      .from(suppressions)
      .where(sql`address IN (SELECT value FROM json_each(${list}))`);
    const addressesWith = (reason: string) =>
      new Set(found.filter((row) => row.reason === reason).map((row) => row.address));
    const bounced = addressesWith("hard_bounce");
    const unsubscribed = addressesWith("unsubscribed");
    return (address, isBulk) => {
      const key = address.toLowerCase();
      return bounced.has(key) || (isBulk && unsubscribed.has(key));
    };
  }

  /** What is known of mails, by identity. */
  async outcomes(mails: readonly Outgoing[]): Promise<Map<string, MailOutcome>> {
    if (mails.length === 0) return new Map();
    const keys = `[${mails.map(({ message }) => identityOf(message)).join(",")}]`;
    const rows = await this.#db
      .select()
      .from(emails)
      .where(
        sql`(task_id, to_address, template) IN
          (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${keys}))`,
      );
    return new Map(
      rows.map((row) => [identityOf({ ...row, to: row.toAddress }), outcomeOf(row)] as const),
    );
  }

  /** Ends those that only their task could send, and did not until then. */
  async giveUpSecrets(dueBefore: number): Promise<void> {
    await this.#db
      .update(emails)
      .set({ state: "failed", dueAt: 0 })
      .where(sql`${NOT_THROUGH} AND due_at <= ${dueBefore} AND text_body = ''`);
  }

  #insert(rows: readonly StoredEmail[]) {
    const values = JSON.stringify(
      rows.map((row) => [
        ...[row.taskId, row.toAddress, row.template, row.messageId, row.subject],
        ...[row.textBody, row.htmlBody, row.createdAt],
        ...[row.headers, row.state, row.attempts, row.dueAt, row.reason],
      ]),
    );
    const columns = sql.raw(
      Array.from({ length: 13 }, (_, index) => `value ->> ${index}`).join(", "),
    );
    return this.#db
      .insert(emails)
      .select(sql`SELECT ${columns} FROM json_each(${values}) WHERE true`);
  }

  #suppress(bounces: readonly unknown[], now: number): BatchItem<"sqlite"> {
    const values = JSON.stringify(bounces);
    return this.#db
      .insert(suppressions)
      .select(
        sql`SELECT value ->> 0, 'hard_bounce', value ->> 1, ${now} FROM json_each(${values}) WHERE true`,
      )
      .onConflictDoNothing();
  }
}

function rowOf(
  { message, createdAt }: Outgoing,
  state: Pick<StoredEmail, "state" | "attempts" | "dueAt">,
): StoredEmail {
  const hasHeaders = Object.keys(message.headers).length > 0;
  return {
    taskId: message.taskId,
    toAddress: message.to,
    template: message.template,
    messageId: message.messageId,
    subject: message.subject,
    textBody: message.text,
    htmlBody: message.html,
    createdAt,
    headers: hasHeaders ? JSON.stringify(message.headers) : null,
    ...state,
    reason: null,
  };
}
