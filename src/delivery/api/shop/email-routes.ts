import * as z from "zod";
import { EMAIL_STATES, findEmail, findEmails, type EmailQuery } from "#domain/mail";
import { pageOf } from "../http/answers.ts";
import { jsonCursor } from "../http/json-cursor.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import { limit, oneOf, placeCursor, text } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { withoutUndefined } from "../http/without-undefined.ts";
import { emailAnswer, emailView, FORMATS, mailSeenBy, renderedMail } from "./email-views.ts";

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

const TAG = "mail";

/** The mails of the shop, whatever became of them. */
export function emailRoutes({ shop, mails }: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/emails",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "List mails, the newest first",
      query: {
        task_id: text("Of what was sent by this task.", MAX_KEY_LENGTH),
        state: oneOf(EMAIL_STATES, "In this state."),
        template: text("Of this message."),
        to: text("To this address.", 320),
        limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
        cursor: placeCursor(mailPlace),
      },
      answers: { 200: pageOf("emails", emailAnswer) },
      handle: async ({ query: asked, caller }) => {
        const query: EmailQuery = withoutUndefined({
          taskId: asked.task_id,
          state: asked.state,
          template: asked.template,
          to: asked.to,
        });
        const page = { limit: asked.limit, after: asked.cursor };
        const { emails, next } = await findEmails(shop.db, query, page);
        return Response.json({
          emails: emails.map((email) => emailView(mailSeenBy(caller, email, mails))),
          next_cursor:
            next && jsonCursor([next.createdAt, next.taskId, next.toAddress, next.template]),
        });
      },
    }),
    operation({
      method: "GET",
      path: "/api/emails/:key/:to/:template",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "Show a mail",
      description: "With `format` as its readers see it.",
      params: {
        key: z.string().describe("The `task_id` of the mail."),
        to: z.string().describe("Its recipient."),
        template: z.string().describe("Its message."),
      },
      query: { format: oneOf(FORMATS, "As its readers see it.") },
      answers: {
        200: { types: ["text/html", "text/plain"], json: emailAnswer, words: "The mail." },
      },
      handle: async ({ params, query: { format }, caller }) => {
        const { key = "", to = "", template = "" } = params;
        const found = await findEmail(shop.db, { taskId: key, toAddress: to, template });
        if (found === null) throw notFound();
        const email = mailSeenBy(caller, found, mails);
        if (format === undefined) return Response.json(emailView(email));
        return renderedMail({ html: email.htmlBody, text: email.textBody }, format);
      },
    }),
  ];
}
