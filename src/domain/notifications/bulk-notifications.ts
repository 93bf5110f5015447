import type { DrizzleD1Database } from "drizzle-orm/d1";
import * as z from "zod";
import { chord, withOptions } from "#engine";
import { listAdmins, usersInParts } from "../accounts/index.ts";
import { countMails, MAIL_OPTIONS, mailOf, sentTo, type MailCounts } from "../mail/index.ts";
import { defineShopTask } from "../services/index.ts";
import {
  chunkCount,
  chunkSizeFor,
  findBulk,
  keepBulk,
  recipientsOf,
  sizeOf,
  type Bulk,
} from "./bulk.ts";
import { withoutRepeats } from "./email-notification.ts";
import { defineNotice, noticeParams } from "./notice.ts";
import type { Audience } from "./tables.ts";

export const bulkNotification = defineNotice({
  name: "bulk_notification",
  isBulk: true,
  sample: {
    subject: "New in the shop: lovage from our garden",
    message: "The first harvest is here.\n\nOrder until Friday and have it on Saturday.",
  },
});

const counts = z.object({
  sent_count: z.int(),
  failed_count: z.int(),
  failed_emails: z.array(z.string()),
  skipped_count: z.int().optional(),
});

/** A chunk names a notification that there is not: no retry will find it. */
class BulkNotFoundError extends TypeError {
  override readonly name = "BulkNotFoundError";
}

/** Writes to the people of one chunk; ends when each of them has it, or never will. */
export const sendNotificationChunk = defineShopTask({
  name: "send_notification_chunk",
  params: z.object({ bulk_id: z.string(), chunk: z.int().min(0) }),
  ...MAIL_OPTIONS,
  timeLimitSeconds: 840,
  // So that other mail is not kept waiting by a long list.
  key: { of: ({ bulk_id: id }) => id },
  handler: async (
    { bulk_id: id, chunk },
    { services, signal },
  ): Promise<z.infer<typeof counts>> => {
    const { db, mail, locale: ours } = services;
    const bulk = await bulkOf(db, id);
    const { recipients, unknown } = await recipientsOf(db, bulk, chunk);
    const outcomes = await mail.send(
      recipients.map(({ to, locale }) =>
        mailOf(bulkNotification, { key: id, to, locale: locale ?? ours, props: bulk }),
      ),
      signal,
    );
    const went = countMails(
      recipients.map(({ to }) => to),
      outcomes,
    );
    return sum([went, { ...NOBODY, skipped_count: unknown }]);
  },
});

/**
 * Adds the chunks up. Of a chunk that failed for good those count as failed who are not known to have
 * their mail.
 */
export const sumNotifications = defineShopTask({
  name: "sum_notifications",
  params: z.object({
    chunks: z.array(z.union([counts, z.object({ error: z.unknown() })])),
    bulk_id: z.string(),
  }),
  ...MAIL_OPTIONS,
  timeLimitSeconds: 840,
  handler: async ({ chunks, bulk_id: id }, { services: { db } }) => {
    const all: MailCounts[] = [];
    for (const [index, chunk] of chunks.entries()) {
      all.push("error" in chunk ? await countLost(db, await bulkOf(db, id), index) : chunk);
    }
    return sum(all);
  },
});

/**
 * Writes to many people, with a link to unsubscribe: a canvas of chunks that are tried again each by
 * itself, and their sum. Whom: `user_ids`, `emails`, or an `audience`. People who unsubscribed are skipped; who is on
 * the suppression list has failed. However often it runs, nobody gets it twice.
 */
export const sendBulkNotifications = defineShopTask({
  name: "send_bulk_notifications",
  params: z
    .object({
      ...noticeParams,
      user_ids: z.array(z.int().positive()).max(30_000).optional(),
      emails: z.array(z.string().max(320)).max(10_000).optional(),
      /** Everybody with an account, or those of a role. */
      audience: z.enum(["all", "user", "admin"]).optional(),
    })
    .refine(
      ({ user_ids: ids, emails, audience }) =>
        [ids, emails, audience].filter((whom) => whom !== undefined).length === 1,
      { path: ["user_ids"], message: "Give one of user_ids, emails and audience." },
    ),
  ...MAIL_OPTIONS,
  handler: async ({ subject, message, ...whom }, ctx): Promise<MailCounts> => {
    const { db, clock } = ctx.services;
    const audience = await audienceOf(db, whom);
    const bulk = await keepBulk(db, {
      id: ctx.taskId,
      subject,
      message,
      audience,
      chunkSize: "parts" in audience ? 0 : chunkSizeFor(sizeOf(audience)),
      createdAt: clock.now(),
    });
    const chunks = Array.from({ length: chunkCount(bulk) }, (_, chunk) =>
      sendNotificationChunk.s({ bulk_id: bulk.id, chunk }),
    );
    if (chunks.length === 0) return NOBODY;
    const whole = chord(chunks, sumNotifications.s({ bulk_id: bulk.id }));
    return ctx.replace(withOptions(whole, { errors: "collect" }));
  },
});

const NOBODY: MailCounts = { sent_count: 0, failed_count: 0, failed_emails: [] };

async function audienceOf(
  db: DrizzleD1Database,
  whom: {
    user_ids?: number[] | undefined;
    emails?: string[] | undefined;
    audience?: string | undefined;
  },
): Promise<Audience> {
  if (whom.emails !== undefined) return { emails: withoutRepeats(whom.emails) };
  if (whom.user_ids !== undefined) return { userIds: [...new Set(whom.user_ids)] };
  if (whom.audience === "admin") {
    return { userIds: (await listAdmins(db)).map(({ id }) => id) };
  }
  const role = whom.audience === "user" ? "user" : null;
  return { parts: await usersInParts(db, role, chunkSizeFor), role };
}

async function bulkOf(db: DrizzleD1Database, id: string): Promise<Bulk> {
  const bulk = await findBulk(db, id);
  if (bulk === null) throw new BulkNotFoundError(`There is no bulk notification ${id}.`);
  return bulk;
}

async function countLost(db: DrizzleD1Database, bulk: Bulk, chunk: number): Promise<MailCounts> {
  const { recipients, unknown } = await recipientsOf(db, bulk, chunk);
  const sent = await sentTo(db, { taskId: bulk.id, template: bulkNotification.name }, recipients);
  const failed = recipients.filter(({ to }) => !sent.has(to)).map(({ to }) => to);
  return {
    sent_count: recipients.length - failed.length,
    failed_count: failed.length,
    failed_emails: failed,
    skipped_count: unknown,
  };
}

function sum(all: readonly MailCounts[]): MailCounts & { failed_emails: string[] } {
  const skipped = all.reduce((total, { skipped_count: count = 0 }) => total + count, 0);
  const failed = all.flatMap(({ failed_emails: emails }) => emails);
  return {
    sent_count: all.reduce((total, { sent_count: count }) => total + count, 0),
    failed_count: failed.length,
    failed_emails: failed,
    ...(skipped > 0 && { skipped_count: skipped }),
  };
}
