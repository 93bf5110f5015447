import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { ALONE } from "./batch-key.ts";
import { identityOf, type Outgoing, type StoredEmail } from "./outgoing.ts";
import { insertBounces } from "./suppressions.ts";
import { emails } from "./tables.ts";
import type { MailEnd } from "./tries.ts";

/** Who sends a mail has this long; then somebody else may. More than a transport takes. */
const IN_HAND_MS = 2 * 60_000;
/** Rows that one statement changes, where nobody waits for it. */
const AT_ONCE = 500;

/** Stands for the key that a row has. */
const KEPT = "";

const SWEEPABLE = sql`state IN ('pending', 'sending') AND text_body <> ''`;
const SECRET = sql`state IN ('pending', 'sending') AND text_body = ''`;

/** What the sweep knows of a mail before it takes it. */
export type DueMail = Pick<
  StoredEmail,
  "taskId" | "toAddress" | "template" | "headers" | "state" | "batchKey" | "dueAt"
>;

/** What the transport is like, as far as it matters to the book. */
interface Kept {
  /** The text of mails with a secret may be stored. */
  readonly keepsMail: boolean;
  /** What may be out under a key is asked for again as it was, and not by itself. */
  readonly isIdempotent: boolean;
}

/** The rows of mails: who has which in hand, under which key, and how they ended. */
export class MailBook {
  readonly #db: DrizzleD1Database;
  readonly #keeps: Kept;

  constructor(db: DrizzleD1Database, keeps: Kept) {
    this.#db = db;
    this.#keeps = keeps;
  }

  /** The statement that writes mails which wait; those that are there stay as they are. Rows written: 3 each. */
  insertPending(mails: readonly Outgoing[], dueAt: number) {
    const row = { state: "pending", attempts: 0, dueAt } as const;
    return this.#insert(mails, row, () => null).onConflictDoNothing();
  }

