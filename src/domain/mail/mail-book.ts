import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { identityOf, outcomeOf, type Outgoing, type StoredEmail } from "./outgoing.ts";
import { insertBounces } from "./suppressions.ts";
import { emails } from "./tables.ts";
import type { MailEnd } from "./tries.ts";
import type { MailOutcome } from "./transport.ts";

/** Who sends a mail has this long; then somebody else may. More than a transport takes. */
const IN_HAND_MS = 2 * 60_000;
/** Rows that one statement changes, where nobody waits for it. */
const AT_ONCE = 500;

const SWEEPABLE = sql`state IN ('pending', 'sending') AND text_body <> ''`;
const SECRET = sql`state IN ('pending', 'sending') AND text_body = ''`;

/** The rows of mails: who has which in hand, and how they ended. */
export class MailBook {
  readonly #db: DrizzleD1Database;
  readonly #keepsSecrets: boolean;

  /** @param keepsSecrets whether the text of mails with a secret may be stored */
  constructor(db: DrizzleD1Database, keepsSecrets: boolean) {
    this.#db = db;
    this.#keepsSecrets = keepsSecrets;
  }

  /** The statement that writes mails which wait; those that are there stay as they are. Rows written: 3 each. */
  insertPending(mails: readonly Outgoing[], dueAt: number) {
    return this.#insert(mails, { state: "pending", attempts: 0, dueAt }).onConflictDoNothing();
  }

  /**
   * Takes mails in hand: writes them, or takes over those that nobody sends just now, as they are asked for
   * now. Of two at once one gets it. Rows written: 3 each, 2 when it was there.
   * @returns those that are ours
   */
  async take(mails: readonly Outgoing[], now: number): Promise<Outgoing[]> {
    const dueAt = now + IN_HAND_MS;
    const taken = await this.#insert(mails, { state: "sending", attempts: 1, dueAt })
      .onConflictDoUpdate({
        target: [emails.taskId, emails.toAddress, emails.template],
        set: {
          state: "sending",
          dueAt,
          attempts: sql`emails.attempts + 1`,
          subject: sql`excluded.subject`,
          textBody: sql`excluded.text_body`,
          htmlBody: sql`excluded.html_body`,
          headers: sql`excluded.headers`,
        },
        setWhere: sql`emails.state = 'pending' OR (emails.state = 'sending' AND emails.due_at <= ${now})`,
      })
      .returning({
        taskId: emails.taskId,
        to: emails.toAddress,
        template: emails.template,
        attempts: emails.attempts,
        createdAt: emails.createdAt,
      });
    const mine = new Map(taken.map((row) => [identityOf(row), row]));
    return mails.flatMap((mail) => {
      const row = mine.get(identityOf(mail.message));
      return row ? [{ ...mail, attempts: row.attempts, createdAt: row.createdAt }] : [];
    });
  }

  /**
   * Takes in hand what is due and has its text, the longest due first. Of two at once each gets others.
   * Rows written: 2 each.
   */
  takeDue(limit: number, now: number): Promise<StoredEmail[]> {
    const due = sql`(SELECT task_id AS k, to_address AS a, template AS t FROM emails
      WHERE ${SWEEPABLE} AND due_at <= ${now} ORDER BY due_at LIMIT ${limit}) AS due`;
    return this.#db
      .update(emails)
      .set({ state: "sending", dueAt: now + IN_HAND_MS, attempts: sql`attempts + 1` })
      .from(due)
      .where(sql`emails.task_id = due.k AND emails.to_address = due.a AND emails.template = due.t`)
      .returning();
  }

  /**
   * Ends, or puts off, what was in hand. Safe to repeat. Who was late and lost it to another can still say that it
   * was sent, and nothing else. Rows written: 1 each, 2 when it is put off, 1 more for a bounce.
   */
  async record(ends: readonly MailEnd[], now: number): Promise<void> {
    if (ends.length === 0) return;
    const values = JSON.stringify(
      ends.map(({ mail: { message, attempts }, state, dueAt, reason, isForgotten }) => [
        ...[message.taskId, message.to, message.template],
        ...[state, dueAt, reason, attempts, isForgotten ? 1 : 0],
      ]),
    );
    const kept = (body: string) =>
      sql`CASE ended.value ->> 7 WHEN 1 THEN '' ELSE ${sql.raw(body)} END`;
    const update = this.#db
      .update(emails)
      .set({
        state: sql`ended.value ->> 3`,
        dueAt: sql`ended.value ->> 4`,
        reason: sql`ended.value ->> 5`,
        textBody: kept("text_body"),
        htmlBody: kept("html_body"),
      })
      .from(sql`json_each(${values}) AS ended`)
      .where(
        sql`emails.task_id = ended.value ->> 0 AND emails.to_address = ended.value ->> 1
          AND emails.template = ended.value ->> 2 AND emails.state IN ('pending', 'sending')
          AND (ended.value ->> 3 = 'sent'
            OR (emails.state = 'sending' AND emails.attempts = ended.value ->> 6))`,
      );
    const bounces = ends.flatMap(({ mail, reason, isBounce }) =>
      isBounce ? [{ address: mail.message.to, detail: reason }] : [],
    );
    if (bounces.length === 0) await update;
    else await this.#db.batch([update, insertBounces(this.#db, bounces, now)]);
  }

  /** What is known of mails, by identity. */
  async outcomes(mails: readonly Outgoing[], now: number): Promise<Map<string, MailOutcome>> {
    if (mails.length === 0) return new Map();
    const keys = JSON.stringify(
      mails.map(({ message: { taskId, to, template } }) => [taskId, to, template]),
    );
    const rows = await this.#db
      .select()
      .from(emails)
      .where(
        sql`(task_id, to_address, template) IN
          (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${keys}))`,
      );
    return new Map(
      rows.map((row) => [identityOf({ ...row, to: row.toAddress }), outcomeOf(row, now)] as const),
    );
  }

  /** Ends those that only their task could send, and did not until then. Rows written: 1 each. */
  async giveUpSecrets(dueBefore: number): Promise<void> {
    const late = sql`(SELECT task_id AS k, to_address AS a, template AS t FROM emails
      WHERE ${SECRET} AND due_at <= ${dueBefore} ORDER BY due_at LIMIT ${AT_ONCE}) AS late`;
    await this.#db
      .update(emails)
      .set({ state: "failed", dueAt: 0 })
      .from(late)
      .where(
        sql`emails.task_id = late.k AND emails.to_address = late.a AND emails.template = late.t`,
      );
  }

  #insert(
    mails: readonly Outgoing[],
    { state, attempts, dueAt }: Pick<StoredEmail, "state" | "attempts" | "dueAt">,
  ) {
    const values = JSON.stringify(
      mails.map(({ message, createdAt, isSecret }) => {
        const isKept = !isSecret || this.#keepsSecrets;
        const hasHeaders = Object.keys(message.headers).length > 0;
        return [
          ...[message.taskId, message.to, message.template, message.messageId, message.subject],
          ...[isKept ? message.text : "", isKept ? message.html : "", createdAt],
          ...[hasHeaders ? JSON.stringify(message.headers) : null, state, attempts, dueAt, null],
          ...[null, null],
        ];
      }),
    );
    const columns = sql.raw(
      Array.from({ length: 15 }, (_, index) => `value ->> ${index}`).join(", "),
    );
    return this.#db
      .insert(emails)
      .select(sql`SELECT ${columns} FROM json_each(${values}) WHERE true`);
  }
}
