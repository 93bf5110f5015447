import { z } from "zod";
import { EMAIL_STATES, findEmail, findEmails, type EmailQuery } from "#domain/mail";
import { jsonCursor, readJsonCursor } from "../json-cursor.ts";
import { notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiParts, Route } from "../route.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { emailView, FORMATS, renderedMail } from "./email-views.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const MAX_KEY_LENGTH = 400;

/** Where a page of mails ended. */
export const mailPlace = z
  .tuple([z.int(), z.string(), z.string(), z.string()])
  .transform(([createdAt, taskId, toAddress, template]) => ({
    createdAt,
    taskId,
    toAddress,
    template,
  }));

/** The mails of the shop, whatever became of them. */
export function emailRoutes({ shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/emails",
      scope: "monitor",
      handle: async ({ query: params }) => {
        const reader = new QueryReader(params);
        const query: EmailQuery = withoutUndefined({
          taskId: reader.text("task_id", MAX_KEY_LENGTH),
          state: reader.oneOf("state", EMAIL_STATES),
          template: reader.text("template"),
          to: reader.text("to", 320),
        });
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const after = readJsonCursor(reader, mailPlace);
        const { emails, next } = await findEmails(shop.db, query, { limit, after });
        return Response.json({
          emails: emails.map(emailView),
          next_cursor:
            next && jsonCursor([next.createdAt, next.taskId, next.toAddress, next.template]),
        });
      },
    },
    {
      method: "GET",
      path: "/api/emails/:key/:to/:template",
      scope: "monitor",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const format = reader.oneOf("format", FORMATS);
        reader.check();
        const { key = "", to = "", template = "" } = params;
        const email = await findEmail(shop.db, { taskId: key, toAddress: to, template });
        if (email === null) throw notFound();
        if (format === undefined) return Response.json(emailView(email));
        return renderedMail({ html: email.htmlBody, text: email.textBody }, format);
      },
    },
  ];
}