  /**
   * Takes mails in hand: writes them, or takes over those that nobody sends just now, as they are asked for
   * now, unless they may be out or go alone. Of two at once one gets it. Rows written: 3 each, 2 when it was there.
   * @param keyOf of the batch that each goes out with
   * @returns those that are ours
   */
  async take(
    mails: readonly Outgoing[],
    now: number,
    keyOf: (mail: Outgoing) => string | null,
  ): Promise<Outgoing[]> {
    const dueAt = now + IN_HAND_MS;
    const taken = await this.#insert(mails, { state: "sending", attempts: 1, dueAt }, keyOf)
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
          batchKey: sql`excluded.batch_key`,
        },
        setWhere: sql`${this.#isFree()}
          AND (emails.state = 'pending' OR (emails.state = 'sending' AND emails.due_at <= ${now}))`,
      })
      .returning({
        taskId: emails.taskId,
        to: emails.toAddress,
        template: emails.template,
        messageId: emails.messageId,
        attempts: emails.attempts,
        createdAt: emails.createdAt,
      });
    const mine = new Map(taken.map((row) => [identityOf(row), row]));
    return mails.flatMap((mail) => {
      const row = mine.get(identityOf(mail.message));
      if (row === undefined) return [];
      const { messageId, attempts, createdAt } = row;
      return [{ ...mail, message: { ...mail.message, messageId }, attempts, createdAt }];
    });
  }

  /** What is due and has its text, the longest due first. */
  due(limit: number, now: number): Promise<DueMail[]> {
    return this.#db
      .select({
        taskId: emails.taskId,
        toAddress: emails.toAddress,
        template: emails.template,
        headers: emails.headers,
        state: emails.state,
        batchKey: emails.batchKey,
        dueAt: emails.dueAt,
      })
      .from(emails)
      .where(sql`${SWEEPABLE} AND due_at <= ${now}`)
      .orderBy(emails.dueAt)
      .limit(limit);
  }

  /**
   * Makes what waits due now, whatever time it was put off to, and no batch that may be out in part: its mails are due
   * at the same time. Safe to repeat, and to break off. Rows written: 2 each.
   */
  async bringForward(now: number): Promise<void> {
    const later = sql`${SWEEPABLE} AND state = 'pending' AND due_at > ${now}`;
    for (let changes = AT_ONCE; changes >= AT_ONCE;) {
      const until = sql`(SELECT max(due_at) FROM (SELECT due_at FROM emails WHERE ${later}
        ORDER BY due_at LIMIT ${AT_ONCE}))`;
      const update = this.#db.update(emails).set({ dueAt: now });
      ({ changes } = (await update.where(sql`${later} AND due_at <= ${until}`).run()).meta);
    }
  }

  /**
   * Takes in hand what was due, each by itself, unless somebody else has it or it may be out. Rows written: 2 each.
   * @param keyOf of the batch that each goes out with
   */
  takeDue(
    mails: readonly DueMail[],
    now: number,
    keyOf: (mail: DueMail) => string | null,
  ): Promise<StoredEmail[]> {
    const values = JSON.stringify(
      mails.map((mail) => [mail.taskId, mail.toAddress, mail.template, keyOf(mail)]),
    );
    return this.#db
      .update(emails)
      .set({
        state: "sending",
        dueAt: now + IN_HAND_MS,
        attempts: sql`attempts + 1`,
        batchKey: sql`due.value ->> 3`,
      })
      .from(sql`json_each(${values}) AS due`)
      .where(
        sql`emails.task_id = due.value ->> 0 AND emails.to_address = due.value ->> 1
          AND emails.template = due.value ->> 2 AND emails.state IN ('pending', 'sending')
          AND emails.due_at <= ${now}
          AND (${this.#isFree()} OR emails.batch_key = ${ALONE})`,
      )
      .returning();
  }

  /**
   * Takes in hand a batch that may be out, the whole of it: its mails are due at the same time, because every
   * statement that changes this changes it for all of them. Nothing if somebody else has it. Rows written: 2 each.
   */
  takeBatch(key: string, dueAt: number, now: number): Promise<StoredEmail[]> {
    return this.#db
      .update(emails)
      .set({ state: "sending", dueAt: now + IN_HAND_MS, attempts: sql`attempts + 1` })
      .where(
        sql`${SWEEPABLE} AND due_at = ${dueAt} AND batch_key = ${key}
          AND (state = 'pending' OR due_at <= ${now})`,
      )
      .returning();
  }

  /**
   * Ends, or puts off, what was in hand. Safe to repeat. Who was late and lost it to another can still say that it
   * was sent, and nothing else. Rows written: 1 each, 2 when it is put off, 1 more for a bounce.
   */
  async record(ends: readonly MailEnd[], now: number): Promise<void> {
    if (ends.length === 0) return;
    const values = JSON.stringify(
      ends.map(({ mail: { message, attempts }, state, dueAt, reason, ...end }) => [
        ...[message.taskId, message.to, message.template],
        ...[state, dueAt, reason, attempts, end.isForgotten ? 1 : 0],
        ...[end.providerId, end.keepsKey ? KEPT : end.goesAlone ? ALONE : null],
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
        providerId: sql`ended.value ->> 8`,
        batchKey: sql`CASE ended.value ->> 9 WHEN ${KEPT} THEN batch_key ELSE ended.value ->> 9 END`,
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

  /** The rows of mails, of those that have one. */
  async find(mails: readonly Outgoing[]): Promise<StoredEmail[]> {
    if (mails.length === 0) return [];
    const keys = JSON.stringify(
      mails.map(({ message: { taskId, to, template } }) => [taskId, to, template]),
    );
    return this.#db
      .select()
      .from(emails)
      .where(
        sql`(task_id, to_address, template) IN
          (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${keys}))`,
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

  /** Of a row: it may be sent with any others, under another key. */
  #isFree() {
    return this.#keeps.isIdempotent ? sql`emails.batch_key IS NULL` : sql`true`;
  }

  #insert(
    mails: readonly Outgoing[],
    { state, attempts, dueAt }: Pick<StoredEmail, "state" | "attempts" | "dueAt">,
    keyOf: (mail: Outgoing) => string | null,
  ) {
    const values = JSON.stringify(
      mails.map((mail) => {
        const { message, createdAt, isSecret } = mail;
        const isKept = !isSecret || this.#keeps.keepsMail;
        const hasHeaders = Object.keys(message.headers).length > 0;
        return [
          ...[message.taskId, message.to, message.template, message.messageId, message.subject],
          ...[isKept ? message.text : "", isKept ? message.html : "", createdAt],
          ...[hasHeaders ? JSON.stringify(message.headers) : null, state, attempts, dueAt, null],
          ...[null, keyOf(mail)],
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
